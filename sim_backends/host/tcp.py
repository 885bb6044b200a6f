"""Hosting on TCP sockets."""

from __future__ import annotations

import asyncio
import socket

from .memory import ClientConnected


async def serve_tcp(host: str, port: int, connected: ClientConnected) -> asyncio.Server:
    """Listen on `host`:`port` (0: any free port) until the server returned is closed.

    Raises
    ------
    OSError
        When the address cannot be listened on, naming it.
    """

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await connected(reader, writer)
        except asyncio.CancelledError:
            # The host is closing; the connection's task has nothing left to do.
            writer.close()

    try:
        return await asyncio.start_server(accept, host, port)
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error


def port_of(server: asyncio.Server) -> int:
    """The port a server listens on."""
    return int(server.sockets[0].getsockname()[1])
