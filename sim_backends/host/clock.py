"""The time of day on a simulated bench."""

from __future__ import annotations

import asyncio
from typing import Protocol

from sim_backends.virtual_time import VirtualTimeLoop


class Clock(Protocol):
    """Tells bench time in s."""

    def now(self) -> float:
        """Bench time, s."""
        ...


class BenchClock:
    """Bench time from the running loop.

    On a virtual loop bench time is the loop's own; on a real one it is `start_time` when the bench
    is first asked the time, and goes on with the loop's clock.

    While one turn of the loop lasts no bench time passes, on a real loop either: all that a message
    brings about happens at one instant. Whoever looks for edges up to the present, just before the
    lines begin to play from the present on, would otherwise have looked beyond their first edge.
    """

    def __init__(self, start_time: float = 0.0) -> None:
        self._start = start_time
        self._loop: asyncio.AbstractEventLoop | None = None
        self._offset = 0.0
        self._instant: float | None = None
        """Of the present turn of a real loop."""

    @property
    def begun(self) -> bool:
        """Whether the time was ever asked: before, nothing has happened on the bench."""
        return self._loop is not None

    def now(self) -> float:
        """Bench time, s; the loop must be running at the first call."""
        if self._loop is None:
            loop = asyncio.get_running_loop()
            if not isinstance(loop, VirtualTimeLoop):
                self._offset = self._start - loop.time()
            self._loop = loop
        if self._instant is not None:
            return self._instant
        now = self._loop.time() + self._offset
        if not isinstance(self._loop, VirtualTimeLoop) and _on(self._loop):
            self._instant = now
            self._loop.call_soon(self._go_on)
        return now

    def _go_on(self) -> None:
        """The turn is over."""
        self._instant = None


def _on(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this is a callback or task of the loop; not another thread, nor after its end."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
