"""Hosting on an in-memory network: what such a network must offer, as a protocol.

The network itself belongs to whoever talks to the instruments; this side only listens on it, with
the callback signature of `asyncio.start_server`, so that one instrument is hosted alike in memory
and on a socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol


class Writer(Protocol):
    """The part of `asyncio.StreamWriter` that a simulated instrument uses."""

    def write(self, data: bytes) -> None:
        """Queue bytes for the peer."""
        ...

    async def drain(self) -> None:
        """Wait until the peer's buffer has room."""
        ...

    def close(self) -> None:
        """Close this end; the peer reads end of file."""
        ...

    def is_closing(self) -> bool:
        """Whether either end has closed."""
        ...

    async def wait_closed(self) -> None:
        """Wait until the link is closed."""
        ...


ClientConnected = Callable[[asyncio.StreamReader, Writer], Awaitable[None]]


class Network(Protocol):
    """Named endpoints in process."""

    def listen(self, resource: str, client_connected: ClientConnected) -> None:
        """Serve a resource string; `client_connected(reader, writer)` runs once a connection."""
        ...
