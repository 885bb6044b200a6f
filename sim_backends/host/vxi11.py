"""A VXI-11 server for simulated instruments: the core channel (VXI-11 revision 1.0, B.6).

It listens on a port of its own, without a portmapper: `TCPIP::host,port::inst0::INSTR`. Not
offered: the abort channel and interrupts (service requests are read by polling), device commands.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from sim_backends.faults import LinkFaults

from . import rpc
from .locks import LockAnswer, Locks
from .memory import ClientConnected, Writer
from .messages import MessageConverse
from .rpc import Arguments
from .session import LinkTiming, Session
from .vxi11_link import Error, Vxi11Link

CORE_PROGRAM, CORE_VERSION = 0x0607AF, 1
MAX_RECEIVE = 1 << 20
"""Bytes that one device_write may bring."""
_DEVICE = b"inst0"
_MOST_LINKS = 64
_MOST_HELD = 4 * MAX_RECEIVE
_WAIT_LOCK, _END, _CHARACTER = 1, 8, 128

Finish = Callable[[bytes], None]
Procedure = Callable[[Arguments, Finish], None]


class Vxi11Server:
    """What the connections to one instrument share."""

    def __init__(self, converse: MessageConverse, faults: LinkFaults) -> None:
        self.converse = converse
        self.faults = faults
        self.locks = Locks()
        self._last = 0

    def number(self) -> int:
        """A number for a link."""
        self._last += 1
        return self._last


class Vxi11Connection:
    """One TCP connection: calls are carried out one after the other."""

    def __init__(self, server: Vxi11Server) -> None:
        self._server = server
        self._records = rpc.Records(MAX_RECEIVE + 1024)
        self._links: dict[int, Vxi11Link] = {}
        self._calls: deque[bytes] = deque()
        self._held = 0
        self._busy = False
        self._going = False
        self._ended = False
        self._send: Callable[[bytes], None] = lambda data: None
        self._hang_up: Callable[[], None] = lambda: None
        self._procedures: dict[int, Procedure] = {
            0: lambda arguments, finish: finish(b""),
            10: self._create_link,
            11: self._write,
            12: self._read,
            13: self._read_status,
            14: lambda arguments, finish: self._simple(arguments, finish, Vxi11Link.trigger),
            15: lambda arguments, finish: self._simple(arguments, finish, Vxi11Link.clear),
            16: lambda arguments, finish: self._simple(arguments, finish, lambda link: None),
            17: lambda arguments, finish: self._simple(arguments, finish, lambda link: None),
            18: self._lock,
            19: self._unlock,
            20: lambda arguments, finish: finish(rpc.unsigned(Error.NOT_SUPPORTED)),
            22: lambda arguments, finish: finish(rpc.unsigned(Error.NOT_SUPPORTED, 0)),
            23: self._destroy_link,
            25: lambda arguments, finish: finish(rpc.unsigned(Error.NOT_SUPPORTED)),
            26: lambda arguments, finish: finish(rpc.unsigned(Error.NO_CHANNEL)),
        }

    async def run(self, reader: asyncio.StreamReader, writer: Writer, timing: LinkTiming) -> None:
        """Serve until either side closes."""
        session = Session(self._open, writer, timing, LinkFaults())
        self._hang_up = session.hang_up
        await session.run(reader)

    def _open(self, send: Callable[[bytes], None]) -> Vxi11Connection:
        self._send = send
        return self

    def receive(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._ended:
            return
        try:
            for record in self._records.feed(data):
                self._calls.append(record)
                self._held += len(record)
                self._go_on()
                if self._held > _MOST_HELD:
                    raise rpc.NoRecord("too many calls at once")
        except rpc.NoRecord:
            self.end()

    def close(self) -> None:
        """The connection has ended."""
        self._ended = True
        for link in self._links.values():
            link.close()
        self._links.clear()

    def end(self) -> None:
        """Close this end."""
        if not self._ended:
            self.close()
            self._hang_up()

    def _go_on(self) -> None:
        if self._going:  # what has just finished was begun below
            return
        self._going = True
        try:
            while self._calls and not self._busy and not self._ended:
                record = self._calls.popleft()
                self._held -= len(record)
                self._carry_out(record)
        except rpc.NoRecord:
            self.end()
        finally:
            self._going = False

    def _carry_out(self, record: bytes) -> None:
        call = rpc.read_call(record)
        if isinstance(call, bytes):
            self._send(call)
            return
        procedure = self._procedures.get(call.procedure)
        if call.program != CORE_PROGRAM:
            self._send(rpc.reply(call.number, rpc.PROGRAM_UNAVAILABLE))
        elif call.version != CORE_VERSION:
            known = rpc.unsigned(CORE_VERSION, CORE_VERSION)
            self._send(rpc.reply(call.number, rpc.PROGRAM_MISMATCH, known))
        elif procedure is None:
            self._send(rpc.reply(call.number, rpc.PROCEDURE_UNAVAILABLE))
        else:
            self._busy = True

            def finish(result: bytes) -> None:
                self._busy = False
                if not self._ended:
                    self._send(rpc.reply(call.number, rpc.SUCCESS, result))
                    self._go_on()

            try:
                procedure(call.arguments, finish)
            except rpc.Garbage:
                self._busy = False
                self._send(rpc.reply(call.number, rpc.GARBAGE_ARGUMENTS))

    # -- procedures -------------------------------------------------------------------------------

    def _create_link(self, arguments: Arguments, finish: Finish) -> None:
        arguments.signed()  # the client's own number
        locks, patience = arguments.unsigned(), arguments.unsigned() / 1e3
        device = arguments.opaque(256)
        if device.lower() != _DEVICE or len(self._links) >= _MOST_LINKS:
            error = Error.OUT_OF_RESOURCES if device.lower() == _DEVICE else Error.NOT_ACCESSIBLE
            finish(rpc.unsigned(error, 0, 0, 0))
            return
        number = self._server.number()
        server = self._server
        link = Vxi11Link(server.converse, server.faults, server.locks, self.end)

        self._links[number] = link

        def created(answer: LockAnswer) -> None:
            if answer is not LockAnswer.SUCCESS:
                self._links.pop(number).close()
                finish(rpc.unsigned(Error.LOCKED, 0, 0, 0))
                return
            finish(rpc.unsigned(Error.NONE, number, 0, MAX_RECEIVE))

        if locks:
            server.locks.request(link, "", patience, created)
        else:
            created(LockAnswer.SUCCESS)

    def _write(self, arguments: Arguments, finish: Finish) -> None:
        number = arguments.signed()
        arguments.unsigned()  # the time-out: nothing here keeps a write waiting
        patience, flags = arguments.unsigned(), arguments.signed()
        data = arguments.opaque(MAX_RECEIVE)

        def go(link: Vxi11Link) -> None:
            link.write(data, bool(flags & _END))
            finish(rpc.unsigned(Error.NONE, len(data)))

        self._with(number, flags, patience, go, lambda error: finish(rpc.unsigned(error, 0)))

    def _read(self, arguments: Arguments, finish: Finish) -> None:
        number, most = arguments.signed(), arguments.unsigned()
        timeout, patience = arguments.unsigned() / 1e3, arguments.unsigned()
        flags, character = arguments.signed(), arguments.signed() & 0xFF

        def done(error: int, reason: int = 0, data: bytes = b"") -> None:
            finish(rpc.unsigned(error, reason) + rpc.opaque(data))

        stop = bytes([character]) if flags & _CHARACTER else b""
        self._with(number, flags, patience, lambda link: link.read(most, stop, timeout, done), done)

    def _read_status(self, arguments: Arguments, finish: Finish) -> None:
        number, flags, patience, _ = self._generic(arguments)
        self._with(
            number, flags, patience,
            lambda link: finish(rpc.unsigned(Error.NONE, link.status())),
            lambda error: finish(rpc.unsigned(error, 0)),
        )  # fmt: skip

    def _simple(
        self, arguments: Arguments, finish: Finish, act: Callable[[Vxi11Link], None]
    ) -> None:
        number, flags, patience, _ = self._generic(arguments)

        def go(link: Vxi11Link) -> None:
            act(link)
            finish(rpc.unsigned(Error.NONE))

        self._with(number, flags, patience, go, lambda error: finish(rpc.unsigned(error)))

    def _lock(self, arguments: Arguments, finish: Finish) -> None:
        number, flags, patience = arguments.signed(), arguments.signed(), arguments.unsigned()
        link = self._links.get(number)
        if link is None:
            finish(rpc.unsigned(Error.NO_LINK))
            return
        self._server.locks.request(
            link, "", patience / 1e3 if flags & _WAIT_LOCK else 0.0,
            lambda answer: finish(
                rpc.unsigned(Error.NONE if answer is LockAnswer.SUCCESS else Error.LOCKED)
            ),
        )  # fmt: skip

    def _unlock(self, arguments: Arguments, finish: Finish) -> None:
        link = self._links.get(arguments.signed())
        if link is None:
            finish(rpc.unsigned(Error.NO_LINK))
        elif self._server.locks.release(link) is LockAnswer.ERROR:
            finish(rpc.unsigned(Error.NO_LOCK))
        else:
            finish(rpc.unsigned(Error.NONE))

    def _destroy_link(self, arguments: Arguments, finish: Finish) -> None:
        link = self._links.pop(arguments.signed(), None)
        if link is not None:
            link.close()
        finish(rpc.unsigned(Error.NO_LINK if link is None else Error.NONE))

    @staticmethod
    def _generic(arguments: Arguments) -> tuple[int, int, int, int]:
        """Link, flags, lock time-out and time-out (ms), as most procedures have them."""
        return arguments.signed(), arguments.signed(), arguments.unsigned(), arguments.unsigned()

    def _with(
        self,
        number: int,
        flags: int,
        patience: int,
        go: Callable[[Vxi11Link], None],
        refuse: Callable[[int], None],
    ) -> None:
        """Act on a link, once no other one's lock forbids it."""
        link = self._links.get(number)
        if link is None:
            refuse(Error.NO_LINK)
        else:
            waits = patience / 1e3 if flags & _WAIT_LOCK else 0.0
            link.when_allowed(waits, lambda: go(link), lambda: refuse(Error.LOCKED))


def client_connected(
    converse: MessageConverse, timing: LinkTiming, faults: LinkFaults | None = None
) -> ClientConnected:
    """Callback for `asyncio.start_server` that serves an instrument over VXI-11.

    `faults` befall what device_read brings; all other calls are answered.
    """
    server = Vxi11Server(converse, LinkFaults() if faults is None else faults)

    async def connected(reader: asyncio.StreamReader, writer: Writer) -> None:
        await Vxi11Connection(server).run(reader, writer, timing)

    return connected
