"""Raw TCP against a server on the loopback: blocks, end of file, refusal."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from drivers.transport.link import LinkClosed, LinkTimeout
from drivers.transport.real import RealConnector
from drivers.transport.socket import SocketLink, open_socket

BLOCK = bytes(range(256)) * 4096  # line ends of every kind lie inside


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        match line:
            case b"BLOCK?\n":
                writer.write(b"#7" + str(len(BLOCK)).encode() + BLOCK + b"\n")
            case b"BYE\n":
                break
            case b"SILENCE\n":
                continue
            case _:
                writer.write(line)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_loopback() -> None:
    async with await asyncio.start_server(_serve, "127.0.0.1", 0, limit=2**22) as server:
        port = server.sockets[0].getsockname()[1]
        link = await RealConnector().tcp("127.0.0.1", port)
        assert isinstance(link, SocketLink)
        assert link.name == f"TCPIP::127.0.0.1::{port}::SOCKET"
        connection = link._transport.get_extra_info("socket")  # type: ignore[union-attr]
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

        await link.write(b"a\nb\n")
        assert await link.read_until(b"\n", 1.0) == b"a\n"
        assert await link.read_until(b"\n", 1.0) == b"b\n"

        await link.write(b"BLOCK?\n")
        assert await link.read_exactly(9, 5.0) == b"#71048576"
        assert await link.read_exactly(len(BLOCK), 5.0) == BLOCK
        assert await link.read_until(b"\n", 1.0) == b"\n"

        await link.write(BLOCK.replace(b"\n", b"") + b"\n")  # more than a socket's buffer
        assert len(await link.read_until(b"\n", 5.0)) == len(BLOCK) - 4096 + 1

        await link.write(b"SILENCE\n")
        with pytest.raises(LinkTimeout, match=r"within 0\.02 s"):
            await link.read_until(b"\n", 0.02)

        await link.write(b"BYE\n")
        start = time.process_time()
        with pytest.raises(LinkClosed, match="other end has closed"):
            await link.read_until(b"\n", 30.0)
        assert time.process_time() - start < 1.0
        assert link.closed
        with pytest.raises(LinkClosed):
            await link.write(b"x\n")
        await link.close()
        await link.close()


async def test_refused_connection_names_the_address() -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(LinkClosed, match=rf"TCPIP::127\.0\.0\.1::{port}::SOCKET.*check host"):
            await open_socket("127.0.0.1", port)


@pytest.mark.parametrize("host", ["a..b", "x" * 70, ".", "x\u00ad" * 40])
async def test_a_name_that_cannot_be_one_is_a_link_that_cannot_be_made(host: str) -> None:
    with pytest.raises(LinkClosed, match="no connection"):
        await open_socket(host, 5025, 1.0)
