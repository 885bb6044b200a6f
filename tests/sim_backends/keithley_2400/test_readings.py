"""The simulated 2400: readings, compliance, protection, the buffer."""

from __future__ import annotations

import asyncio

import pytest

from tests.sim_backends.keithley_2400.conftest import READY
from tests.sim_backends.source_meter_client import Client


def test_no_reading_with_the_output_off(play) -> None:
    async def scenario(smu: Client, load) -> None:
        for text in (":READ?", ":INIT"):
            assert await smu.wait(text, 1.0) == ""
            assert smu.ask(":SYST:ERR?") == '+803,"Not permitted with OUTPUT off"'
        assert smu.ask(":FETC?") == ""
        assert smu.ask(":SYST:ERR?") == '-230,"Data corrupt or stale"'
        smu.write(":SOUR:VOLT 1;:SENS:CURR:PROT 0.1;:SOUR:CLE:AUTO ON")
        assert len((await smu.wait(":READ?")).split(",")) == 5
        assert smu.ask(":OUTP?") == "0"
        assert load.seen[-1] == 0.0
        assert max(load.seen) == pytest.approx(1.0, rel=1e-3)

    play(scenario)


def test_a_reading_and_what_is_not_measured(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.write(READY)
        reply = await smu.wait(":READ?")
        volts, amperes, ohms, seconds, status = reply.split(",")
        assert float(volts) == pytest.approx(2.0, abs=1.1e-3)
        assert float(amperes) == pytest.approx(2e-3, rel=2e-3)
        assert ohms == "+9.91E37"
        assert float(seconds) == pytest.approx(asyncio.get_running_loop().time(), abs=0.02)
        # front, V and I measured, V sourced
        assert int(float(status)) == 1 << 2 | 1 << 11 | 1 << 12 | 1 << 14
        assert [len(part) for part in (volts, amperes, seconds, status)] == [13] * 4
        # not measured, but sourced: what is set
        reply = await smu.wait(":SENS:FUNC:OFF 'VOLT';:FORM:ELEM CURR,VOLT;:READ?")
        assert reply.split(",")[0] == "+2.000000E+00"
        reply = await smu.wait(":SENS:FUNC:OFF 'CURR';:READ?")
        assert reply == "+2.000000E+00,+9.91E37"
        assert (await smu.wait(":MEAS:RES?")).startswith("+")

    play(scenario)


def test_compliance_clamps_and_tells(play) -> None:
    async def scenario(smu: Client, load) -> None:
        asked: list[int] = []
        smu.session.watch(lambda: asked.append(smu.session.status_byte()))
        smu.write(READY + ";:SENS:CURR:PROT 1e-3;:STAT:MEAS:ENAB 16384;*SRE 1")
        assert smu.ask(":SENS:CURR:PROT:TRIP?;:SENS:VOLT:PROT:TRIP?") == "1;0"
        assert load.seen[-1] == pytest.approx(1.0, rel=1e-6)
        reply = await smu.wait(":READ?")
        assert float(reply.split(",")[1]) == pytest.approx(1e-3, rel=1e-3)
        assert int(float(reply.split(",")[4])) & 0x10018 == 8
        assert 65 in asked  # it asked for service by itself
        assert smu.ask("*STB?;:STAT:MEAS?;*STB?") == f"65;{1 << 14 | 1 << 6};0"
        # a fixed range of the meter limits, too
        smu.write(":SENS:CURR:PROT 0.1;:SENS:CURR:RANG 1e-4")
        reply = await smu.wait(":READ?")
        assert float(reply.split(",")[1]) == pytest.approx(1.05e-4, rel=1e-2)
        assert int(float(reply.split(",")[4])) & 0x10018 == 0x10000
        # and a source of current is held at its volts
        smu.write(":SOUR:FUNC CURR;:SENS:VOLT:PROT 0.5;:SOUR:CURR 1e-2")
        assert smu.ask(":OUTP?") == "0"
        smu.write(":OUTP ON")
        assert smu.ask(":SENS:VOLT:PROT:TRIP?") == "1"
        assert load.seen[-1] == pytest.approx(0.5)

    play(scenario)


def test_the_protection_holds_the_volts(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.write(READY + ";:SOUR:VOLT:PROT 15;:SOUR:VOLT 30")
        assert smu.ask(":SOUR:VOLT:PROT?;PROT:TRIP?") == "2.000000E+01;1"
        assert load.seen[-1] == 20.0
        assert int(float((await smu.wait(":READ?")).split(",")[4])) & 1 << 4
        assert smu.ask(":STAT:MEAS?") == str(1 << 13 | 1 << 6)
        assert smu.ask(":SOUR:VOLT:PROT NONE;PROT:TRIP?") == "0"
        assert load.seen[-1] == pytest.approx(30.0, rel=1e-3)

    play(scenario)


def test_the_buffer_and_its_statistics(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.write(READY + ";:STAT:PRES;*CLS;*SRE 1;:STAT:MEAS:ENAB 512;:TRAC:CLE;POIN 5")
        smu.write(":TRIG:COUN 5;:TRAC:FEED SENSE;:TRAC:FEED:CONT NEXT;:INIT")
        assert smu.session.status_byte() == 0
        await asyncio.sleep(1.0)
        assert smu.session.status_byte() == 65
        assert smu.ask(":TRAC:POIN:ACT?;:TRAC:FEED:CONT?;:TRAC:FREE?") == "5;NEV;49900,100"
        data = [float(one) for one in smu.ask(":TRAC:DATA?").split(",")]
        assert len(data) == 25
        volts = data[::5]
        assert len(set(volts)) > 1
        means = smu.ask(":CALC3:FORM MEAN;:CALC3:DATA?;").split(",")
        assert float(means[0]) == pytest.approx(sum(volts) / 5, rel=1e-6)
        assert means[2] == "+9.91E37"
        assert float(smu.ask(":CALC3:FORM MAX;DATA?").split(",")[0]) == max(volts)
        deltas = smu.ask(":TRAC:TST:FORM DELT;:TRAC:DATA?").split(",")
        times = [float(one) for one in deltas][3::5]
        assert times[0] == 0.0
        assert times[1:] == pytest.approx([0.083] * 4, abs=1e-4)
        smu.write(":TRAC:CLE;:TRAC:DATA?")
        assert smu.ask(":SYST:ERR?") == '-230,"Data corrupt or stale"'

    play(scenario)
