"""The receiving half of a link: bytes are fed as they come, one task waits for what it needs.

A long read by count has memory of its own, into which a socket receives directly: a block of data
is not collected, searched and cut, but copied once.
"""

from __future__ import annotations

import asyncio

from drivers.transport.link import NOISE, LinkClosed, LinkError, LinkTimeout
from drivers.transport.patience import Patience

MAX_UNREAD = 64 * 2**20
"""Bytes that may lie unread, and unasked for, before the other end is taken to babble."""
DIRECT = 2**16
"""A read that lacks at least so many bytes gets memory of its own."""
SHOWN = 40
"""Bytes that are shown of what came in place of what was waited for."""


class ReceiveBuffer:
    """Unread bytes of one link, with waits that end in data, a time-out, or the link's end.

    A wait costs one future and a timer, or hardly ever one on the real clock (`patience`); none
    when the bytes are already there.
    """

    __slots__ = (
        "_block", "_data", "_failure", "_filled", "_name", "_needed", "_patience", "_scanned",
        "_waiter", "_wanted",
    )  # fmt: skip

    def __init__(self, name: str, *, real_clock: bool = False) -> None:
        """`real_clock`: the link is never used on a loop of virtual time."""
        self._name = name
        self._patience = Patience(self._wake, lasting=real_clock)
        self._data = bytearray()
        self._failure: LinkError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = b""  # the end that the waiter looks for; empty when it counts
        self._needed = 0
        self._scanned = 0
        self._block: memoryview | None = None  # what a long read is received into
        self._filled = 0

    @property
    def failed(self) -> bool:
        """True once no more bytes can come."""
        return self._failure is not None

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes that arrived."""
        if self._failure is not None:
            return
        if self._block is not None:
            taken = min(len(data), len(self._block) - self._filled)
            self._block[self._filled : self._filled + taken] = memoryview(data)[:taken]
            self._data += memoryview(data)[taken:]
            self._advance(taken)
            return
        self._data += data
        if len(self._data) > MAX_UNREAD:
            size = len(self._data)
            self._data.clear()
            self.fail(
                LinkClosed(f"{self._name}: {size} bytes came unasked; check what it talks to")
            )
        elif self._waiter is not None and self._satisfied():
            self._wake()

    def room(self) -> memoryview | None:
        """Where bytes that come next may be received directly; None where nothing long is read."""
        block = self._block
        return None if block is None or self._filled == len(block) else block[self._filled :]

    def filled(self, room: memoryview, count: int) -> None:
        """So many bytes were received into `room`, which may have been given up meanwhile."""
        if self._block is not None and room.obj is self._block.obj:
            self._advance(count)
        else:
            self.feed(room[:count])

    def fail(self, error: LinkError) -> None:
        """No more bytes will come. What lies unread stays readable; then `error` is raised."""
        if self._failure is None:
            self._failure = error
        self._patience.drop()
        self._wake()

    def take_all(self) -> bytes:
        """Everything unread, without waiting."""
        data = bytes(self._data)
        self._data.clear()
        return data

    async def read_until(self, end: bytes, timeout: float) -> bytes:
        """Bytes up to and including `end`. Raises `LinkTimeout`, or the link's failure."""
        at = self._data.find(end)
        if at < 0:
            self._scanned = max(0, len(self._data) - len(end) + 1)
            self._wanted = end
            await self._wait(timeout, "no end of message")
            at = self._data.find(end, self._scanned)
        return self._take(at + len(end))

    async def read_exactly(self, count: int, timeout: float) -> bytes:
        """`count` bytes. Raises `LinkTimeout`, or the link's failure."""
        if len(self._data) + DIRECT <= count:
            return await self._read_block(count, timeout)
        if len(self._data) < count:
            self._wanted = b""
            self._needed = count
            await self._wait(timeout, f"{count} bytes were expected")
        return self._take(count)

    async def _read_block(self, count: int, timeout: float) -> bytes:
        if self._waiter is not None:
            raise RuntimeError(f"{self._name}: two tasks read one link; hold its lock")
        memory = bytearray(count)
        self._filled = len(self._data)
        memory[: self._filled] = self._data
        self._data.clear()
        self._block = memoryview(memory)
        self._wanted = b""
        self._needed = count
        try:
            await self._wait(timeout, f"{count} bytes were expected")
        except BaseException:
            self._data[:0] = memory[: self._filled]  # what arrived stays readable
            raise
        finally:
            self._block = None
        return bytes(memory)

    def _advance(self, count: int) -> None:
        self._filled += count
        if self._filled == self._needed:
            self._wake()

    def _take(self, count: int) -> bytes:
        data = self._data
        if count == len(data):
            out = bytes(data)
            data.clear()
        else:
            with memoryview(data) as view:
                out = bytes(view[:count])
            del data[:count]
        return out

    def _satisfied(self) -> bool:
        if self._block is not None:
            return self._filled == self._needed
        if not self._wanted:
            return len(self._data) >= self._needed
        if self._data.find(self._wanted, self._scanned) >= 0:
            return True
        self._scanned = max(0, len(self._data) - len(self._wanted) + 1)
        return False

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _wait(self, timeout: float, missing: str) -> None:
        if self._failure is not None:
            raise self._fresh_failure()
        if self._waiter is not None:
            raise RuntimeError(f"{self._name}: two tasks read one link; hold its lock")
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        self._patience.begin(loop, timeout)
        try:
            await waiter
        finally:
            self._patience.end()
            self._waiter = None
        if self._satisfied():
            return
        if self._failure is not None:
            raise self._fresh_failure()
        raise LinkTimeout(f"{self._name}: {missing} within {timeout:.3g} s {self._came()}")

    def _came(self) -> str:
        """What there is in place of what was waited for, and what to do about it."""
        came = self._data if self._block is None else self._block[: self._filled]
        if not len(came):
            return "(0 bytes came); see that it is on, and look at its cable"
        shown = repr(bytes(came[:SHOWN])) + ("..." if len(came) > SHOWN else "")
        return f"({len(came)} bytes came): {shown}; {NOISE}"

    def _fresh_failure(self) -> LinkError:
        # One failure may be raised many times; a new instance keeps its traceback short.
        assert self._failure is not None
        return type(self._failure)(*self._failure.args)
