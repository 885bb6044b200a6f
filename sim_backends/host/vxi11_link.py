"""One VXI-11 link: what is written goes to the instrument, what it answers waits to be read."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import IntEnum, IntFlag

from sim_backends.faults import LinkFaults

from .locks import Locks
from .messages import (
    INTERRUPTED,
    UNTERMINATED,
    Departures,
    MessageConverse,
    ServiceRequest,
    fate_of,
    pieces,
)


class Error(IntEnum):
    """Error codes of VXI-11 (table B.2)."""

    NONE = 0
    NOT_ACCESSIBLE = 3
    NO_LINK = 4
    NO_CHANNEL = 6
    NOT_SUPPORTED = 8
    OUT_OF_RESOURCES = 9
    LOCKED = 11
    NO_LOCK = 12
    TIMEOUT = 15


class Reason(IntFlag):
    """Why a read ended."""

    COUNT = 1
    CHARACTER = 2
    END = 4


Done = Callable[[int, int, bytes], None]
"""Ends a read: error, reason, data."""


class _Read:
    """A read that waits for an answer."""

    def __init__(self, most: int, stop: bytes, done: Done) -> None:
        self.most = most
        self.stop = stop
        self.done = done
        self.timer: asyncio.TimerHandle | None = None


class _Answer:
    """A response message, as far as it is there and unread."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.ended = False


class Vxi11Link:
    """A client's link to the instrument, with its output queue."""

    def __init__(
        self,
        converse: MessageConverse,
        faults: LinkFaults,
        locks: Locks,
        drop: Callable[[], None],
    ) -> None:
        self._faults = faults
        self._locks = locks
        self._drop = drop
        self._closed = False
        self._output: deque[_Answer] = deque()
        self._lost = False  # an answer was due that never comes
        self._partial = False
        self._delivering = False
        self._departures: Departures[tuple[bytes, bool]] = Departures(self._arrive)
        self._read: _Read | None = None
        self._barred: tuple[Callable[[], None], asyncio.TimerHandle] | None = None
        self._service = ServiceRequest()
        locks.join(self, self._lock_changed)
        self._conversation = converse(self._answer)
        self._conversation.by_messages()

    def close(self) -> None:
        """The link is destroyed, or its connection has gone."""
        if self._closed:
            return
        self._closed = True
        self._empty()
        if self._read is not None and self._read.timer is not None:
            self._read.timer.cancel()
        if self._barred is not None:
            self._barred[1].cancel()
        self._conversation.close()
        self._locks.leave(self)

    def when_allowed(
        self, patience: float, go: Callable[[], None], refuse: Callable[[], None]
    ) -> None:
        """Call `go` once no other client's lock forbids it, or `refuse` after `patience` s."""
        if self._locks.allows(self):
            go()
        elif not patience:
            refuse()
        else:

            def give_up() -> None:
                self._barred = None
                refuse()

            self._barred = go, asyncio.get_running_loop().call_later(patience, give_up)

    def write(self, data: bytes, end: bool) -> None:
        """Bytes of a program message."""
        if self._output or self._departures:
            self._conversation.error(INTERRUPTED)
        self._empty()
        self._delivering = True
        if data:
            self._conversation.receive(data)
        if end:
            self._conversation.end()
        self._partial = not end
        self._delivering = False

    def read(self, most: int, stop: bytes, timeout: float, done: Done) -> None:
        """Read up to `most` bytes, up to `stop` where it is given, or to the end of the answer."""
        if not (self._output or self._departures or self._lost or self._conversation.pending):
            self._conversation.error(UNTERMINATED)
        self._read = _Read(most, stop, done)
        self._serve()
        if self._read is not None:
            loop = asyncio.get_running_loop()
            self._read.timer = loop.call_later(timeout, self._time_out)

    def status(self) -> int:
        """What a serial poll reads."""
        available = bool(self._output or self._departures)
        return self._service.polled(self._conversation.status_byte(available))

    def trigger(self) -> None:
        """A group execute trigger."""
        self._conversation.trigger()

    def clear(self) -> None:
        """Device clear."""
        self._empty()
        self._partial = False
        self._conversation.clear()

    def _answer(self, reply: bytes) -> None:
        """The instrument's `send`: one whole response message."""
        if self._closed:
            return
        if self._conversation.pending or (self._partial and not self._delivering):
            self._conversation.error(INTERRUPTED)
            return
        fate = fate_of(reply, self._faults)
        parts = pieces(reply, fate)
        self._lost = not parts
        for part, delay, ends in parts:
            self._departures.add((part, ends), delay)
        if fate.drop:
            self._drop()

    def _arrive(self, part: tuple[bytes, bool]) -> None:
        if not self._output or self._output[-1].ended:
            self._output.append(_Answer())
        self._output[-1].data += part[0]
        self._output[-1].ended = part[1]
        self._serve()

    def _serve(self) -> None:
        """End the read that waits, if what it asked for is there."""
        wanted = self._read
        if wanted is None or not self._output:
            return
        answer = self._output[0]
        size, reason = min(len(answer.data), wanted.most), Reason(0)
        at = answer.data.find(wanted.stop, 0, size) if wanted.stop else -1
        if at >= 0:
            size, reason = at + 1, Reason.CHARACTER
        if size == wanted.most:
            reason |= Reason.COUNT
        if size == len(answer.data) and answer.ended:
            reason |= Reason.END
        if not reason:
            return
        data = bytes(answer.data[:size])
        del answer.data[:size]
        if Reason.END in reason:
            self._output.popleft()
        self._finish(Error.NONE, reason, data)

    def _time_out(self) -> None:
        self._finish(Error.TIMEOUT, 0, b"")

    def _finish(self, error: int, reason: int, data: bytes) -> None:
        wanted, self._read = self._read, None
        assert wanted is not None
        if wanted.timer is not None:
            wanted.timer.cancel()
        wanted.done(error, reason, data)

    def _empty(self) -> None:
        self._departures.clear()
        self._output.clear()
        self._lost = False

    def _lock_changed(self) -> None:
        if self._barred is not None and self._locks.allows(self):
            go, timer = self._barred
            self._barred = None
            timer.cancel()
            go()
