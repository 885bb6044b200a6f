"""Our drivers against other people's simulations: those of the packages labmcp-keithley-smu (2400
and 2450, on a pseudo-terminal and TCP) and labmcp-thorlabs-pm (PM100D, over HiSLIP).

What a driver sets beyond what they know (formats, filters, zeros, triggers) is taken in by
subclasses, and does nothing there; all numbers are theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from drivers.errors import InstrumentError, LimitError
from drivers.keithley_2400 import Keithley2400
from drivers.keithley_2450 import Keithley2450
from drivers.link_model import LinkModel
from drivers.thorlabs_pm100 import ThorlabsPm100
from drivers.transport.real import RealConnector
from sim_backends.host import hislip
from sim_backends.host.pty import PtyHost
from sim_backends.host.session import LinkTiming, client_connected
from sim_backends.host.tcp import port_of, serve_tcp

LINK = LinkModel(latency=1e-3, bytes_per_second=1e6)


class Lines:
    """A conversation with a simulation that takes lines."""

    pending = 0

    def __init__(self, device: Any, send: Callable[[bytes], None]) -> None:
        self._device, self._send, self._buffer = device, send, b""

    def receive(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            reply = self._device.handle(line.decode("ascii"))
            if reply is not None:
                self._send(f"{reply}\n".encode("ascii"))

    def end(self) -> None:
        if self._buffer:
            self.receive(b"\n")

    def close(self) -> None:
        """The client has gone."""

    clear = trigger = close

    def status_byte(self, message_available: bool) -> int:
        return 16 * message_available

    def error(self, code: int) -> None:
        raise AssertionError(f"the link found {code}")

    def watch(self, changed: Callable[[], None]) -> None:
        """It asks for no service."""


def knowing_more(simulation: Any, *lacking: str) -> Any:
    """A class that takes in the commands that `simulation` lacks."""

    class More(simulation):
        def command(self, key: str, arg: str) -> str | None:
            if not key.endswith("?") and any(self.matches(key, one) for one in lacking):
                return None
            return super().command(key, arg)

    return More


@pytest.fixture
def smu() -> Any:
    """The module of simulated source-measure units."""
    return pytest.importorskip(
        "labmcp_keithley_smu.simulator", reason="the package labmcp-keithley-smu is not installed"
    )


async def on_tcp(device: Any, scenario: Callable[[str], Any]) -> None:
    """Serve on TCP, and run a scenario with its resource."""
    server = await serve_tcp(
        "127.0.0.1", 0, client_connected(lambda s: Lines(device, s), LinkTiming())
    )
    try:
        await scenario(f"TCPIP::127.0.0.1::{port_of(server)}::SOCKET")
    finally:
        server.close()


def test_a_2450(smu) -> None:
    simulation = knowing_more(
        smu.Keithley2450Simulator, "FORMat[:DATA]", "[SENSe:]VOLTage[:DC]:AZERo[:STATe]",
        "[SENSe:]CURRent[:DC]:AZERo[:STATe]", "[SENSe:]VOLTage[:DC]:AVERage[:STATe]",
        "[SENSe:]CURRent[:DC]:AVERage[:STATe]", "SOURce[1]:VOLTage:DELay:AUTO",
        "SOURce[1]:CURRent:DELay:AUTO", "SOURce[1]:VOLTage:PROTection", "ABORt",
    )  # fmt: skip
    device = simulation(smu.SMUCore(smu.Resistor(800.0), 210.0, 1.05))

    async def scenario(resource: str) -> None:
        unit = Keithley2450(
            "smu", resource, RealConnector(), link=LINK, max_volts=6.0, max_amperes=0.02
        )
        async with unit:
            assert unit.identity is not None
            assert unit.identity.serial == "04096331"
            await drive(unit, device)

    asyncio.run(asyncio.wait_for(on_tcp(device, scenario), 30.0))


def test_a_2400(smu) -> None:
    simulation = knowing_more(
        smu.Keithley2400Simulator, "FORMat[:DATA]", "[SENSe:]FUNCtion:OFF", "SYSTem:AZERo[:STATe]",
        "[SENSe:]AVERage[:STATe]", "SOURce[1]:DELay:AUTO", "SOURce[1]:CLEar:AUTO",
        "ARM[:SEQuence][:LAYer]:SOURce", "TRIGger[:SEQuence]:SOURce", "TRIGger[:SEQuence]:DELay",
        "SOURce[1]:VOLTage:PROTection", "ABORt",
    )  # fmt: skip
    device = simulation(smu.SMUCore(smu.Resistor(800.0), 210.0, 1.05))

    async def scenario() -> None:
        host = PtyHost(client_connected(lambda send: Lines(device, send), LinkTiming()))
        await host.start()
        try:
            unit = Keithley2400(
                "smu", f"ASRL{host.path}::INSTR", RealConnector(), link=LINK, max_volts=6.0,
                max_amperes=0.02,
            )  # fmt: skip
            async with unit:
                await drive(unit, device)
        finally:
            await host.close()

    asyncio.run(asyncio.wait_for(scenario(), 30.0))


async def drive(unit: Any, device: Any) -> None:
    """A source of volts, its limit, a source of amperes, and what is refused."""
    await unit.source_volts(limit=0.02)
    await unit.on()
    assert device.core.output
    await unit.set_level(2.0)
    found = await unit.measure()
    assert (found.volts, found.amperes) == pytest.approx((2.0, 2.5e-3), rel=1e-3)
    assert not found.limited
    with pytest.raises(LimitError, match=r"6\.5"):
        await unit.set_level(6.5)
    assert device.core.level["VOLT"] == 2.0
    await unit.off()
    assert not device.core.output
    await unit.source_volts(limit=1e-3)
    await unit.on()
    await unit.set_level(2.0)
    found = await unit.measure()
    assert found.limited
    assert (found.volts, found.amperes) == pytest.approx((0.8, 1e-3), rel=1e-3)
    await unit.off()
    with pytest.raises(InstrumentError, match="OUTP"):
        await unit.measure()
    await unit.source_amperes(limit=5.0)
    await unit.on()
    await unit.set_level(1e-3)
    found = await unit.measure()
    assert (found.volts, found.amperes) == pytest.approx((0.8, 1e-3), rel=1e-3)
    await unit.off()
    assert device.core.level[device.core.func] == 0.0
    assert device.error_queue == []


@pytest.mark.parametrize("sensor", ["S120C", "S302C"])
def test_a_pm100(sensor: str) -> None:
    meters = pytest.importorskip(
        "labmcp_thorlabs_pm.simulator", reason="the package labmcp-thorlabs-pm is not installed"
    )
    pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")
    device = meters.ThorlabsPMSimulator(sensor)

    async def scenario() -> None:
        connected = hislip.client_connected(lambda send: Lines(device, send), LinkTiming())
        server = await serve_tcp("127.0.0.1", 0, connected)
        resource = f"TCPIP::127.0.0.1::hislip0,{port_of(server)}::INSTR"
        meter = ThorlabsPm100("meter", resource, RealConnector(), link=LINK)
        try:
            async with meter:
                await read(meter, device)
        finally:
            server.close()

    asyncio.run(asyncio.wait_for(scenario(), 30.0))


async def read(meter: ThorlabsPm100, device: Any) -> None:
    """The power of its laser at the right wavelength, ranges, the sensor, a refusal."""
    head = await meter.sensor()
    assert head.name == device.sensor_name
    assert head.has_temperature is (head.name == "S302C")
    await meter.set_wavelength(632.8e-9)
    await meter.set_averages(50)
    # it rounds wavelengths to the nanometre, and has an offset until it is zeroed
    assert await meter.read_power() == pytest.approx(device.laser_w, rel=0.02)
    low, high = await meter.wavelength_range()
    assert (low, high) == pytest.approx(tuple(1e-9 * end for end in device.sensor["wl"]))
    with pytest.raises(LimitError, match=r"wavelength.*is refused"):
        await meter.set_wavelength(0.99 * low)
    await meter.set_range(device.sensor["ranges"][0])
    if head.name == "S120C":
        with pytest.raises(InstrumentError, match="above the range"):
            await meter.read_power()
    await meter.set_range(None)
    assert await meter.read_power() == pytest.approx(device.laser_w, rel=0.02)
    assert device.error_queue == []
