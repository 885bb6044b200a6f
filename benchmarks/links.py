"""Query and block rates of our links against others': python benchmarks/links.py

All clients talk to the same servers on the loopback, in a process of their own: a raw TCP server as
quick as it can be, and one that speaks HiSLIP. Turns are interleaved, and the best turn of each
counts, by the clock and by this process's CPU time: what else the machine does weighs on all alike.
Absolute rates of shared machines mean little; the ratios between lines of one run carry over.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import socket
import threading
import time
import warnings
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import pyvisa

from drivers.link_model import LinkModel
from drivers.protocol import scpi
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import ByteLink
from drivers.transport.real import RealConnector
from sim_backends.engine.device import ScpiDevice
from sim_backends.faults import LinkFaults
from sim_backends.host import hislip
from sim_backends.host.session import LinkTiming
from sim_backends.host.tcp import port_of, serve_tcp

VALUE = b"+1.23456789E+00\n"
SIZE = 16 * 2**20
BLOCK = scpi.definite_block(bytes(range(256)) * (SIZE // 256))
TIMEOUT = 20.0
BATCH = 200
"""Queries of a turn."""

Turn = Callable[[], Awaitable[None]]


def _serve_raw(pipe: Connection) -> None:
    """Answer every line: `VAL?`, `DATA?`, `*IDN?`, `SYST:ERR?`, and the last two joined to it."""
    answers = {
        b"VAL?": VALUE,
        b"DATA?": BLOCK + b"\n",
        b"*IDN?": b"ACME,FAST,1,1\n",
        b"SYST:ERR?": b'0,"No error"\n',
        b"VAL?;:SYST:ERR?": VALUE[:-1] + b';0,"No error"\n',
    }

    def serve(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        unread = b""
        while data := connection.recv(65536):
            *lines, unread = (unread + data).split(b"\n")
            connection.sendall(b"".join(answers[line.strip()] for line in lines))

    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send(listener.getsockname()[1])
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


class Fast(ScpiDevice):
    """A simulated instrument with a value and a block."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0, "ACME,FAST,1,1")
        self.commands.add("VAL?", lambda *_: VALUE[:-1].decode())
        self.commands.add("DATA?", lambda *_: BLOCK)  # type: ignore[arg-type, return-value]


def _serve_hislip(pipe: Connection) -> None:
    async def serve() -> None:
        connected = hislip.client_connected(Fast().converse, LinkTiming(), LinkFaults())
        server = await serve_tcp("127.0.0.1", 0, connected)
        pipe.send(port_of(server))
        await asyncio.Event().wait()

    asyncio.run(serve())


def started(serve: Callable[[Connection], None]) -> int:
    """Start a server in a process of its own; returns its port."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=serve, args=(theirs,), daemon=True).start()
    return ours.recv()


class Raw:
    """A blocking socket, as plain as it gets."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def queries(self) -> None:
        for _ in range(BATCH):
            self._socket.sendall(b"VAL?\n")
            data = b""
            while not data.endswith(b"\n"):
                data += self._socket.recv(4096)

    async def block(self) -> None:
        self._socket.sendall(b"DATA?\n")
        view, got = memoryview(bytearray(len(BLOCK) + 1)), 0
        while got < len(view):
            got += self._socket.recv_into(view[got:])


class Streams:
    """Bare asyncio streams."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port, limit=2**22
        )

    async def queries(self) -> None:
        for _ in range(BATCH):
            self._writer.write(b"VAL?\n")
            await self._reader.readuntil(b"\n")

    async def block(self) -> None:
        self._writer.write(b"DATA?\n")
        await self._reader.readexactly(2)
        size = int(await self._reader.readexactly(len(str(SIZE))))
        await self._reader.readexactly(size)
        await self._reader.readuntil(b"\n")


class Ours:
    """A link of ours, by itself: without the lock and the error queue of a driver."""

    def __init__(self, link: ByteLink) -> None:
        self._link = link

    async def queries(self) -> None:
        for _ in range(BATCH):
            await self._link.write(b"VAL?\n")
            await self._link.read_until(b"\n", TIMEOUT)

    async def block(self) -> None:
        await self._link.write(b"DATA?\n")
        (data,) = await scpi.read_reply(self._link, b"\n", TIMEOUT, long=True)
        assert len(data) == SIZE


class Driver:
    """A whole driver: each query with its question for the error queue."""

    def __init__(self, instrument: ScpiInstrument) -> None:
        self._instrument = instrument

    async def queries(self) -> None:
        for _ in range(BATCH):
            await self._instrument.ask_text("VAL?")

    async def block(self) -> None:
        await self._instrument.ask("DATA?", received=SIZE)


class Joined(ScpiInstrument):
    """An instrument that goes on after a unit that failed."""

    error_in_message = True


class Visa:
    """Plain pyvisa with pyvisa-py, as its documentation shows it."""

    def __init__(self, resource: str) -> None:
        manager = pyvisa.ResourceManager("@py")
        self._session = manager.open_resource(resource)
        self._session.read_termination = "\n"  # type: ignore[attr-defined]
        self._session.write_termination = "\n"  # type: ignore[attr-defined]
        self._session.timeout = TIMEOUT * 1e3

    async def queries(self) -> None:
        for _ in range(BATCH):
            self._session.query("VAL?")  # type: ignore[attr-defined]

    async def block(self) -> None:
        data = self._session.query_binary_values(  # type: ignore[attr-defined]
            "DATA?", datatype="B", container=bytes
        )
        assert len(data) == SIZE


async def best(turns: dict[str, Turn], rounds: int) -> dict[str, tuple[float, float]]:
    """Seconds of the best turn of each by the clock, and of CPU; taken in turns."""
    found = dict.fromkeys(turns, (float("inf"), float("inf")))
    for turn in turns.values():
        await turn()
    for _ in range(rounds):
        for name, turn in turns.items():
            gc.collect()
            began, busy = time.perf_counter(), time.process_time()
            await turn()
            took = time.perf_counter() - began, time.process_time() - busy
            found[name] = min(found[name][0], took[0]), min(found[name][1], took[1])
    return found


def show(
    title: str,
    seconds: dict[str, tuple[float, float]],
    yardstick: str,
    rate: Callable[[float], str],
) -> None:
    """A line each: how many times as long as the yardstick it takes, its CPU time, its rate."""
    print(f"\n{title}, in times of {yardstick}")
    print(f"{'':40} {'clock':>7} {'CPU':>7}   rate here")
    clock, busy = seconds[yardstick]
    for name, (took, worked) in seconds.items():
        print(f"{name:40} {took / clock:7.2f} {worked / busy:7.2f}   {rate(took)}")


async def measure(rounds: int) -> None:
    """Both tables on raw TCP and on HiSLIP."""
    raw_port, hislip_port = started(_serve_raw), started(_serve_hislip)
    where = f"TCPIP::127.0.0.1::{raw_port}::SOCKET"
    message = f"TCPIP::127.0.0.1::hislip0,{hislip_port}::INSTR"
    connector, model = RealConnector(), LinkModel(latency=0.0, bytes_per_second=1e6)
    streams = Streams(raw_port)
    await streams.open()
    apart = ScpiInstrument("apart", where, connector, link=model)
    joined = Joined("joined", where, connector, link=model)
    far = Joined("far", message, connector, link=model)
    for one in (apart, joined, far):
        await one.open()
    tcp = {
        "raw socket": Raw(raw_port),
        "asyncio": streams,
        "our socket link": Ours(await connector.visa(where)),
        "our driver, error queue in the message": Driver(joined),
        "our driver, error queue in its own": Driver(apart),
        "pyvisa-py SOCKET": Visa(where),
    }
    slow = {
        "pyvisa-py HiSLIP": Visa(message),
        "our VISA link": Ours(await connector.visa(message)),
        "our driver": Driver(far),
    }
    for title, clients, yardstick in (
        ("raw TCP", tcp, "asyncio"),
        ("HiSLIP", slow, "pyvisa-py HiSLIP"),
    ):
        queries = {name: one.queries for name, one in clients.items()}
        show(
            f"a query on {title}", await best(queries, 5 * rounds), yardstick,
            lambda s: f"{BATCH / s:8.0f} /s",
        )  # fmt: skip
        if title == "raw TCP":
            del clients["our driver, error queue in the message"]  # its block is the other's
        blocks = {name: one.block for name, one in clients.items()}
        show(
            f"a block of {SIZE / 1e6:.0f} MB on {title}", await best(blocks, rounds), yardstick,
            lambda s: f"{SIZE / 1e6 / s:8.0f} MB/s",
        )  # fmt: skip
    for one in (apart, joined, far):
        await one.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6, help="turns of blocks (default: 6)")
    warnings.simplefilter("ignore")  # of pyvisa-py, about optional packages
    asyncio.run(measure(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
