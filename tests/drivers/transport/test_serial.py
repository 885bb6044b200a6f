"""Serial ports over a pseudo-terminal: bytes both ways, an unplugged cable, a port in use."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import Iterator

import pytest

from drivers.transport.link import LinkClosed, LinkTimeout
from drivers.transport.real import RealConnector
from drivers.transport.serial import open_serial


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """The far end's file descriptor, and the device to open."""
    far, near = pty.openpty()
    tty.setraw(near)
    device = os.ttyname(near)
    os.close(near)
    yield far, device
    with contextlib.suppress(OSError):
        os.close(far)


async def _far_read(far: int, count: int) -> bytes:
    os.set_blocking(far, False)
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    got = b""
    loop.add_reader(far, ready.set)
    try:
        async with asyncio.timeout(5.0):
            while len(got) < count:
                await ready.wait()
                ready.clear()
                # The loop may report readiness once more after a read that took everything.
                with contextlib.suppress(BlockingIOError):
                    got += os.read(far, 65536)
    finally:
        loop.remove_reader(far)
    return got


async def test_bytes_both_ways(terminal: tuple[int, str]) -> None:
    far, device = terminal
    link = await RealConnector().serial(device, 115200)
    assert link.name == f"ASRL{device}::INSTR"
    every = bytes(range(256))  # no byte is special to the line discipline
    await link.write(every)
    assert await _far_read(far, 256) == every
    os.write(far, every + b"\n")
    assert await link.read_exactly(256, 2.0) == every
    assert await link.read_until(b"\n", 2.0) == b"\n"
    with pytest.raises(LinkTimeout):
        await link.read_until(b"\n", 0.02)
    os.write(far, b"E01:03\n")
    assert await link.read_exactly(1, 2.0) == b"E"
    assert await link.drain_input() == b"01:03\n"
    await link.close()
    await link.close()
    with pytest.raises(LinkClosed, match="closed"):
        await link.write(b"x")


async def test_long_writes_leave_whole(terminal: tuple[int, str]) -> None:
    far, device = terminal
    link = await open_serial(device, 115200)
    data = os.urandom(300_000)  # far more than a terminal's buffer
    await link.write(data)
    assert await _far_read(far, len(data)) == data
    await link.close()


async def test_unplugged_cable_is_an_error_at_once(terminal: tuple[int, str]) -> None:
    far, device = terminal
    link = await open_serial(device, 115200)
    asyncio.get_running_loop().call_soon(os.close, far)
    with pytest.raises(LinkClosed, match="device has gone"):
        await link.read_until(b"\n", 30.0)
    assert link.closed
    with pytest.raises(LinkClosed):
        await link.write(b"x")
    await link.close()


async def test_port_that_cannot_be_opened(terminal: tuple[int, str]) -> None:
    _, device = terminal
    with pytest.raises(LinkClosed, match=r"ASRL/dev/nothing-there::INSTR.*check the cable"):
        await open_serial("/dev/nothing-there", 115200)
    link = await open_serial(device, 115200)
    with pytest.raises(LinkClosed, match="no other program"):
        await open_serial(device, 115200)
    await link.close()
