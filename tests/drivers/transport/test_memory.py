"""The network in memory: addresses, both directions, both ends closing."""

from __future__ import annotations

import asyncio

import pytest

from drivers.transport.link import LinkClosed
from drivers.transport.memory import MemoryNetwork


async def _echo(reader: asyncio.StreamReader, writer) -> None:
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


def test_echo_on_tcp_and_serial(virtual) -> None:
    async def scenario() -> None:
        network = MemoryNetwork()
        network.listen_tcp("box", 5000, _echo)
        network.listen_serial("/dev/ttyUSB0", _echo)
        assert network.addresses == ("ASRL/dev/ttyUSB0::INSTR", "TCPIP::box::5000::SOCKET")
        for link in (
            await network.tcp("box", 5000),
            await network.serial("/dev/ttyUSB0", 115200),
            await network.visa("tcpip0::box::5000::socket"),
        ):
            await link.write(b"hello\n")
            assert await link.read_until(b"\n", 1.0) == b"HELLO\n"
            await link.close()
            await link.close()
            with pytest.raises(LinkClosed, match="this end is closed"):
                await link.write(b"x")
        await network.close()

    virtual(scenario())


def test_unknown_address_names_the_known_ones(virtual) -> None:
    async def scenario() -> None:
        network = MemoryNetwork()
        with pytest.raises(LinkClosed, match="listening: nothing"):
            await network.tcp("box", 1)
        network.listen_tcp("box", 5000, _echo)
        with pytest.raises(LinkClosed, match=r"TCPIP::box::1::SOCKET.*TCPIP::box::5000::SOCKET"):
            await network.tcp("box", 1)
        with pytest.raises(ValueError, match="already served"):
            network.listen_tcp("box", 5000, _echo)

    virtual(scenario())


def test_server_that_closes_ends_reads_at_once(virtual) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer) -> None:
        await reader.readline()
        writer.close()
        writer.write(b"never seen\n")

    async def scenario() -> None:
        network = MemoryNetwork()
        network.listen_tcp("box", 5000, hang_up)
        link = await network.tcp("box", 5000)
        await link.write(b"hello\n")
        with pytest.raises(LinkClosed, match="other end has closed"):
            await link.read_until(b"\n", 1e3)
        assert asyncio.get_running_loop().time() < 1.0
        assert link.closed
        with pytest.raises(LinkClosed):
            await link.write(b"again\n")

    virtual(scenario())


def test_closing_the_network_ends_servers(virtual) -> None:
    ended: list[bool] = []

    async def serve(reader: asyncio.StreamReader, writer) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(writer.is_closing())

    async def scenario() -> None:
        network = MemoryNetwork()
        network.listen_tcp("box", 5000, serve)
        link = await network.tcp("box", 5000)
        await asyncio.sleep(0)
        await network.close()
        assert link.closed

    virtual(scenario())
    assert ended == [True]
