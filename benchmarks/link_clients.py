"""Clients that benchmarks/links.py compares: each asks for a value, and for a block."""

from __future__ import annotations

import asyncio
import socket
import struct

import pyvisa
from link_servers import BLOCK, SIZE

from drivers.protocol import scpi
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import ByteLink

TIMEOUT = 20.0
BATCH = 200
"""Queries of a turn."""
HEADER = struct.Struct(">2sBBIQ")
"""Of a HiSLIP packet (IVI-6.1, table 4)."""
INITIALIZE, DATA_END, ASYNC_INITIALIZE = 0, 7, 17


class Raw:
    """A blocking socket, as plain as it gets."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def queries(self) -> None:
        for _ in range(BATCH):
            self._socket.sendall(b"VAL?\n")
            data = b""
            while not data.endswith(b"\n"):
                data += self._socket.recv(4096)

    async def block(self) -> None:
        self._socket.sendall(b"DATA?\n")
        view, got = memoryview(bytearray(len(BLOCK) + 1)), 0
        while got < len(view):
            got += self._socket.recv_into(view[got:])


class Streams:
    """Bare asyncio streams."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port, limit=2**22
        )

    async def queries(self) -> None:
        for _ in range(BATCH):
            self._writer.write(b"VAL?\n")
            await self._reader.readuntil(b"\n")

    async def block(self) -> None:
        self._writer.write(b"DATA?\n")
        await self._reader.readexactly(2)
        size = int(await self._reader.readexactly(len(str(SIZE))))
        await self._reader.readexactly(size)
        await self._reader.readuntil(b"\n")


class Ours:
    """A link of ours, by itself: without the lock and the error queue of a driver."""

    def __init__(self, link: ByteLink) -> None:
        self._link = link

    async def queries(self) -> None:
        for _ in range(BATCH):
            await self._link.write(b"VAL?\n")
            await self._link.read_until(b"\n", TIMEOUT)

    async def block(self) -> None:
        await self._link.write(b"DATA?\n")
        (data,) = await scpi.read_reply(self._link, b"\n", TIMEOUT, long=True)
        assert len(data) == SIZE


class Driver:
    """A whole driver: each query with its question for the error queue."""

    def __init__(self, instrument: ScpiInstrument) -> None:
        self._instrument = instrument

    async def queries(self) -> None:
        for _ in range(BATCH):
            await self._instrument.ask_text("VAL?")

    async def block(self) -> None:
        await self._instrument.ask("DATA?", received=SIZE)


class Batches:
    """A whole driver whose queries are sent ahead, eight at a time."""

    def __init__(self, instrument: ScpiInstrument) -> None:
        self._instrument = instrument

    async def queries(self) -> None:
        for _ in range(BATCH // 8):
            await self._instrument.ask_all(["VAL?"] * 8)


class Joined(ScpiInstrument):
    """An instrument that goes on after a unit that failed."""

    error_in_message = True


class Visa:
    """Plain pyvisa with pyvisa-py, as its documentation shows it."""

    def __init__(self, resource: str) -> None:
        manager = pyvisa.ResourceManager("@py")
        self._session = manager.open_resource(resource)
        self._session.read_termination = "\n"  # type: ignore[attr-defined]
        self._session.write_termination = "\n"  # type: ignore[attr-defined]
        self._session.timeout = TIMEOUT * 1e3

    async def queries(self) -> None:
        for _ in range(BATCH):
            self._session.query("VAL?")  # type: ignore[attr-defined]

    async def block(self) -> None:
        data = self._session.query_binary_values(  # type: ignore[attr-defined]
            "DATA?", datatype="B", container=bytes
        )
        assert len(data) == SIZE


class BareHislip:
    """HiSLIP by hand over asyncio streams, as plain as it gets: what the host can give."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._number, self._read = 0xFFFFFF00, 0

    async def open(self) -> None:
        self._reader, self._writer = await self._connect()
        self._writer.write(HEADER.pack(b"HS", INITIALIZE, 0, 0x0100_7878, 7) + b"hislip0")
        session = HEADER.unpack(await self._reader.readexactly(HEADER.size))[3] & 0xFFFF
        reader, self._beside = await self._connect()
        self._beside.write(HEADER.pack(b"HS", ASYNC_INITIALIZE, 0, session, 0))
        await reader.readexactly(HEADER.size)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port, limit=2**22)

    async def _ask(self, question: bytes) -> int:
        header = HEADER.pack(b"HS", DATA_END, self._read, self._number, len(question))
        self._writer.write(header + question)
        self._number, self._read = (self._number + 2) & 0xFFFFFFFF, 1
        got, kind = 0, 0
        while kind != DATA_END:
            _, kind, _, _, size = HEADER.unpack(await self._reader.readexactly(HEADER.size))
            got += len(await self._reader.readexactly(size))
        return got

    async def queries(self) -> None:
        for _ in range(BATCH):
            await self._ask(b"VAL?\n")

    async def block(self) -> None:
        assert await self._ask(b"DATA?\n") > SIZE
