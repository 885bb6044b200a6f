"""Hosting on a pseudo-terminal: to a client it is a serial device, opened by its path."""

from __future__ import annotations

import asyncio
import os
import tty

from .memory import ClientConnected


class _PtyWriter:
    """The instrument's writing end of a pseudo-terminal."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def drain(self) -> None:
        return None

    def close(self) -> None:
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    async def wait_closed(self) -> None:
        return None


class PtyHost:
    """One instrument behind a pseudo-terminal; `path` is what a client opens.

    The line is raw, without echo; the baud rate a client sets has no effect. To the instrument it
    is one connection for as long as the host lives, however often clients open and close the path,
    as with a cable left plugged in.
    """

    def __init__(self, connected: ClientConnected) -> None:
        self._connected = connected
        # The second end stays open here: a terminal without any holder reports a hang-up.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._task: asyncio.Task[None] | None = None
        self._transports: list[asyncio.BaseTransport] = []

    async def start(self) -> None:
        """Begin to serve."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        incoming, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self._master, "rb", 0)
        )
        outgoing, _ = await loop.connect_write_pipe(
            asyncio.BaseProtocol, os.fdopen(os.dup(self._master), "wb", 0)
        )
        self._transports = [incoming, outgoing]
        self._task = asyncio.create_task(self._serve(reader, _PtyWriter(outgoing)))

    async def _serve(self, reader: asyncio.StreamReader, writer: _PtyWriter) -> None:
        await self._connected(reader, writer)

    async def close(self) -> None:
        """Stop serving and release the terminal."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for transport in self._transports:
            transport.close()
        os.close(self._slave)
