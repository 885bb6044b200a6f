"""A VXI-11 client that knows what it sends, and a meter for it to call, in virtual time."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from sim_backends.faults import LinkFaults
from sim_backends.host.session import LinkTiming
from sim_backends.host.vxi11 import client_connected
from tests.sim_backends.message_device import Meter

CREATE, WRITE, READ, STATUS, TRIGGER, CLEAR = 10, 11, 12, 13, 14, 15
LOCK, UNLOCK, DESTROY = 18, 19, 23
WAIT, END, CHARACTER = 1, 8, 128
PROGRAM = 0x0607AF


def words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def opaque(data: bytes) -> bytes:
    return words(len(data)) + data + bytes(-len(data) % 4)


def record(data: bytes) -> bytes:
    return words(len(data) | 0x80000000) + data


class Caller:
    """A client that calls and shows what comes."""

    def __init__(self, network: Any) -> None:
        self.wire = network.open(("meter", 1024))
        self.calls = 0
        self.link = 0

    def post(self, procedure: int, arguments: bytes = b"", program: int = PROGRAM) -> None:
        self.calls += 1
        header = words(self.calls, 0, 2, program, 1, procedure, 0, 0, 0, 0)
        self.wire.write(record(header + arguments))

    async def result(self, number: int | None = None) -> bytes:
        answer = await self.reply()
        assert answer[:24] == words(self.calls if number is None else number, 1, 0, 0, 0, 0)
        return answer[24:]

    async def reply(self) -> bytes:
        mark = int.from_bytes(await self.wire.exactly(4), "big")
        assert mark & 0x80000000
        return await self.wire.exactly(mark & 0x7FFFFFFF)

    async def call(self, procedure: int, arguments: bytes = b"") -> tuple[int, ...]:
        self.post(procedure, arguments)
        result = await self.result()
        return struct.unpack(f">{len(result) // 4}I", result)

    async def enter(self, locks: int = 0, patience: int = 0) -> Caller:
        found = await self.call(CREATE, words(1, locks, patience) + opaque(b"inst0"))
        assert found == (0, found[1], 0, 1 << 20)
        self.link = found[1]
        return self

    async def write(self, data: bytes, flags: int = END, patience: int = 0) -> tuple[int, ...]:
        arguments = words(self.link, 2000, patience, flags) + opaque(data)
        return await self.call(WRITE, arguments)

    async def read(
        self, most: int = 1000, timeout: int = 2000, flags: int = 0, stop: int = 0
    ) -> tuple[int, int, bytes]:
        self.post(READ, words(self.link, most, timeout, 0, flags, stop))
        result = await self.result()
        error, reason, length = struct.unpack_from(">3I", result)
        assert len(result) == 12 + length + -length % 4
        return error, reason, result[12 : 12 + length]

    async def ask(self, question: bytes) -> bytes:
        assert await self.write(question) == (0, len(question))
        error, reason, data = await self.read()
        assert (error, reason) == (0, 4)
        return data

    async def generic(self, procedure: int, flags: int = 0, patience: int = 0) -> tuple[int, ...]:
        return await self.call(procedure, words(self.link, flags, patience, 2000))


Main = Callable[[Caller, Meter, Any], Any]


async def visit(
    network: Any, main: Main, timing: LinkTiming | None = None, faults: LinkFaults | None = None
) -> Any:
    """`main(caller, meter, network)` against a served meter."""
    meter = Meter()
    served = client_connected(meter.converse, timing or LinkTiming(), faults)
    network.listen_tcp("meter", 1024, served)
    return await main(await Caller(network).enter(), meter, network)
