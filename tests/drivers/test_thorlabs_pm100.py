"""The power meter's driver: exact bytes over a message-based link, and replies that are none."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import InstrumentError
from drivers.thorlabs_pm100 import (
    CURRENT,
    LOW_BANDWIDTH,
    POWER_DELTA,
    POWER_REFERENCE,
    Sensor,
    ThorlabsPm100,
    parse_sensor,
)
from drivers.transport.link import LinkError
from drivers.transport.memory import MemoryNetwork
from tests.drivers.conftest import LINK, Script, run

RESOURCE = "USB::0x1313::0x8078::P0027168::0::INSTR"
IDN = b"Thorlabs,PM100D,P0027168,2.7.0\n"
FINE = b'+0,"No error"\n'


def said(command: str, reply: bytes = b"") -> list[tuple[bytes, bytes]]:
    """A command, its answer, and then the error queue: one message at a time."""
    question = (b"SYST:ERR?\n", FINE)
    if not reply:
        return [(command.encode() + b"\n" + question[0], FINE)]
    return [(command.encode() + b"\n", reply), question]


def scripted(entries: list[Any], scenario: Any) -> None:
    """Run a scenario with an opened driver against exactly these bytes."""

    async def main() -> None:
        network = MemoryNetwork()
        script = Script([(b"*IDN?\n", IDN), (b"SYST:ERR?\n", FINE), *chain.from_iterable(entries)])
        network.listen(RESOURCE, script.serve, stream=False)
        meter = ThorlabsPm100("meter", RESOURCE, network, link=LINK)
        await meter.open()
        await scenario(meter)
        await meter.close()
        await network.close()
        script.finish()

    run(main())


def test_readings_and_settings() -> None:
    async def scenario(meter: ThorlabsPm100) -> None:
        assert await meter.read_power() == 1.234567e-3
        assert await meter.read_power() == pytest.approx(2e-3, rel=1e-4)
        await meter.set_wavelength(1550e-9)
        await meter.set_range(1e-2)
        await meter.set_range(None)
        await meter.set_averages(10)
        assert await meter.zero() == 1.5e-10
        assert await meter.sensor() == Sensor("S130C", "210921324", "21-SEP-2021", 1, 3, 33)

    scripted(
        [
            said("SENS:POW:UNIT?", b"W\n"), said("SENS:POW:REF:STAT?", b"0\n"),
            said("SENS:AVER:COUN?", b"1\n"),
            said("MEAS:POW?", b"1.234567E-03\n"),
            said("SENS:POW:UNIT?", b"DBM\n"), said("SENS:POW:REF:STAT?", b"0\n"),
            said("SENS:AVER:COUN?", b"1\n"),
            said("MEAS:POW?", b"3.010300E+00\n"),
            said("SENS:CORR:WAV? MIN", b"8.000000E+02\n"),
            said("SENS:CORR:WAV? MAX", b"1.700000E+03\n"),
            said("SENS:CORR:WAV 1550"), said("SENS:POW:RANG:UPP 0.01"),
            said("SENS:POW:RANG:AUTO 1"), said("SENS:AVER:COUN 10"),
            said("SENS:CORR:COLL:ZERO:INIT"), said("SENS:CORR:COLL:ZERO:STAT?", b"1\n"),
            said("SENS:CORR:COLL:ZERO:STAT?", b"0\n"),
            said("SENS:CORR:COLL:ZERO:MAGN?", b"1.500000E-10\n"),
            said("SYST:SENS:IDN?", b"S130C,210921324,21-SEP-2021,1,3,33\n"),
        ],
        scenario,
    )  # fmt: skip


@pytest.mark.parametrize("reading", [b"9.900000E+37\n", b"9.910000E+37\n", b"INF\n", b"NAN\n"])
def test_what_is_no_reading(reading: bytes) -> None:
    async def scenario(meter: ThorlabsPm100) -> None:
        with pytest.raises(InstrumentError, match="above the range"):
            await meter.read_power()

    scripted(
        [
            said("SENS:POW:UNIT?", b"W\n"), said("SENS:POW:REF:STAT?", b"0\n"),
            said("SENS:AVER:COUN?", b"1\n"),
            said("MEAS:POW?", reading),
        ],
        scenario,
    )  # fmt: skip


def test_a_difference_is_no_power() -> None:
    async def scenario(meter: ThorlabsPm100) -> None:
        with pytest.raises(InstrumentError, match=r"shows differences.*set power_delta off"):
            await meter.read_power()
        with pytest.raises(InstrumentError, match="set current_delta off"):
            await meter.get(CURRENT)
        await meter.set(POWER_DELTA, value=False)
        await meter.set(POWER_REFERENCE, 1e-3)
        await meter.set(LOW_BANDWIDTH, value=True)

    scripted(
        [
            said("SENS:POW:UNIT?", b"W\n"), said("SENS:POW:REF:STAT?", b"1\n"),
            said("SENS:CURR:REF:STAT?", b"1\n"),
            said("SENS:POW:REF:STAT 0"), said("SENS:POW:REF 0.001"), said("INP:FILT 1"),
        ],
        scenario,
    )  # fmt: skip


def test_sensors() -> None:
    newer = parse_sensor('"S130C","210921324","21-SEP-2021",1,3,2147484069')
    assert newer is not None
    assert (newer.name, newer.serial) == ("S130C", "210921324")
    assert newer.measures_power
    assert newer.has_wavelength
    assert newer.has_temperature
    assert parse_sensor("no sensor,,,0,0,0") is None
    for wrong in ("", "S130C,1,2", "a,b,c,d,e,f", "S130C,1,2,3,4,5,6"):
        with pytest.raises(ValueError):  # noqa: PT011  # of int() too
            parse_sensor(wrong)


@given(st.text(max_size=60))
def test_any_text_is_a_sensor_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        found = parse_sensor(text)
        assert found is None or isinstance(found.flags, int)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=40), st.sampled_from(["read_power", "wavelength_range", "sensor", "zero"])
)
def test_any_reply_is_a_value_or_a_typed_error(reply: bytes, what: str) -> None:
    async def main() -> None:
        network = MemoryNetwork()

        async def serve(reader: asyncio.StreamReader, writer: Any) -> None:
            answers = {
                b"*IDN?": IDN, b"SYST:ERR?": FINE, b"SENS:POW:UNIT?": b"W\n",
                b"SENS:POW:REF:STAT?": b"0\n",
                b"SENS:AVER:COUN?": b"1\n", b"SENS:CORR:COLL:ZERO:STAT?": b"0\n",
            }  # fmt: skip
            while line := await reader.read(4096):
                for command in line.split(b"\n")[:-1]:
                    if b"?" in command:
                        writer.write(answers.get(command, reply + b"\n"))

        network.listen(RESOURCE, serve, stream=False)
        meter = ThorlabsPm100("meter", RESOURCE, network, link=LINK)
        await meter.open()
        with contextlib.suppress(InstrumentError, LinkError):
            assert isinstance(await getattr(meter, what)(), float | tuple | Sensor)
        await meter.close()
        await network.close()

    run(main())
