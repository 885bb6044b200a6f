"""Raw TCP in the event loop: eight instruments in one gather cost little more than one."""

from __future__ import annotations

import asyncio
import socket
from types import CoroutineType
from typing import Any

from drivers.transport.link import GONE, LinkClosed, LinkTimeout
from drivers.transport.receive import ReceiveBuffer
from drivers.transport.resource import SocketResource

CONNECT_TIMEOUT = 5.0
"""Seconds after which a host that does not answer is given up."""
SCRATCH = 2**16
"""Bytes received at once while no long read is under way."""
WRITE_TIMEOUT = 10.0
"""Seconds that the other end may leave us waiting before it takes more bytes."""


class SocketLink(asyncio.BufferedProtocol):
    """A TCP connection: a `ByteLink`. End of file fails a waiting read at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._received = ReceiveBuffer(name, real_clock=True)
        self._transport: asyncio.Transport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._gone = asyncio.Event()
        self._scratch = memoryview(bytearray(SCRATCH))
        self._room = self._scratch

    @property
    def closed(self) -> bool:
        """True once either end is known to have closed."""
        return self._transport is None or self._transport.is_closing() or self._received.failed

    @property
    def stream(self) -> bool:
        """Bytes queue up in order: several messages may be sent ahead."""
        return True

    async def write(self, data: bytes) -> None:
        """Send `data`. Raises `LinkClosed`, or `LinkTimeout` when the other end takes no more."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._received.failed:
            raise LinkClosed(f"{self.name}: the connection is closed; open the instrument again")
        transport.write(data)
        if not self._writable.is_set():
            try:
                async with asyncio.timeout(WRITE_TIMEOUT):
                    await self._writable.wait()
            except TimeoutError:
                raise LinkTimeout(
                    f"{self.name}: the other end has taken no bytes for {WRITE_TIMEOUT:g} s; {GONE}"
                ) from None
            if self.closed:
                raise LinkClosed(
                    f"{self.name}: the other end closed while it was written to; {GONE}"
                )

    def read_until(self, end: bytes, timeout: float) -> CoroutineType[Any, Any, bytes]:
        """Bytes up to and including `end`. Raises `LinkTimeout` or `LinkClosed`."""
        return self._received.read_until(end, timeout)

    def read_exactly(self, count: int, timeout: float) -> CoroutineType[Any, Any, bytes]:
        """`count` bytes. Raises `LinkTimeout` or `LinkClosed`."""
        return self._received.read_exactly(count, timeout)

    async def drain_input(self) -> bytes:
        """Whatever has arrived, without waiting."""
        return self._received.take_all()

    async def close(self) -> None:
        """Send what is still to be sent, for a second at most, and close."""
        self._received.fail(
            LinkClosed(f"{self.name}: this end is closed; open the instrument again")
        )
        transport = self._transport
        if transport is None:
            return
        transport.close()
        try:
            async with asyncio.timeout(1.0):
                await self._gone.wait()
        except TimeoutError:
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop: set the socket's options."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        connection = transport.get_extra_info("socket")
        if connection is not None:
            # An exchange is one small message each way: waiting to fill a segment costs 40 ms.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Called by the loop: where to receive what has come."""
        self._room = self._received.room() or self._scratch
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Called by the loop: so many bytes have been received there."""
        if self._room is self._scratch:
            self._received.feed(self._scratch[:nbytes])
        else:
            self._received.filled(self._room, nbytes)

    def eof_received(self) -> bool:
        """Called by the loop: the other end sends no more, so no answer can come."""
        self._received.fail(LinkClosed(f"{self.name}: the other end has closed; {GONE}"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop: the connection has ended."""
        why = f": {exc}" if exc else ""
        self._received.fail(LinkClosed(f"{self.name}: the other end has closed{why}; {GONE}"))
        self._writable.set()
        self._gone.set()

    def pause_writing(self) -> None:
        """Called by the loop: much is waiting to be sent."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Called by the loop: more may be sent."""
        self._writable.set()


async def open_socket(host: str, port: int, timeout: float = CONNECT_TIMEOUT) -> SocketLink:
    """Connect to `host`:`port` within `timeout` seconds.

    Raises `LinkTimeout` or `LinkClosed`, each naming the address and what to look at.
    """
    name = str(SocketResource(host, port))
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            _, link = await loop.create_connection(lambda: SocketLink(name), host, port)
    except TimeoutError:
        raise LinkTimeout(
            f"{name}: no connection within {timeout:g} s; is it on, and on this network?"
        ) from None
    except (OSError, UnicodeError) as error:  # a name with an empty or overlong part is no text
        raise LinkClosed(f"{name}: no connection ({error}); check host, port and cable") from None
    return link
