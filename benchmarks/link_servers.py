"""What the clients of benchmarks/links.py talk to: servers in processes of their own."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from drivers.protocol import scpi
from sim_backends.engine.device import ScpiDevice
from sim_backends.faults import LinkFaults
from sim_backends.host import hislip
from sim_backends.host.session import LinkTiming
from sim_backends.host.tcp import port_of, serve_tcp

VALUE = b"+1.23456789E+00\n"
SIZE = 16 * 2**20
BLOCK = scpi.definite_block(bytes(range(256)) * (SIZE // 256))


def serve_raw(pipe: Connection) -> None:
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


def serve_hislip(pipe: Connection) -> None:
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
