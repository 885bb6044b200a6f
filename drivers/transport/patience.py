"""The end of a wait: a timer for each, or one that outlasts many short waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Patience:
    """Calls `expired` when a wait has gone on for too long.

    Most waits end long before. To make a timer and cancel it costs a tenth of a query on the
    loopback, so a `lasting` one stays where it is: when it comes up too soon for the wait that is
    on by then, it is set again. On a loop of virtual time, which jumps to the next timer, none may
    be left over.
    """

    __slots__ = ("_deadline", "_expired", "_lasting", "_timer")

    def __init__(self, expired: Callable[[], None], *, lasting: bool) -> None:
        self._expired = expired
        self._lasting = lasting
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: float | None = None

    def begin(self, loop: asyncio.AbstractEventLoop, timeout: float) -> None:
        """A wait of at most `timeout` s begins."""
        deadline = self._deadline = loop.time() + timeout
        timer = self._timer
        if timer is None:
            self._timer = loop.call_at(deadline, self._due, loop)
        elif timer.when() > deadline:
            timer.cancel()
            self._timer = loop.call_at(deadline, self._due, loop)

    def end(self) -> None:
        """The wait is over."""
        self._deadline = None
        if not self._lasting:
            self.drop()

    def drop(self) -> None:
        """No more waits are to come: leave no timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self, loop: asyncio.AbstractEventLoop) -> None:
        timer, deadline = self._timer, self._deadline
        self._timer = None
        if deadline is None:
            return
        assert timer is not None
        if deadline > timer.when():
            self._timer = loop.call_at(deadline, self._due, loop)
        else:
            self._expired()
