"""A driver against its simulated instrument: in memory on virtual time, and over its true link."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from drivers.transport.link import Connector
from drivers.transport.memory import MemoryNetwork
from drivers.transport.real import RealConnector
from sim_backends.faults import LinkFaults
from sim_backends.host.clock import BenchClock
from sim_backends.host.serving import InstrumentHost, Served
from sim_backends.host.session import LinkTiming, client_connected
from sim_backends.instrument import Door, SimulatedInstrument
from sim_backends.virtual_time import VirtualTimeLoop


@dataclass(frozen=True)
class Reached:
    """One door of a simulated instrument, as a driver reaches it."""

    device: Any
    connector: Connector
    resource: str
    faults: LinkFaults


Build = Callable[[Callable[[], float]], SimulatedInstrument]
"""Makes an instrument from its clock."""
Scenario = Callable[[Reached], Awaitable[Any]]


class Wire:
    """Runs scenarios over one kind of link, `memory` or `true`."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def run(self, build: Build, scenario: Scenario, *, door: str) -> Any:
        """Run `scenario` on the instrument's first door of a kind (`serial`, `tcp`, `message`)."""
        if self.kind == "memory":
            with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
                return runner.run(self._in_memory(build, scenario, door))
        return asyncio.run(asyncio.wait_for(self._on_its_link(build, scenario, door), 30.0))

    @staticmethod
    def _door(device: SimulatedInstrument, kind: str) -> Door:
        return next(door for door in device.doors if door.kind == kind)

    async def _in_memory(self, build: Build, scenario: Scenario, kind: str) -> Any:
        device = build(BenchClock().now)
        door = self._door(device, kind)
        network, faults = MemoryNetwork(), LinkFaults()
        connected = client_connected(door.converse, LinkTiming(1e-3, 1e5), faults)
        if kind == "serial":
            resource = "ASRL/dev/instrument::INSTR"
            network.listen_serial("/dev/instrument", connected)
        elif kind == "message":
            resource = "TCPIP::instrument::hislip0::INSTR"
            network.listen(resource, connected, stream=False)
        else:
            assert door.port is not None
            resource = f"TCPIP::instrument::{door.port}::SOCKET"
            network.listen_tcp("instrument", door.port, connected)
        try:
            return await scenario(Reached(device, network, resource, faults))
        finally:
            await network.close()

    async def _on_its_link(self, build: Build, scenario: Scenario, kind: str) -> Any:
        device = build(BenchClock().now)
        faults = LinkFaults()
        served = Served("instrument", (self._door(device, kind),), faults=faults)
        host = InstrumentHost([served], free_ports=True)
        await host.start()
        try:
            resource = host.address("instrument").resource
            return await scenario(Reached(device, RealConnector(), resource, faults))
        finally:
            await host.close()


@pytest.fixture(params=["memory", "true"])
def wire(request: pytest.FixtureRequest) -> Wire:
    """Both kinds of link, one after the other."""
    return Wire(request.param)


@pytest.fixture
def memory() -> Wire:
    """Links in memory, on virtual time."""
    return Wire("memory")
