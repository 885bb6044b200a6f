"""A client of a simulated oscilloscope, and inputs whose edges come when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np

from sim_backends.oscilloscope.inputs import EXTERNAL


class Level:
    """A voltage at all inputs, and edges at EXT."""

    def __init__(self, volts: float = 0.0, edges: tuple[float, ...] = ()) -> None:
        self.level = volts
        self.edges = edges

    def volts(self, channel: int, times: np.ndarray) -> np.ndarray:
        return np.full(times.shape, self.level)

    def next_edge(self, source: int, level: float, rising: bool, after: float) -> float | None:
        here = source == EXTERNAL and rising
        return min((edge for edge in self.edges if here and edge > after), default=None)


class Client:
    """An oscilloscope of a kind, made at the time of the running loop, and a session with it.

    `no_error` is the reply of its empty queue; every block gives its length in `digits` digits.
    """

    kind: Callable[..., Any]
    model: str
    no_error: str
    digits: int

    def __init__(self, inputs: Any = None, model: str = "") -> None:
        now = asyncio.get_running_loop().time
        self.inputs = Level() if inputs is None else inputs
        self.scope = type(self).kind(now, self.inputs, model=model or self.model)
        self.sent: list[bytes] = []
        self.session = self.scope.converse(self.sent.append)

    def raw(self, text: str) -> bytes:
        self.sent.clear()
        self.session.receive(text.encode() + b"\n")
        return b"".join(self.sent)

    def write(self, text: str) -> str:
        return self.raw(text).decode("latin-1").removesuffix("\n")

    def all(self, *texts: str) -> None:
        for text in texts:
            assert self.write(text) == ""
            assert self.write("SYST:ERR?") == self.no_error, text

    def refused(self, text: str) -> int:
        assert self.write(text) == ""
        return int(self.write("SYST:ERR?").split(",")[0])

    def block(self, text: str) -> bytes:
        reply = self.raw(text)
        start = 2 + self.digits
        assert reply[:2] == b"#%d" % self.digits
        assert int(reply[2:start]) == len(reply) - start - 1
        return reply[start:-1]


def within_time_of(client: Callable[..., Client], run: Callable[..., Any]) -> Callable[..., None]:
    """`within(scenario, inputs, model=)`: run a scenario with an oscilloscope in virtual time."""

    def go(scenario: Callable[[Client], Any], *arguments: Any, **options: Any) -> None:
        async def main() -> None:
            await scenario(client(*arguments, **options))

        run(main())

    return go
