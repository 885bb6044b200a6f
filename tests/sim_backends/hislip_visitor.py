"""A HiSLIP client that knows what it sends, and a meter for it to visit, in virtual time."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from sim_backends.faults import LinkFaults
from sim_backends.host.hislip import client_connected
from sim_backends.host.hislip_packets import Packet
from sim_backends.host.session import LinkTiming
from tests.sim_backends.message_device import Meter

FIRST, NEXT, THIRD = 0xFFFFFF00, 0xFFFFFF02, 0xFFFFFF04
DATA, DATA_END, TRIGGER = 6, 7, 12


def packet(kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">2sBBIQ", b"HS", kind, control, parameter, len(payload)) + payload


class Visitor:
    """A client of two connections that knows what it sends and shows what comes."""

    def __init__(self, network: Any, key: Any = ("meter", 4880)) -> None:
        self.sync = network.open(key)
        self.aside = network.open(key)

    async def enter(self) -> Visitor:
        self.sync.write(bytes.fromhex("48530000010047540000000000000007") + b"hislip0")
        answer = await self.sync.exactly(16)
        assert answer[:6] == bytes.fromhex("485301000100")
        assert answer[8:] == bytes(8)
        session = answer[6:8]
        self.aside.write(bytes.fromhex("485311000000") + session + bytes(8))
        assert await self.aside.exactly(16) == bytes.fromhex("48531200") + b"\0\0xx" + bytes(8)
        return self

    def say(self, payload: bytes, number: int = FIRST, read: int = 0, kind: int = DATA_END) -> None:
        self.sync.write(packet(kind, read, number, payload))

    async def hear(self, aside: bool = False) -> Packet:
        client = self.aside if aside else self.sync
        head = await client.exactly(16)
        prologue, kind, control, parameter, length = struct.unpack(">2sBBIQ", head)
        assert prologue == b"HS"
        return Packet(kind, control, parameter, await client.exactly(length))

    async def ask(self, payload: bytes, number: int = FIRST, read: int = 0) -> bytes:
        self.say(payload, number, read)
        answer = await self.hear()
        assert (answer.kind, answer.control, answer.parameter) == (DATA_END, 0, number)
        return answer.payload

    async def poll(self, number: int, read: int = 0) -> int:
        self.aside.write(packet(21, read, number))
        answer = await self.hear(aside=True)
        assert (answer.kind, answer.parameter, answer.payload) == (22, 0, b"")
        return answer.control


Main = Callable[[Visitor, Meter, Any], Any]


async def visit(
    network: Any, main: Main, timing: LinkTiming | None = None, faults: LinkFaults | None = None
) -> Any:
    """`main(visitor, meter, network)` against a served meter."""
    meter = Meter()
    served = client_connected(meter.converse, timing or LinkTiming(), faults)
    network.listen_tcp("meter", 4880, served)
    return await main(await Visitor(network).enter(), meter, network)
