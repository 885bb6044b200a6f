"""An asyncio event loop whose clock jumps to the next timer whenever nothing is ready.

On it a bench of simulated instruments runs as fast as the processor allows while every duration
(link latency, settling, pauses) keeps its full length on the loop's own clock. Nothing here ever
sleeps, and with all links in memory the order of events depends on nothing but the program: the
same program gives the same run.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable, Mapping
from typing import Any, cast

_POLL_EVERY = 32
"""Turns between two looks at the wake-up pipe while it is the only descriptor (signals arrive
through it).
"""

_CLOCK_RESOLUTION = 1e-9
"""s. asyncio runs timers due within this of now; it must stay above the spacing of floats at the
present time.
"""


class _JumpingSelector(selectors.BaseSelector):
    """A selector that never waits for a timer: it polls real descriptors, then moves the loop's
    clock.
    """

    def __init__(self) -> None:
        self._real: selectors.BaseSelector = selectors.DefaultSelector()
        self._turns = 0
        self.jump: Callable[[float], None] = lambda seconds: None

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a real descriptor, as `selectors.BaseSelector.register`."""
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Stop watching a real descriptor."""
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Change what is watched of a real descriptor."""
        return self._real.modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Real events if there are any; otherwise, with a timer ahead, jump to it instead of
        waiting.

        With no timer at all (`timeout` None) it blocks on the descriptors as any loop does: only
        another thread, a signal or real input can then bring news.
        """
        if timeout is None:
            return self._real.select(None)
        self._turns += 1
        if self._turns >= _POLL_EVERY or len(self.get_map()) > 1:
            self._turns = 0
            events = self._real.select(0)
            if events:
                return events
        if timeout > 0:
            self.jump(timeout)
        return []

    def close(self) -> None:
        """Release the real selector."""
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """The watched descriptors."""
        return self._real.get_map()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Event loop on a virtual clock.

    `time()` begins at `start` (s) and moves only by jumping to the next timer, when no callback is
    ready. Real file descriptors are polled first and never waited for while a timer is pending.
    `call_soon_threadsafe` works from other threads. `run_in_executor` (so `asyncio.to_thread` too)
    runs the call inline, in this thread, and its future completes at now + `compute_cost(func)`
    seconds; `compute_cost` None means that computing costs no bench time.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = float(start)
        self.compute_cost: Callable[[Callable[..., Any]], float] | None = None
        selector = _JumpingSelector()
        super().__init__(selector)
        selector.jump = self._jump
        self._settle_resolution()

    def time(self) -> float:
        """Virtual time in s."""
        return self._now

    def _jump(self, seconds: float) -> None:
        # The heap's own value is exact; now + (when - now) need not be.
        timers = cast(Any, self)._scheduled
        self._now = max(self._now, timers[0].when() if timers else self._now + seconds)
        if self._now > 1e5:
            self._settle_resolution()

    def _settle_resolution(self) -> None:
        cast(Any, self)._clock_resolution = max(_CLOCK_RESOLUTION, 4 * math.ulp(self._now))

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run `func(*args)` now and here; the future returned completes at now + the modelled cost.

        `executor` is ignored: threads would make the order of events depend on the machine.
        """
        future: asyncio.Future[Any] = self.create_future()
        cost = 0.0 if self.compute_cost is None else self.compute_cost(func)
        try:
            result = func(*args)
        except Exception as error:
            self.call_at(self._now + cost, _finish, future, None, error)
        else:
            self.call_at(self._now + cost, _finish, future, result, None)
        return future


def _finish(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
