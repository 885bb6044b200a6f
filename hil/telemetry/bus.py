"""The bus: events go out to outlets, and nobody waits.

`publish` stamps an event and lays it into the queue of each outlet: some microseconds, on whatever
thread it happens. Each outlet has a thread of its own that takes events out of its queue. A queue
is bounded: a lossy outlet (a window, MQTT) drops the oldest event and counts it; one that keeps
records drops nothing, and lets the publisher wait where its disk cannot follow: what was measured
is worth more than time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from hil.telemetry.event import Event, Stamped

logger = logging.getLogger(__name__)

#: Events that an outlet is handed at once, at most.
MOST_AT_ONCE = 256


class OutletFailed(RuntimeError):
    """An outlet that may not lose events could not take one."""


class Outlet:
    """Hands events to `take`, in order, in a thread of its own.

    Parameters
    ----------
    name : of the thread, and in messages.
    take : given some events, oldest first; may block. What it raises ends a lossless outlet
        (`check` raises then), and is logged once and counted by a lossy one.
    size : events that wait at most.
    lossy : whether the oldest waiting event is dropped when there are more; else `put` waits.
    kinds : the classes of events that it takes; empty: all.

    Attributes
    ----------
    dropped : events that were dropped; failed : times that `take` raised.
    """

    def __init__(
        self,
        name: str,
        take: Callable[[Sequence[Stamped]], None],
        *,
        size: int = 1000,
        lossy: bool = True,
        kinds: tuple[type[Event], ...] = (),
    ) -> None:
        if size < 1:
            raise ValueError(f"size is {size}; an outlet must hold at least one event")
        self.name = name
        self.dropped = self.failed = 0
        self._take = take
        self._size = size
        self._lossy = lossy
        self._kinds = kinds
        self._waiting: deque[Stamped] = deque()
        self._changed = threading.Condition()
        self._closing = self._taking = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"outlet {name}", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Events that wait now."""
        return len(self._waiting)

    def put(self, *stamped: Stamped) -> None:
        """Lay events into the queue; never raises, and they are lost where the outlet has ended."""
        if self._kinds:
            stamped = tuple(one for one in stamped if isinstance(one.event, self._kinds))
        if not stamped:
            return
        with self._changed:
            for one in stamped:
                if not self._make_room():
                    return
                self._waiting.append(one)
            self._changed.notify_all()

    def _make_room(self) -> bool:
        """Drop or wait, where the queue is full; False where the outlet has ended."""
        if self._closing or self._error is not None:
            return False
        if len(self._waiting) >= self._size:
            if self._lossy:
                self._waiting.popleft()
                self.dropped += 1
            else:
                self._changed.notify_all()
                self._changed.wait_for(self._has_room)
        return self._error is None

    def check(self) -> None:
        """Wait until a lossless outlet has taken all that it was given.

        Raises
        ------
        OutletFailed
            Where it could not.
        """
        if not self._lossy:
            with self._changed:
                self._changed.wait_for(self._idle)
        if self._error is not None:
            raise OutletFailed(f"{self.name}: {self._error}") from self._error

    def close(self, patience: float = 5.0) -> bool:
        """Hand over what waits, for `patience` s at most; whether all was handed over."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(patience)
        return not self._thread.is_alive() and not self._waiting

    def _idle(self) -> bool:
        return not (self._waiting or self._taking) or self._error is not None

    def _has_room(self) -> bool:
        return len(self._waiting) < self._size or self._error is not None or self._closing

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                number = min(len(self._waiting), MOST_AT_ONCE)
                events = [self._waiting.popleft() for _ in range(number)]
                self._taking = bool(events)
                self._changed.notify_all()
            if not events:
                return
            try:
                self._take(events)
            except Exception as error:
                self.failed += 1
                if self.failed == 1:
                    logger.warning("%s: %s", self.name, error)
                if not self._lossy:
                    with self._changed:
                        self._error = error
                        self._changed.notify_all()
                    return
            finally:
                with self._changed:
                    self._taking = False
                    self._changed.notify_all()


class Bus:
    """Where a run publishes. `clock` gives bench time in s."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.clock = clock
        self.outlets: list[Outlet] = []
        self._number = 0
        self._lock = threading.Lock()

    def add(self, outlet: Outlet) -> Outlet:
        """Let an outlet have all that is published from now on."""
        self.outlets.append(outlet)
        return outlet

    def remove(self, outlet: Outlet) -> None:
        """Let an outlet have no more; it is not closed."""
        self.outlets.remove(outlet)

    @property
    def heard(self) -> bool:
        """Whether anybody listens: what is dear to make need not be made for nobody."""
        return bool(self.outlets)

    def publish(self, *events: Event) -> None:
        """Stamp events and lay them into the queue of each outlet; together, they wake it once.

        Never raises: a bench is driven off even where nobody can be told. See `check`.
        """
        with self._lock:
            number, bench_time, wall_time = self._number, self.clock(), time.time()
            self._number += len(events)
            stamped = [
                Stamped(n, bench_time, wall_time, event)
                for n, event in enumerate(events, number + 1)
            ]
            for outlet in self.outlets:
                outlet.put(*stamped)

    def check(self) -> None:
        """Wait until all that was published is kept by those that keep records.

        Raises
        ------
        OutletFailed
            Where one can keep no more.
        """
        for outlet in self.outlets:
            outlet.check()

    def close(self, patience: float = 5.0) -> list[str]:
        """Close all outlets; a line for each that could not hand over everything."""
        left = [
            f"{outlet.name}: {outlet.waiting} events were not handed over"
            for outlet in self.outlets
            if not outlet.close(patience)
        ]
        self.outlets.clear()
        return left
