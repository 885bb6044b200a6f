"""The simulated power meter: measuring and its states, ranges, zero, sensors, spellings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.catalogue import build
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import OptionError, Placement
from sim_backends.thorlabs_pm100 import ThorlabsPm100
from sim_backends.thorlabs_pm100.alone import SteadyLight
from sim_backends.tunable_source import TunableSource


class Client:
    """A meter in steady light, and a session with it."""

    def __init__(self, power: float = 1e-3, **options: Any) -> None:
        self.light = SteadyLight(power, 1550e-9)
        self.meter = ThorlabsPm100(
            lambda: asyncio.get_running_loop().time(), **{"light": self.light, **options}
        )
        self.sent: list[bytes] = []
        self.session = self.meter.converse(self.sent.append)

    def write(self, text: str) -> str:
        """What is answered at once, without its line end."""
        self.sent.clear()
        self.session.receive(text.encode() + b"\n")
        return b"".join(self.sent).decode().removesuffix("\n")

    async def ask(self, text: str, within: float = 1.0) -> str:
        """What is answered in time."""
        self.write(text)
        if not self.sent:
            await asyncio.sleep(within)
        return b"".join(self.sent).decode().removesuffix("\n")

    async def value(self, text: str, within: float = 1.0) -> float:
        """A number that is answered in time."""
        return float(await self.ask(text, within))

    def errors(self) -> list[int]:
        """The queue, emptied."""
        found = []
        while (entry := self.write("SYST:ERR?")) != '+0,"No error"':
            found.append(int(entry.split(",")[0]))
        return found


@pytest.fixture
def within(run: Callable[..., Any]) -> Callable[..., Any]:
    """Runs a scenario with a meter in virtual time."""

    def go(scenario: Callable[[Client], Any], *arguments: Any, **options: Any) -> None:
        async def main() -> None:
            await scenario(Client(*arguments, **options))

        run(main())

    return go


def test_the_ways_to_a_reading(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        client.write("*CLS")
        assert client.write("*IDN?") == "Thorlabs,PM100D,P0012345,2.7.0"
        text = await client.ask("MEAS:POW?")
        assert len(text) == len("1.234567E-03")
        assert float(text) == pytest.approx(1e-3, rel=1e-3)
        for question in (
            "MEASURE:SCALAR:POWER?",
            "meas?",
            "READ?",
            "FETC?",
            "Measure:Scalar:POWer?",
        ):
            assert await client.value(question) == pytest.approx(1e-3, rel=1e-3), question
        assert client.write("CONF?") == "POW"
        client.write("CONF:CURR")
        assert client.write("CONF?") == "CURR"
        assert await client.value("READ?") == pytest.approx(2.5e-4, rel=1e-3)  # 0.25 A/W
        assert await client.value("MEAS:PDEN?") == pytest.approx(1e-3 / 0.7088, rel=1e-2)
        assert await client.value("MEAS:TEMP?") == pytest.approx(25.0, abs=0.2)
        assert client.errors() == []

    within(scenario)


def test_differences_from_a_reference(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        client.write("SENS:POW:REF 250uW;REF:STAT 1")
        assert client.write("SENS:POW:REF?;REF:STAT?") == "2.500000E-04;1"
        assert await client.value("MEAS:POW?") == pytest.approx(7.5e-4, rel=1e-3)
        client.write("SENS:POW:UNIT DBM")
        assert await client.value("MEAS:POW?") == pytest.approx(6.0206, abs=0.01)  # dB
        client.write("SENS:POW:REF:STAT 0")
        assert await client.value("MEAS:POW?") == pytest.approx(0.0, abs=0.01)  # dBm
        client.write("SENS:CURR:REF 1e-4;REF:STAT ON")
        assert await client.value("MEAS:CURR?") == pytest.approx(1.5e-4, rel=1e-3)
        client.write("*RST")
        assert client.write("SENS:POW:REF?;REF:STAT?") == "0.000000E+00;0"
        assert await client.value("MEAS:CURR?") == pytest.approx(2.5e-4, rel=1e-3)
        assert client.errors() == []

    within(scenario)


def test_a_slow_input_is_quieter(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        async def spread() -> float:
            return float(np.std([await client.value("MEAS:POW?") for _ in range(200)]))

        fast = await spread()
        client.write("INP:PDI:FILT:LPAS:STAT 1")
        assert await spread() == pytest.approx(fast / 3.0, rel=0.2)

    within(scenario)


def test_the_clock_runs_and_is_set(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        assert client.write("SYST:DATE?;TIME?") == "2026,1,1;0,0,0"
        await asyncio.sleep(90061.0)
        assert client.write("SYST:DATE?;TIME?") == "2026,1,2;1,1,1"
        client.write("SYST:DATE 2027,2,28;TIME 23,59,58;*RST")
        assert client.write("SYST:DATE?;TIME?") == "2027,2,28;23,59,58"
        await asyncio.sleep(3.0)
        assert client.write("SYST:DATE?;TIME?") == "2027,3,1;0,0,1"
        client.write("SYST:DATE 2027,2,29")  # no leap year
        client.write("SYST:DATE 2027,13,1")
        client.write("SYST:TIME 24,0,0")
        client.write("SYST:TIME 1,2")
        assert client.errors() == [-222, -222, -222, -109]
        assert client.write("SYST:DATE?;TIME?") == "2027,3,1;0,0,1"

    within(scenario)


def test_the_trigger_model(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        client.write("CONF:POW;:SENS:AVER:COUN 1000")
        assert client.write("FETC?") == ""
        assert client.errors() == [-230]
        assert client.write("INIT;:STAT:OPER:COND?") == "0"
        client.write("INIT")
        assert client.errors() == [-213]
        assert client.write("*OPC?;:FETC?") == ""
        await asyncio.sleep(2.9)
        assert client.sent == []
        await asyncio.sleep(0.2)
        reply = client.sent[0].decode().strip().split(";")
        assert reply[0] == "1"
        assert float(reply[1]) == pytest.approx(1e-3, rel=1e-4)
        assert client.write("STAT:OPER:COND?;:STAT:OPER?;:STAT:OPER?") == "512;512;0"
        client.write("INIT")
        client.write("FETC?")
        other = client.meter.converse(client.sent.append)
        other.receive(b"ABOR\n")
        assert client.sent == []  # the one that waited gets an error, no stale value
        assert client.errors() == [-230]

    within(scenario)


def test_prefixes_and_limits(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        for text in ("1550", "1.55e3", "1550nm", "1.55um", "1.55k"):
            client.write("CORR:WAV MIN")
            client.write(f"SENS:CORR:WAV {text}")
            assert client.write("SENSE:CORR:WAVELENGTH?") == "1.550000E+03", text
        client.write("CORR:WAVE 1310")
        assert client.write("CORR:WAVE?;WAV? MIN") == "1.310000E+03;8.000000E+02"
        assert client.write("CORR:WAV? MAX") == "1.700000E+03"
        for text in ("10mW", "10m", "0.01", "1E-2W", "10000uW"):
            client.write("SENS:POW:RANG:UPP MIN")
            client.write(f"SENS:POW:RANG {text}")
            assert float(client.write("CURR:RANG?")) == 5e-3, text
        for text, code in (
            ("SENS:CORR:WAV 1800", -222), ("SENS:CORR:WAVEL 1550", -113),
            ("SENS:AVER:COUN 0", -222), ("SENS:POW:RANG 1W", -222),
            ("SENS:POW:UNIT V", -224), ("SYST:LFR 55", -222), ("MEAS:ENER?", -241),
            ("SENS:CORR:POW:PDI:RESP 0.9", -221), ("MEAS:POW? 3", -108),
        ):  # fmt: skip
            client.write(text)
            assert client.errors() == [code], text

    within(scenario)


def test_ranges(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        assert client.write("POW:RANG:AUTO?") == "1"
        assert await client.value("MEAS:POW?") == pytest.approx(1e-3, rel=1e-3)
        assert client.write("SENS:POW:RANG:UPP?") == "2.000000E-03"
        client.write("SENS:POW:DC:RANG:UPP 150uW")
        assert client.write("SENS:POW:RANG?;RANG:AUTO?") == "2.000000E-04;0"
        assert client.write("CURR:RANG?") == "5.000000E-05"
        assert await client.value("READ?") == 9.9e37
        client.light.power = 1e-4
        assert await client.value("READ?") == pytest.approx(1e-4, rel=1e-3)
        client.write("SENS:POW:RANG:AUTO ON")
        client.light.power = 2e-9
        client.write("AVER:COUN 100")
        with_dark_current = 2e-9 + 2e-10 / 0.25
        assert await client.value("READ?") == pytest.approx(with_dark_current, rel=0.05)

    within(scenario)


def test_units_and_attenuation(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        client.write("SENS:POW:UNIT DBM")
        assert await client.value("MEAS:POW?") == pytest.approx(0.0, abs=0.01)
        client.write("POW:UNIT W;:SENS:CORR:LOSS:INP:MAGN 10")
        assert await client.value("MEAS:POW?") == pytest.approx(1e-2, rel=1e-3)
        client.write("CORR:WAV 1310;:CORR 0")
        assumed = 1e-3 * 0.25 / client.meter.response
        assert await client.value("MEAS:POW?") == pytest.approx(assumed, rel=1e-3)

    within(scenario)


def test_the_zero_takes_seconds_and_whatever_light_there_is(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        client.light.power = 0.0
        assert abs(await client.value("MEAS:POW?")) > 1e-10
        client.write("SENS:CORR:COLL:ZERO:INIT")
        assert client.write("SENS:CORR:COLL:ZERO:STAT?") == "1"
        client.write("MEAS:POW?")
        assert client.errors() == [-221]
        assert await client.ask("*OPC?", within=3.0) == "1"
        assert client.write("SENS:CORR:COLL:ZERO:STAT?") == "0"
        assert float(client.write("SENS:CORR:COLL:ZERO:MAGN?")) == pytest.approx(2e-10, rel=0.2)
        assert abs(await client.value("MEAS:POW?")) < 2e-10
        client.light.power = 1e-6
        client.write("SENS:CORR:COLL:ZERO")
        client.write("SENS:CORR:COLL:ZERO:ABOR")
        assert await client.value("MEAS:POW?") == pytest.approx(1e-6, rel=1e-3)
        client.write("SENS:CORR:COLL:ZERO")
        await asyncio.sleep(3.0)
        assert abs(await client.value("MEAS:POW?")) < 1e-9

    within(scenario)


def test_sensors_come_and_go(within: Callable[..., Any]) -> None:
    async def scenario(client: Client) -> None:
        assert client.write("SYST:SENSOR:IDN?") == "S155C,1207041,18-JUL-2023,1,18,289"
        client.write("CORR:WAV 1310")
        client.meter.own_faults["sensor"]("S154C")()
        assert client.write("CORR:WAV?;:SYST:SENS:IDN?") == (
            "1.550000E+03;S154C,1409152,02-SEP-2023,1,18,33"
        )
        client.write("MEAS:TEMP?")
        client.meter.plug(None)
        client.write("MEAS:POW?")
        client.write("CORR:WAV?")
        assert client.errors() == [-241, -241, -241]
        assert client.write("SYST:SENS:IDN?").startswith("no sensor,")
        quoting = Client(quotes=True)
        assert quoting.write("SYST:SENS:IDN?") == '"S155C","1207041","18-JUL-2023",1,18,289'

    within(scenario)


def test_a_laser_lights_it(run: Callable[..., Any]) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        source = TunableSource(loop.time, 1480e-9, 1640e-9)
        client = Client(light=source)
        source.set_level(5e-4)
        source.open_shutter(True)
        source.drive(True)
        assert await client.value("MEAS:POW?") < 1e-9
        await asyncio.sleep(3.0)
        assert await client.value("MEAS:POW?") == pytest.approx(5e-4, rel=1e-2)

    run(scenario())


def test_made_from_the_catalogue(run: Callable[..., Any]) -> None:
    made = build(
        "thorlabs_pm100",
        Placement(BenchClock(), options={"sensor": "S130C", "power": "1e-3", "wavelength": "8e-7"},
                  identity={"model": "PM400"}),
    )  # fmt: skip
    assert isinstance(made, ThorlabsPm100)
    assert [(door.kind, door.port) for door in made.doors] == [("message", 4880)]
    for wrong in ({"sensor": "S1"}, {"power": -1}, {"colour": 1}):
        with pytest.raises(OptionError):
            build("thorlabs_pm100", Placement(BenchClock(), options=wrong))
    with pytest.raises(OptionError):
        build("thorlabs_pm100", Placement(BenchClock(), identity={"model": "PM5"}))


@given(st.binary(max_size=60))
def test_any_bytes_leave_it_alive(data: bytes) -> None:
    async def scenario() -> None:
        client = Client()
        client.session.receive(data)
        client.session.clear()
        client.write("*RST;*CLS")
        assert client.write("*IDN?").startswith("Thorlabs,PM100D")

    asyncio.run(scenario())
