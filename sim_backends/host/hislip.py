"""A HiSLIP server for simulated instruments (IVI-6.1, synchronized mode, version 1.0).

A client has two TCP connections: program messages, answers and triggers go over the synchronous
one; status byte, device clear and locks over the asynchronous one. An answer bears the number of
the message that it answers, so that a client can tell a stale one. Not offered: overlap mode, TLS.

Two things are done as clients in the field need them rather than by the letter. pyvisa-py names
the message that it will send next in a status query, where the last one is asked for: both count
as the last. And a client that says it has read an answer it was never sent (pyvisa-py does after a
device clear) is no error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sim_backends.faults import LinkFaults

from .hislip_client import HislipClient
from .hislip_packets import VENDOR, Fatal, Kind, Packet, PacketReader, Refused, packed
from .locks import Locks
from .memory import ClientConnected, Writer
from .messages import MessageConverse
from .session import LinkTiming, Session

DEVICE = b"hislip0"
VERSION = 0x0100
_VENDOR_ID = int.from_bytes(b"xx", "big")
_MOST_CLIENTS = 64


class HislipServer:
    """One instrument's HiSLIP clients, with the locks that keep them from one another."""

    def __init__(self, converse: MessageConverse, faults: LinkFaults) -> None:
        self._converse = converse
        self._faults = faults
        self._locks = Locks()
        self._clients: dict[int, HislipClient] = {}
        self._last = 0

    def admit(self, channel: Channel, packet: Packet) -> HislipClient:
        """A new connection's first message: the client that it belongs to. Raises `Fatal`."""
        if packet.kind == Kind.INITIALIZE:
            return self._initialize(channel, packet)
        if packet.kind != Kind.ASYNC_INITIALIZE:
            raise Fatal(Fatal.SEQUENCE, "a connection begins with Initialize or AsyncInitialize")
        client = self._clients.get(packet.parameter)
        if client is None or client.established:
            raise Fatal(Fatal.SEQUENCE, f"no session {packet.parameter} awaits its second channel")
        channel.send(Kind.ASYNC_INITIALIZE_RESPONSE, 0, _VENDOR_ID)
        client.attach(channel)
        return client

    def _initialize(self, channel: Channel, packet: Packet) -> HislipClient:
        name = packet.payload.lower()
        if name not in (DEVICE, b""):
            raise Fatal(Fatal.SEQUENCE, "this instrument is hislip0")
        if len(self._clients) >= _MOST_CLIENTS:
            raise Fatal(Fatal.TOO_MANY, f"{_MOST_CLIENTS} clients are all it takes")
        number = self._last % 0xFFFF + 1
        while number in self._clients:
            number = number % 0xFFFF + 1
        self._last = number
        version = min(packet.parameter >> 16, VERSION)
        channel.send(Kind.INITIALIZE_RESPONSE, 0, version << 16 | number)
        client = HislipClient(
            channel, self._converse, self._faults, self._locks, lambda: self._forget(number)
        )
        self._clients[number] = client
        return client

    def _forget(self, number: int) -> None:
        self._clients.pop(number, None)


class Channel:
    """One TCP connection: bytes in, packets to its client, and the errors of both."""

    def __init__(self, server: HislipServer) -> None:
        self._server = server
        self._reader = PacketReader()
        self._client: HislipClient | None = None
        self._ended = False
        self._send: Callable[[bytes], None] = lambda data: None
        self._hang_up: Callable[[], None] = lambda: None

    async def run(self, reader: asyncio.StreamReader, writer: Writer, timing: LinkTiming) -> None:
        """Serve until either side closes."""
        session = Session(self._open, writer, timing, LinkFaults())
        self._hang_up = session.hang_up
        await session.run(reader)

    def _open(self, send: Callable[[bytes], None]) -> Channel:
        self._send = send
        return self

    def receive(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._ended:
            return
        try:
            for packet in self._reader.feed(data):
                self._take(packet)
                if self._ended:
                    return
        except Fatal as failure:
            self.fail(failure)

    def close(self) -> None:
        """The connection has ended."""
        self._ended = True
        if self._client is not None:
            self._client.lost(self)

    def send(self, kind: Kind, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
        """Send a message."""
        if not self._ended:
            self._send(packed(kind, control, parameter, payload))

    def fail(self, failure: Fatal) -> None:
        """Tell of what cannot be mended, and close all of the client's connections."""
        self.send(Kind.FATAL_ERROR, failure.code, 0, str(failure).encode())
        self.end()
        if self._client is not None:
            self._client.end()

    def end(self) -> None:
        """Close this end."""
        if not self._ended:
            self._ended = True
            self._hang_up()

    def _take(self, packet: Packet) -> None:
        try:
            if packet.too_large:
                raise Refused(Refused.TOO_LARGE, "message too large")
            if self._client is None:
                self._client = self._server.admit(self, packet)
            elif packet.kind in (Kind.FATAL_ERROR, Kind.ERROR):
                if packet.kind == Kind.FATAL_ERROR:
                    self.end()
                    self._client.end()
            elif packet.kind >= VENDOR:
                raise Refused(Refused.VENDOR_MESSAGE, f"no message type {packet.kind}")
            else:
                self._client.take(self, packet)
        except Refused as refusal:
            self.send(Kind.ERROR, refusal.code, 0, str(refusal).encode())


def client_connected(
    converse: MessageConverse, timing: LinkTiming, faults: LinkFaults | None = None
) -> ClientConnected:
    """Callback for `asyncio.start_server` that serves an instrument over HiSLIP.

    `faults` befall the answers; status bytes, device clears and the like arrive.
    """
    server = HislipServer(converse, LinkFaults() if faults is None else faults)

    async def connected(reader: asyncio.StreamReader, writer: Writer) -> None:
        await Channel(server).run(reader, writer, timing)

    return connected
