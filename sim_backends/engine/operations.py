"""Overlapped operations, and answers that come later.

A sweep, an acquisition, a zero adjustment go on while commands are still taken; *OPC, *OPC? and
*WAI wait for all of them (IEEE 488.2-1992, 12.5). Timers of the running loop end them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .errors import ScpiError

Reply = str | bytes | None


class Deferred:
    """What a command answers later; until then its session holds the rest of what was sent."""

    def __init__(self) -> None:
        self.done = False
        self.reply: Reply = None
        self.failure: ScpiError | None = None
        self._then: Callable[[], None] | None = None

    def resolve(self, reply: Reply = None) -> None:
        """Answer; a second call, or one after `cancel`, does nothing."""
        self._end(reply, None)

    def fail(self, failure: ScpiError) -> None:
        """End with an error for the queue instead."""
        self._end(None, failure)

    def cancel(self) -> None:
        """Nobody waits any more (device clear, the client has gone)."""
        self.done = True
        self._then = None

    def then(self, call: Callable[[], None]) -> None:
        """Call this when the answer is there."""
        self._then = call

    def _end(self, reply: Reply, failure: ScpiError | None) -> None:
        if self.done:
            return
        self.done, self.reply, self.failure = True, reply, failure
        if self._then is not None:
            self._then()


class Operation:
    """One operation under way."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self.timer: asyncio.TimerHandle | None = None

    @property
    def pending(self) -> bool:
        """Whether it is still under way."""
        return self in self._operations

    def finish(self) -> None:
        """It has ended, by itself or by an abort; may be called again."""
        if self.timer is not None:
            self.timer.cancel()
        self._operations.end(self)


class Operations:
    """All operations of one instrument."""

    def __init__(self) -> None:
        self._under_way: dict[Operation, None] = {}
        self._waiting: list[Callable[[], None]] = []

    def __contains__(self, operation: Operation) -> bool:
        return operation in self._under_way

    @property
    def pending(self) -> bool:
        """Whether any is under way."""
        return bool(self._under_way)

    def begin(self) -> Operation:
        """Something has begun whose end is not known yet; call `finish` of what is returned."""
        operation = Operation(self)
        self._under_way[operation] = None
        return operation

    def begin_for(self, seconds: float, then: Callable[[], None] | None = None) -> Operation:
        """Something has begun that takes `seconds`; at its end `then` is called first."""
        operation = self.begin()

        def end() -> None:
            if operation.pending:
                if then is not None:
                    then()
                operation.finish()

        operation.timer = asyncio.get_running_loop().call_later(seconds, end)
        return operation

    def when_idle(self, call: Callable[[], None]) -> None:
        """Call this once nothing is under way: at once, or later."""
        if self._under_way:
            self._waiting.append(call)
        else:
            call()

    def abort(self) -> None:
        """End all without their results (`ABORt`, *RST)."""
        for operation in list(self._under_way):
            operation.finish()

    def forget(self, call: Callable[[], None]) -> None:
        """Do not call this any more."""
        if call in self._waiting:
            self._waiting.remove(call)

    def end(self, operation: Operation) -> None:
        """Used by `Operation.finish`."""
        if self._under_way.pop(operation, self) is self:
            return
        if not self._under_way:
            waiting, self._waiting = self._waiting, []
            for call in waiting:
                call()
