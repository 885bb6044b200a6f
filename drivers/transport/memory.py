"""A small network in this process: named endpoints under the same resource strings as outside.

A server callback has the signature that `asyncio.start_server` wants, so one and the same callback
serves a connection in memory and on TCP. Bytes pass at once; delays are the server's own matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from drivers.transport.link import GONE, LinkClosed
from drivers.transport.receive import ReceiveBuffer
from drivers.transport.resource import SerialResource, SocketResource, parse

SERVER_LIMIT = 2**22
"""Longest message that a server's StreamReader can look through, in bytes."""


class MemoryLink:
    """The client's end of a connection in memory: a `ByteLink`."""

    def __init__(self, name: str, to_server: asyncio.StreamReader, stream: bool = True) -> None:
        self.name = name
        self.stream = stream
        self._to_server = to_server
        self._closed = False
        self.received = ReceiveBuffer(name)

    @property
    def closed(self) -> bool:
        """True once either end has closed."""
        return self._closed or self.received.failed

    async def write(self, data: bytes) -> None:
        """Hand `data` to the server. Raises `LinkClosed` when either end has closed."""
        if self._closed:
            raise LinkClosed(f"{self.name}: this end is closed; open the instrument again")
        if self.received.failed:
            raise LinkClosed(f"{self.name}: the other end has closed; {GONE}")
        self._to_server.feed_data(data)

    async def read_until(self, end: bytes, timeout: float) -> bytes:
        """Bytes up to and including `end`. Raises `LinkTimeout` or `LinkClosed`."""
        return await self.received.read_until(end, timeout)

    async def read_exactly(self, count: int, timeout: float) -> bytes:
        """`count` bytes. Raises `LinkTimeout` or `LinkClosed`."""
        return await self.received.read_exactly(count, timeout)

    async def drain_input(self) -> bytes:
        """Whatever has arrived, without waiting."""
        return self.received.take_all()

    async def close(self) -> None:
        """Close this end; the server reads end of file."""
        if not self._closed:
            self._closed = True
            self._to_server.feed_eof()
            self.received.fail(
                LinkClosed(f"{self.name}: this end is closed; open the instrument again")
            )


class MemoryWriter:
    """The server's writing end: as much of `asyncio.StreamWriter` as a server needs."""

    def __init__(self, link: MemoryLink) -> None:
        self._link = link
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send to the client; dropped when either end has closed, as a socket would."""
        if not self._closing:
            self._link.received.feed(data)

    async def drain(self) -> None:
        """Bytes pass at once, so there is nothing to wait for."""

    def close(self) -> None:
        """Close the connection; the client's reads end in `LinkClosed` at once."""
        if not self._closing:
            self._closing = True
            self._link.received.fail(
                LinkClosed(f"{self._link.name}: the other end has closed; {GONE}")
            )

    def is_closing(self) -> bool:
        """True once this end has been closed or the client has gone."""
        return self._closing or self._link.closed

    async def wait_closed(self) -> None:
        """Closing in memory is immediate."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`"peername"` is the address that was connected to; everything else is `default`."""
        return self._link.name if name == "peername" else default


ClientConnected = Callable[[asyncio.StreamReader, MemoryWriter], Awaitable[None] | None]
"""What a server does with a new connection: the callback of `asyncio.start_server`."""


class MemoryNetwork:
    """Named endpoints in process. It is a `Connector`, and servers listen on it."""

    def __init__(self) -> None:
        self._servers: dict[str, tuple[ClientConnected, bool]] = {}
        self._sessions: set[asyncio.Task[None]] = set()
        self._links: list[MemoryLink] = []

    @property
    def addresses(self) -> tuple[str, ...]:
        """Resource strings that something listens on, in alphabetical order."""
        return tuple(sorted(self._servers))

    def listen(
        self, resource: str, client_connected: ClientConnected, *, stream: bool = True
    ) -> None:
        """Serve any resource string: sockets, serial ports, USB, GPIB, VXI-11, HiSLIP.

        Bytes queue up in order whatever its kind; with `stream` False a client is told to send one
        message at a time, as on a message-based link. Raises `ValueError` when the address is
        taken, `ResourceError` when it cannot be read.
        """
        address = str(parse(resource))
        if address in self._servers:
            raise ValueError(f"{address} is already served in memory; give each its own resource")
        self._servers[address] = client_connected, stream

    def listen_tcp(self, host: str, port: int, client_connected: ClientConnected) -> None:
        """Serve `TCPIP::host::port::SOCKET`. Raises `ValueError` when the address is taken."""
        self.listen(str(SocketResource(host, port)), client_connected)

    def listen_serial(self, device: str, client_connected: ClientConnected) -> None:
        """Serve `ASRLdevice::INSTR`. Raises `ValueError` when the address is taken."""
        self.listen(str(SerialResource(device)), client_connected)

    async def tcp(self, host: str, port: int) -> MemoryLink:
        """Connect to a listening address. Raises `LinkClosed` naming those that there are."""
        return self._connect(str(SocketResource(host, port)))

    async def serial(self, device: str, baud: int) -> MemoryLink:
        """Open a listening serial device; `baud` is not looked at, as on a pseudo-terminal."""
        del baud
        return self._connect(str(SerialResource(device)))

    async def visa(self, resource: str) -> MemoryLink:
        """Connect by any resource string that something listens on. Raises `LinkClosed`."""
        return self._connect(str(parse(resource)))

    async def close(self) -> None:
        """Close every connection and end every server task."""
        for link in self._links:
            await link.close()
        self._links.clear()
        sessions = list(self._sessions)
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    def _connect(self, address: str) -> MemoryLink:
        served = self._servers.get(address)
        if served is None:
            known = ", ".join(self.addresses) or "nothing"
            raise LinkClosed(f"{address}: nothing listens there in memory; listening: {known}")
        loop = asyncio.get_running_loop()
        to_server = asyncio.StreamReader(limit=SERVER_LIMIT, loop=loop)
        server, stream = served
        link = MemoryLink(address, to_server, stream)
        self._links = [known for known in self._links if not known.closed]
        self._links.append(link)
        session = loop.create_task(_serve(server, to_server, MemoryWriter(link)))
        self._sessions.add(session)
        session.add_done_callback(self._sessions.discard)
        return link


async def _serve(server: ClientConnected, reader: asyncio.StreamReader, to: MemoryWriter) -> None:
    try:
        serving = server(reader, to)
        if serving is not None:
            await serving
    except asyncio.CancelledError:
        to.close()
        raise
    except Exception as error:  # a broken server must not look like a silent one
        to.close()
        context = {"message": f"a server in memory failed: {error!r}", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)
