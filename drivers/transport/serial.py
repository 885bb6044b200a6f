"""Serial ports in the event loop: opened by pyserial, then read and written as the fd is ready.

POSIX only: the loop watches the port's file descriptor. No thread, so no thread's delay.
"""

from __future__ import annotations

import asyncio
import os

import serial

from drivers.transport.link import LinkClosed
from drivers.transport.receive import ReceiveBuffer
from drivers.transport.resource import SerialResource

READ_SIZE = 65536
EMPTY_READS = 3
"""Wake-ups in a row without a byte (one may be due to `drain_input`) that mean end of file."""
FLUSH_TIMEOUT = 1.0
"""Seconds that closing waits for bytes that have not left yet."""


class SerialLink:
    """An open serial port: a `ByteLink`. Writes never block; the rest leaves as the port allows."""

    def __init__(self, name: str, port: serial.Serial, loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self._port = port
        self._fd = port.fileno()
        self._loop = loop
        self._received = ReceiveBuffer(name)
        self._unsent = bytearray()
        self._flushed = asyncio.Event()
        self._flushed.set()
        self._open = True
        self._empty = 0
        os.set_blocking(self._fd, False)
        loop.add_reader(self._fd, self._ready)

    @property
    def closed(self) -> bool:
        """True once the port is closed or its device has gone."""
        return not self._open or self._received.failed

    @property
    def stream(self) -> bool:
        """Bytes queue up in order: several messages may be sent ahead."""
        return True

    async def write(self, data: bytes) -> None:
        """Send `data`. Raises `LinkClosed` when the port is closed or its device has gone."""
        if self.closed:
            raise LinkClosed(f"{self.name}: the port is closed; open the instrument again")
        self._unsent += data
        if self._flushed.is_set():
            self._flushed.clear()
            self._writable()
            if self.closed:
                raise LinkClosed(f"{self.name}: the device has gone; check its cable")
            if self._unsent:
                self._loop.add_writer(self._fd, self._writable)

    async def read_until(self, end: bytes, timeout: float) -> bytes:
        """Bytes up to and including `end`. Raises `LinkTimeout` or `LinkClosed`."""
        return await self._received.read_until(end, timeout)

    async def read_exactly(self, count: int, timeout: float) -> bytes:
        """`count` bytes. Raises `LinkTimeout` or `LinkClosed`."""
        return await self._received.read_exactly(count, timeout)

    async def drain_input(self) -> bytes:
        """Whatever has arrived, without waiting."""
        if not self.closed:
            self._readable()
        return self._received.take_all()

    async def close(self) -> None:
        """Send what has not left yet, for a second at most, and close."""
        if not self._open:
            return
        self._open = False
        self._received.fail(LinkClosed(f"{self.name}: this end is closed"))
        try:
            async with asyncio.timeout(FLUSH_TIMEOUT):
                await self._flushed.wait()
        except TimeoutError:
            pass
        finally:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            self._port.close()

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(str(error))
            return
        if data:
            self._empty = 0
            self._received.feed(data)

    def _ready(self) -> None:
        """Called by the loop. A port that keeps reporting bytes and has none was unplugged."""
        self._empty += 1
        self._readable()
        if self._empty > EMPTY_READS:
            self._lost("it reports bytes and has none")

    def _writable(self) -> None:
        try:
            while self._unsent:
                sent = os.write(self._fd, self._unsent)
                del self._unsent[:sent]
        except BlockingIOError:
            return
        except OSError as error:
            self._unsent.clear()
            self._lost(str(error))
        self._loop.remove_writer(self._fd)
        self._flushed.set()

    def _lost(self, why: str) -> None:
        self._loop.remove_reader(self._fd)
        self._received.fail(LinkClosed(f"{self.name}: the device has gone ({why})"))


async def open_serial(device: str, baud: int) -> SerialLink:
    """Open `device` at `baud`, 8 data bits, no parity, 1 stop bit, no flow control, for us alone.

    Raises `LinkClosed` naming the port and what to look at.
    """
    name = str(SerialResource(device))
    loop = asyncio.get_running_loop()

    def open_port() -> serial.Serial:
        return serial.Serial(device, baud, timeout=0, write_timeout=0, exclusive=True)

    try:
        port = await loop.run_in_executor(None, open_port)  # a USB bridge may take a while
    except (serial.SerialException, OSError, ValueError) as error:
        raise LinkClosed(
            f"{name}: cannot be opened ({error}); check the cable, the rights on the port, and "
            f"that no other program has it"
        ) from None
    return SerialLink(name, port, loop)
