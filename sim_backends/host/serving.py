"""A whole simulated bench on real sockets and pseudo-terminals, for anybody's client."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sim_backends.bench import SimulatedBench
from sim_backends.endpoints import RPC_PORT, SCPI_PORT, UPLOAD_PORT

from .pty import PtyHost
from .session import client_connected
from .tcp import port_of, serve_tcp


@dataclass(frozen=True)
class Ports:
    """Where to listen; 0 takes any free port."""

    scpi: int = SCPI_PORT
    """of the first box; the next boxes take the next ports"""
    rpc: int = RPC_PORT
    upload: int = UPLOAD_PORT


class BenchHost:
    """Serves all instruments of a bench; `addresses` lists (instrument, where it is found)."""

    def __init__(self, bench: SimulatedBench, host: str = "127.0.0.1", ports: Ports | None = None):
        self._bench = bench
        self._host = host
        self._ports = Ports() if ports is None else ports
        self._servers: list[asyncio.Server] = []
        self._terminals: list[PtyHost] = []
        self.addresses: list[tuple[str, str]] = []
        self.tcp_ports: dict[tuple[str, int], int] = {}
        """(instrument, its own port) -> the port listened on"""

    async def start(self) -> None:
        """Open all ports. Raises OSError, with nothing left open, when one is taken."""
        try:
            await self._start()
        except OSError:
            await self.close()
            raise

    async def _start(self) -> None:
        boxes = 0
        for name in self._bench.instruments:
            for port, converse in self._bench.ports_of(name).items():
                connected = client_connected(
                    converse, self._bench.timing_of(name), self._bench.faults[name]
                )
                if port is None:
                    terminal = PtyHost(connected)
                    await terminal.start()
                    self._terminals.append(terminal)
                    self.addresses.append((name, f"ASRL{terminal.path}::INSTR"))
                    continue
                wanted = {RPC_PORT: self._ports.rpc, UPLOAD_PORT: self._ports.upload}.get(port)
                if wanted is None:
                    wanted = self._ports.scpi + boxes if self._ports.scpi else 0
                    boxes += 1
                server = await serve_tcp(self._host, wanted, connected)
                self._servers.append(server)
                actual = port_of(server)
                self.tcp_ports[name, port] = actual
                self.addresses.append((name, self._address(port, actual)))

    def _address(self, port: int, actual: int) -> str:
        if port == RPC_PORT:
            return f"http://{self._host}:{actual}/json-rpc"
        if port == UPLOAD_PORT:
            return f"{self._host}:{actual} (binary upload)"
        return f"TCPIP::{self._host}::{actual}::SOCKET"

    async def close(self) -> None:
        """Close all ports and connections."""
        for server in self._servers:
            server.close()
        for terminal in self._terminals:
            await terminal.close()
        self._servers, self._terminals = [], []
