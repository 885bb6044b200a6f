"""VISA sessions on a thread of their own: pyvisa-py against a server on the loopback."""

from __future__ import annotations

import asyncio

import pytest

from drivers.transport.link import LinkClosed, LinkTimeout
from drivers.transport.resource import ResourceError

pytest.importorskip("pyvisa_py")
pytestmark = pytest.mark.filterwarnings("ignore")  # of pyvisa-py, about optional packages

BLOCK = b"\n\r\n#" * 500


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        if line == b"BLOCK?\n":
            writer.write(b"#42000" + BLOCK + b"\n")
        elif line != b"SILENCE\n":
            writer.write(line)
    writer.close()
    await writer.wait_closed()


async def test_socket_session() -> None:
    from drivers.transport.visa import open_visa

    async with await asyncio.start_server(_serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        link = await open_visa(f"TCPIP::127.0.0.1::{port}::SOCKET")
        await link.write(b"one\ntwo\n")
        assert await link.read_until(b"\n", 2.0) == b"one\n"
        assert await link.read_until(b"\n", 2.0) == b"two\n"
        await link.write(b"BLOCK?\n")
        assert await link.read_exactly(6, 2.0) == b"#42000"
        assert await link.read_exactly(2000, 2.0) == BLOCK
        assert await link.read_until(b"\n", 2.0) == b"\n"
        await link.write(b"SILENCE\n")
        with pytest.raises(LinkTimeout):
            await link.read_until(b"\n", 0.05)
        assert await link.drain_input() == b""
        assert not link.closed
        await link.close()
        await link.close()
        with pytest.raises(LinkClosed):
            await link.write(b"x\n")


async def test_what_cannot_be_opened() -> None:
    from drivers.transport.real import RealConnector
    from drivers.transport.visa import open_visa

    with pytest.raises(LinkClosed, match=r"USB0::0x1313::0x8078::none::INSTR.*cannot be opened"):
        await open_visa("USB0::0x1313::0x8078::none::INSTR")
    with pytest.raises(ResourceError):
        await RealConnector().visa("nonsense")
