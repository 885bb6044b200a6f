"""One physical link under one lock: atomic exchanges, resynchronisation, reconnection, a clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType

from drivers.transport.link import ByteLink, LinkClosed, LinkError

logger = logging.getLogger(__name__)

MAX_FAILURES = 3
"""Failed recoveries in a row after which a link is latched broken until it is opened again."""


class ExchangeClock:
    """Where an instrument's link time went: seconds by kind, and the number of exchanges."""

    __slots__ = ("busy", "count")

    def __init__(self) -> None:
        self.busy: dict[str, float] = {}
        self.count = 0


class GuardedLink:
    """A byte link that is used by whole exchanges only.

    An exchange that ends in any exception (a time-out, a cancellation, an answer that cannot be
    read) leaves the stream in doubt. The next exchange then first resynchronises, or reconnects
    where no way of resynchronising was given or the link has closed: a late reply never answers the
    next question. Reconnecting identifies again. Repeated failure latches the link broken.
    """

    def __init__(
        self,
        owner: str,
        resource: str,
        clock: ExchangeClock,
        connect: Callable[[], Awaitable[ByteLink]],
        greet: Callable[[ByteLink], Awaitable[None]],
        resynchronise: Callable[[ByteLink], Awaitable[None]] | None,
    ) -> None:
        self._owner = owner
        self._resource = resource
        self._clock = clock
        self._connect = connect
        self._greet = greet
        self._resynchronise = resynchronise
        self._lock = asyncio.Lock()
        self._link: ByteLink | None = None
        self._wanted = False
        self._doubtful = False
        self._failures = 0

    @property
    def is_open(self) -> bool:
        """True between `open` and `close`, even while a recovery is due."""
        return self._wanted

    @property
    def doubtful(self) -> bool:
        """True when the next exchange will first resynchronise or reconnect."""
        link = self._link
        return self._wanted and (self._doubtful or link is None or link.closed)

    def doubt(self) -> None:
        """Make the next exchange resynchronise: stray bytes may still come."""
        self._doubtful = True

    async def open(self) -> None:
        """Connect and greet, once. A link that was latched broken is given another chance."""
        async with self._lock:
            if self._wanted and self._failures < MAX_FAILURES:
                return
            self._failures = 0
            try:
                await self._reconnect()
            except LinkError as error:
                self._claim(error)
                raise
            self._wanted = True

    async def close(self) -> None:
        """Close, whatever the state; an exchange in progress ends in `LinkClosed`."""
        self._wanted = False
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    def exchange(self, kind: str) -> Exchange:
        """`async with` this to have the link for one exchange, its time booked under `kind`.

        Where `kind` is empty nothing is asked, only heard: that is not booked.
        """
        return Exchange(self, kind)

    async def blurt(self, data: bytes) -> None:
        """Last resort of an `off`: send without lock, order or answer. Never raises `LinkError`."""
        link = self._link
        if link is not None and not link.closed:
            try:
                await link.write(data)
            except LinkError:
                logger.exception("%s: the last-resort write failed", self._owner)
        self._doubtful = True

    async def acquire(self) -> ByteLink:
        """Take the lock and a link that can be trusted. Used by `Exchange`."""
        await self._lock.acquire()
        try:
            link = self._link
            if link is None or self._doubtful or link.closed:
                link = await self._recover()
        except BaseException as error:
            self._claim(error)
            self._lock.release()
            raise
        return link

    def release(self, kind: str, seconds: float, error: BaseException | None) -> None:
        """Give the lock back and book the exchange, `error` being what it ended in. Used by
        `Exchange`.
        """
        if kind:
            clock = self._clock
            clock.busy[kind] = clock.busy.get(kind, 0.0) + seconds
            clock.count += 1
        if error is not None:
            self._claim(error)
            self._doubtful = True
        self._lock.release()

    def _claim(self, error: BaseException) -> None:
        """Let an error of the link say whose link it is: its own message has the resource alone."""
        if isinstance(error, LinkError) and not error.instrument:
            error.instrument = self._owner

    async def _recover(self) -> ByteLink:
        if not self._wanted:
            raise LinkClosed(f"{self._owner} ({self._resource}) is not open; call open() first")
        if self._failures >= MAX_FAILURES:
            raise LinkClosed(
                f"{self._owner} ({self._resource}): given up after {self._failures} failed "
                f"recoveries; see that it is on and connected, then close() and open() it"
            )
        try:
            link = self._link
            if link is None or link.closed or self._resynchronise is None:
                logger.warning("%s (%s): connecting again", self._owner, self._resource)
                link = await self._reconnect()
            else:
                logger.warning("%s (%s): resynchronising", self._owner, self._resource)
                await self._resynchronise(link)
                self._doubtful = False
        except Exception:
            self._failures += 1
            raise
        self._failures = 0
        return link

    async def _reconnect(self) -> ByteLink:
        old, self._link = self._link, None
        if old is not None:
            await old.close()
        link = await self._connect()
        try:
            await self._greet(link)
        except BaseException:
            await link.close()
            raise
        self._link = link
        self._doubtful = False
        return link


class Exchange:
    """The use of a link for one exchange; see `GuardedLink.exchange`."""

    __slots__ = ("_guard", "_kind", "_loop", "_start")

    def __init__(self, guard: GuardedLink, kind: str) -> None:
        self._guard = guard
        self._kind = kind

    async def __aenter__(self) -> ByteLink:
        link = await self._guard.acquire()
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        return link

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._guard.release(self._kind, self._loop.time() - self._start, error)
