"""The embedded broker ends when the last word has gone through it, however busy the machine."""

from __future__ import annotations

import asyncio

from hil.telemetry.mqtt.serve_broker import GRACE, linger


class Starved(asyncio.SelectorEventLoop):
    """The loop of a process that has one turn in a second."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = 0

    def time(self) -> float:
        return super().time() + self._turns

    def _run_once(self) -> None:
        self._turns += 1
        super()._run_once()  # type: ignore[misc]


def test_what_came_before_the_end_is_passed_on() -> None:
    """A message wakes one task after the other: who reads it, who sorts it, who sends it."""
    passed: list[int] = []

    async def passing_on(hops: int) -> None:
        for hop in range(hops):
            await asyncio.sleep(0.0)
            passed.append(hop)

    async def ending() -> None:
        message = asyncio.ensure_future(passing_on(20))
        await linger(GRACE)
        message.cancel()  # as it is when the process has gone

    with asyncio.Runner(loop_factory=Starved) as runner:
        runner.run(ending())
    assert passed == list(range(20))
