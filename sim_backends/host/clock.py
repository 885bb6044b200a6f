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
    """

    def __init__(self, start_time: float = 0.0) -> None:
        self._start = start_time
        self._loop: asyncio.AbstractEventLoop | None = None
        self._offset = 0.0

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
        return self._loop.time() + self._offset
