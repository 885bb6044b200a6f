"""Simulated instruments on real sockets and pseudo-terminals, for anybody's client."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from sim_backends.faults import LinkFaults
from sim_backends.instrument import Door

from . import hislip, vxi11
from .http import HTTP_PATH
from .memory import ClientConnected
from .messages import MessageConverse
from .pty import PtyHost
from .session import LinkTiming, client_connected
from .tcp import port_of, serve_tcp
from .udp import join_group, serve_udp

VXI11_PORT = 4980
"""First port tried for VXI-11, which has none of its own: a real instrument's portmapper tells it.
No portmapper runs here, so clients must be told the port (pyvisa-py: `TCPIP::host,port::…`).
"""
_TRIES = 256
"""Ports that are tried, one after the other, where an instrument's own is taken."""


@dataclass(frozen=True)
class Served:
    """One instrument to serve: its doors, the timing of its link, and the link's faults."""

    name: str
    doors: tuple[Door, ...]
    timing: LinkTiming = field(default_factory=LinkTiming)
    faults: LinkFaults = field(default_factory=LinkFaults)


@dataclass(frozen=True)
class Address:
    """Where a client finds a door; `resource` is in VISA's notation where it has one."""

    name: str
    door: Door
    resource: str
    port: int | None
    own: int | None = None
    """The port that the real instrument has, where that was tried first."""


class InstrumentHost:
    """Serves instruments on this machine; `addresses` lists where each door is found.

    A door is served on the port that the real instrument has, or the next one that is free: several
    instruments of one kind come to lie on ports in a row. With `free_ports` on any that are free.
    """

    def __init__(
        self, served: Sequence[Served], host: str = "127.0.0.1", *, free_ports: bool = False
    ) -> None:
        self._served = tuple(served)
        self._host = host
        self._free = free_ports
        self._servers: list[asyncio.Server] = []
        self._datagrams: list[asyncio.DatagramTransport] = []
        self._terminals: list[PtyHost] = []
        self.addresses: list[Address] = []

    def address(self, name: str, port: int | None = None) -> Address:
        """Where an instrument's first door is found, or the one of its own port `port`.

        Raises `KeyError` where it has none.
        """
        for address in self.addresses:
            if address.name == name and (port is None or address.door.port == port):
                return address
        raise KeyError(f"{name} has no door of port {port}")

    async def start(self) -> None:
        """Open all doors. Raises OSError, with nothing left open, when one cannot be."""
        try:
            for one in self._served:
                for door in one.doors:
                    await self._open(one, door)
        except OSError:
            await self.close()
            raise

    async def close(self) -> None:
        """Close all doors and connections."""
        for server in self._servers:
            server.close()
        for datagrams in self._datagrams:
            datagrams.close()
        for terminal in self._terminals:
            await terminal.close()
        self._servers, self._datagrams, self._terminals = [], [], []

    async def _open(self, one: Served, door: Door) -> None:
        if door.kind == "message":
            await self._open_messages(one, door)
        elif door.kind == "serial" or door.port is None:
            terminal = PtyHost(client_connected(door.converse, one.timing, one.faults))
            await terminal.start()
            self._terminals.append(terminal)
            self._tell(one, door, f"ASRL{terminal.path}::INSTR", None)
        elif door.kind == "udp":
            datagrams = await serve_udp(self._host, 0 if self._free else door.port, door.converse)
            self._datagrams.append(datagrams)
            port = int(datagrams.get_extra_info("sockname")[1])
            if door.group is not None:
                joined = await join_group(self._host, port, door.group, door.converse)
                self._datagrams += [] if joined is None else [joined]
            self._tell(one, door, f"udp://{self._host}:{port}", port)
        else:
            connected = client_connected(door.converse, one.timing, one.faults)
            port = await self._listen(door.port, connected)
            http = door.kind == "http"
            resource = f"http://{self._host}:{port}{HTTP_PATH}"
            self._tell(
                one, door, resource if http else f"TCPIP::{self._host}::{port}::SOCKET", port
            )

    async def _open_messages(self, one: Served, door: Door) -> None:
        """HiSLIP and VXI-11: two ways to the same instrument."""
        # Such a door's conversation has what messages need besides: `Door` says so.
        converse = cast("MessageConverse", door.converse)
        assert door.port is not None
        connected = hislip.client_connected(converse, one.timing, one.faults)
        port = await self._listen(door.port, connected)
        self._tell(one, door, f"TCPIP::{self._host}::hislip0,{port}::INSTR", port)
        connected = vxi11.client_connected(converse, one.timing, one.faults)
        port = await self._listen(VXI11_PORT, connected)
        self._tell(one, door, f"TCPIP::{self._host},{port}::inst0::INSTR", port)

    async def _listen(self, port: int, connected: ClientConnected) -> int:
        """Serve on `port`, the next that is free, or any; returns which it is."""
        for tried in (0,) if self._free else range(port, port + _TRIES):
            try:
                server = await serve_tcp(self._host, tried, connected)
                self._servers.append(server)
                return port_of(server)
            except OSError as error:
                if self._free or error.errno != errno.EADDRINUSE:
                    raise
        raise OSError(
            errno.EADDRINUSE,
            f"ports {port} to {port + _TRIES - 1} of {self._host} are all taken; "
            f"end what listens there, or serve on any free ports",
        )

    def _tell(self, one: Served, door: Door, resource: str, port: int | None) -> None:
        # VXI-11 has no port of its own.
        own = (
            None if self._free or port is None or resource.endswith("::inst0::INSTR") else door.port
        )
        self.addresses.append(Address(one.name, door, resource, port, own))
