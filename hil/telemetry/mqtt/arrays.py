"""Of the events with arrays, which are told: all of a step, of so many steps a second."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from hil.telemetry.event import Stamped
from hil.telemetry.events import Believed, Levels, Slots

#: Steps a second whose levels and slots are told.
ARRAYS_PER_SECOND = 5.0
#: Events whose arrays are large, and come with each step.
HEAVY = (Levels, Slots, Believed)


class ArraysThrottle:
    """Keeps the newest step, and lets so many steps a second by.

    Memory is that of two steps at most, however long nobody takes them.
    """

    def __init__(self, per_second: float, now: Callable[[], float] = time.monotonic) -> None:
        self._least = 1.0 / per_second if per_second > 0.0 else None
        self._now = now
        self._chosen: int | None = None
        self._since = -float("inf")
        self._waiting: deque[Stamped] = deque()

    def offer(self, stamped: Stamped) -> None:
        """Take an event of a step: it waits, or is left out."""
        event = stamped.event
        assert isinstance(event, HEAVY)
        if event.step != self._chosen:
            now = self._now()
            if self._least is None or now - self._since < self._least:
                return
            self._chosen, self._since = event.step, now
            while len(self._waiting) > len(HEAVY):
                self._waiting.popleft()
        self._waiting.append(stamped)

    @property
    def first(self) -> Stamped | None:
        """The oldest that waits."""
        return self._waiting[0] if self._waiting else None

    def pass_on(self) -> None:
        """Have `first` wait no longer."""
        self._waiting.popleft()
