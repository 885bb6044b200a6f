"""The base of SCPI drivers on links where replies go astray: a right value, or a typed error.

In memory and virtual time, so that thousands of faults take seconds; once over HiSLIP.
"""

from __future__ import annotations

import asyncio
import random
from typing import ClassVar

import pytest

from drivers.errors import InstrumentError
from drivers.link_model import LinkModel
from drivers.quantity import Quantity
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import LinkError
from drivers.transport.memory import MemoryNetwork
from drivers.transport.real import RealConnector
from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.dialect import Dialect
from sim_backends.faults import LinkFaults, drop, duplicate, garbage, late, silence, split
from sim_backends.host import hislip
from sim_backends.host.session import LinkTiming, client_connected
from sim_backends.host.tcp import port_of, serve_tcp
from sim_backends.virtual_time import VirtualTimeLoop

TIMEOUT = 1.0
LEVEL = Quantity("level", "LEV", "Control the level (0 to 200).", kind=int, low=0, high=200, safe=0)
ECHO = Quantity(
    "echo", "ECHO{channel}", "Get a number (0 to 9999).", kind=int, question="ECHO? {channel}"
)


class Source(ScpiDevice):
    """Takes a level up to 100, and answers what it is asked."""

    dialect: ClassVar[Dialect] = Dialect(reply_end=b"\n", stop_on_error=True)

    def __init__(self) -> None:
        super().__init__(lambda: 0.0, "ACME,SOURCE,1,1")
        self.settings.number("level", "LEVel", 0, 100, 0)
        self.commands.add("ECHO?", lambda session, suffixes, text: text)


class GoesOn(Source):
    """The same on a parser that goes on after a unit that failed."""

    dialect: ClassVar[Dialect] = Dialect(reply_end=b"\n")


class Apart(ScpiInstrument):
    """Its driver; it tells the error queue in a message of its own."""

    quantities = (LEVEL,)
    links: ClassVar[tuple[str, ...]] = ("tcp", "serial", "gpib", "hislip")
    channels = tuple(range(40_000))  # what `echo` is asked to say
    baud = 9600


class Joined(Apart):
    """Its driver where the error queue ends each message."""

    error_in_message = True


TROUBLES = [
    silence(), garbage(), late(0.4), late(1.3), late(2.6), split(1, 0.2), split(2, 1.5), drop(),
]  # fmt: skip
FORGED = [garbage(b"\n"), garbage(b'-350,"Queue overflow"\n')]
"""Whole replies too many, which shift all that follow; a message-based link has no such thing."""
RESOURCES = {
    "tcp": "TCPIP::source::5025::SOCKET",
    "serial": "ASRL/dev/source::INSTR",
    "message": "GPIB0::5::INSTR",
}


@pytest.mark.parametrize("kind", RESOURCES)
@pytest.mark.parametrize(("device", "driver"), [(Source, Apart), (GoesOn, Joined)])
def test_a_storm_of_faults(kind: str, device: type[Source], driver: type[Apart]) -> None:
    source, faults, dice = device(), LinkFaults(), random.Random(11)
    counts = {"right": 0, "wrong": 0}
    troubles = TROUBLES if kind == "message" else TROUBLES + FORGED

    async def step(instrument: Apart, number: int) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            if number % 3 == 1:
                assert await instrument.get(ECHO, number) == number
            elif number % 3:
                places = [(ECHO, number + 10_000 * one) for one in range(4)]
                assert await instrument.get_all(places) == [channel for _, channel in places]
            else:
                level = dice.randrange(200)
                await instrument.set(LEVEL, level)
                assert source.settings["level"] == level <= 100
            counts["right"] += 1
        except (InstrumentError, LinkError) as error:
            counts["wrong"] += 1
            if "given up" in str(error):
                faults.clear()
                await instrument.close()
                await instrument.open()
        assert loop.time() - began < 12 * TIMEOUT

    async def scenario() -> None:
        network = MemoryNetwork()
        connected = client_connected(source.converse, LinkTiming(1e-3, 1e5), faults)
        network.listen(RESOURCES[kind], connected, stream=kind != "message")
        instrument = driver(
            "source", RESOURCES[kind], network, link=LinkModel(1e-3, 1e5), timeout=TIMEOUT
        )
        await instrument.open()
        for number in range(1000):
            for _ in range(dice.choice([0, 0, 1, 1, 2, 3])):
                faults.order(dice.choice(troubles))
            await step(instrument, number)
        faults.clear()
        await asyncio.sleep(10.0)  # what is still on its way arrives
        for number in range(1000, 1020):
            try:
                assert await instrument.get(ECHO, number) == number
            except (InstrumentError, LinkError):
                assert number < 1003
                await instrument.close()
                await instrument.open()
        await instrument.close()
        await network.close()

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        runner.run(scenario())
    assert counts["right"] > 200
    assert counts["wrong"] > 200


@pytest.mark.parametrize("kind", ["tcp", "serial"])
def test_replies_that_come_twice(kind: str) -> None:
    """Where the error queue is told in its own message, the copy never passes for an answer."""
    source, faults, dice = Source(), LinkFaults(), random.Random(3)
    right = 0

    async def scenario() -> None:
        nonlocal right
        network = MemoryNetwork()
        connected = client_connected(source.converse, LinkTiming(1e-3, 1e4), faults)
        network.listen(RESOURCES[kind], connected)
        instrument = Apart("source", RESOURCES[kind], network, link=LinkModel(1e-3, 1e4))
        await instrument.open()
        for number in range(400):
            if dice.random() < 0.3:
                faults.order(duplicate())
            try:
                assert await instrument.get(ECHO, number) == number
                right += 1
            except (InstrumentError, LinkError):
                faults.clear()
        await instrument.close()
        await network.close()

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        runner.run(scenario())
    assert right > 150  # most, the others ended in errors


@pytest.mark.filterwarnings("ignore")  # of pyvisa-py, about optional packages
@pytest.mark.parametrize(("device", "driver"), [(Source, Apart), (GoesOn, Joined)])
async def test_over_hislip(device: type[Source], driver: type[Apart]) -> None:
    """A query that fails is silent there: the link is cleared, and the error queue says why."""
    pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")
    source, faults = device(), LinkFaults()
    connected = hislip.client_connected(source.converse, LinkTiming(), faults)
    server = await serve_tcp("127.0.0.1", 0, connected)
    resource = f"TCPIP::127.0.0.1::hislip0,{port_of(server)}::INSTR"
    instrument = driver("source", resource, RealConnector(), link=LinkModel(0.0, 1e6), timeout=0.5)
    async with instrument:
        for number in range(2):
            assert await instrument.get(ECHO, number) == number
            with pytest.raises(InstrumentError, match="-113"):
                await instrument.ask("NOTHING?")
            await instrument.set(LEVEL, 10 + number)
            assert source.settings["level"] == 10 + number
            with pytest.raises(InstrumentError, match="-222"):
                await instrument.set(LEVEL, 150)
            faults.late(0.7)
            with pytest.raises(LinkError):
                await instrument.get(ECHO, 100)
    server.close()
    for _ in range(5):  # let the connections' tasks see it
        await asyncio.sleep(0)
