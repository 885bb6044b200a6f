"""CALCulate2 of the simulated 2400: a null, and what lies within limits."""

from __future__ import annotations

import pytest

from tests.sim_backends.keithley_2400.conftest import READY
from tests.sim_backends.source_meter_client import Client


def test_readings_less_a_null(play) -> None:
    async def scenario(smu: Client, load) -> None:
        assert smu.ask(":CALC2:NULL:STAT?;OFFS?;:CALC2:FEED?") == "0;+0.000000E+00;VOLT"
        smu.write(":CALC2:DATA?")
        assert smu.ask(":SYST:ERR?").startswith("-230")
        smu.write(":CALC2:NULL:ACQ")
        assert smu.ask(":SYST:ERR?").startswith("-230")
        smu.write(f"{READY};:CALC2:FEED CURR;:CALC2:NULL:OFFS 0.5E-3")
        await smu.wait(":READ?")
        assert float(smu.ask(":CALC2:DATA?")) == pytest.approx(2e-3, rel=2e-3)
        smu.write(":CALCulate2:NULL:STATe ON")
        assert float(smu.ask(":CALC2:DATA?")) == pytest.approx(1.5e-3, rel=2e-3)
        smu.write(":CALC2:NULL:ACQ")
        assert float(smu.ask(":CALC2:NULL:OFFS?")) == pytest.approx(2e-3, rel=2e-3)
        status = int(float((await smu.wait(":READ?")).split(",")[4]))
        assert status & (1 << 6 | 1 << 7) == 1 << 6
        assert float(smu.ask(":CALC2:DATA?")) == pytest.approx(0.0, abs=2e-6)
        assert float(smu.ask(":FETC?").split(",")[1]) == pytest.approx(2e-3, rel=2e-3)
        smu.write(":CALC2:FEED RES;:CALC2:NULL:ACQ")  # no ohms are measured
        assert smu.ask(":SYST:ERR?").startswith("-230")
        smu.write(":SENS:FUNC 'CURR';:SOUR:VOLT:MODE SWE;:SOUR:VOLT:STAR 1;STOP 3;STEP 1")
        smu.write(":TRIG:COUN 3;:CALC2:FEED VOLT;:CALC2:NULL:OFFS 1")
        await smu.wait(":READ?")
        told = [float(one) for one in smu.ask(":CALC2:DATA?").split(",")]
        assert told == pytest.approx([0.0, 1.0, 2.0], abs=3e-3)

    play(scenario)


def test_limits_of_two_ends(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.write(f"{READY};:CALC2:FEED CURR;:CALC2:LIM2:UPP 2.5E-3;LOW 1.5E-3")
        await smu.wait(":READ?")
        assert smu.ask(":CALC2:LIM2:FAIL?;:STAT:MEAS?") == "0;64"  # not switched on
        smu.write(
            ":CALC2:LIM2:STAT ON;:CALC2:LIM3:STAT ON;:CALC2:LIM3:UPP:DATA 1;:CALC2:LIM3:LOW 0"
        )
        status = int(float((await smu.wait(":READ?")).split(",")[4]))
        assert status & (1 << 6 | 1 << 7) == 1 << 7
        assert smu.ask(":CALC2:LIM2:FAIL?;:CALC2:LIM3:FAIL?;:STAT:MEAS?") == "0;0;96"  # all pass
        smu.write(":SOUR:VOLT 3")
        await smu.wait(":READ?")
        assert smu.ask(":CALC2:LIM2:FAIL?;:CALC2:LIM3:FAIL?;:STAT:MEAS?") == "1;0;68"  # 2 is high
        smu.write(":SOUR:VOLT -1")
        await smu.wait(":READ?")
        assert smu.ask(":CALC2:LIM2:FAIL?;:CALC2:LIM3:FAIL?;:STAT:MEAS?") == "1;1;74"  # both low
        smu.write(":CALC2:CLIM:CLE:AUTO OFF;:SOUR:VOLT 2")
        await smu.wait(":READ?")
        assert smu.ask(":CALC2:LIM2:FAIL?") == "1"  # kept until it is cleared
        assert smu.ask(":CALC2:CLIM:CLE;:CALC2:LIM2:FAIL?") == "0"
        assert smu.ask("*RST;:CALC2:LIM2:STAT?;UPP?;LOW?") == "0;+1.000000E+00;-1.000000E+00"

    play(scenario)


def test_compliance_is_the_first_limit(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.write(f"{READY};:CALC2:LIM1:STAT ON")
        await smu.wait(":READ?")
        assert smu.ask(":CALC2:LIM:FAIL?") == "0"
        smu.write(":CALC2:LIM:COMP:FAIL OUT")
        await smu.wait(":READ?")
        assert smu.ask(":CALC2:LIM1:FAIL?") == "1"
        smu.write(":SENS:CURR:PROT 1E-3")
        await smu.wait(":READ?")
        assert smu.ask(":CALC2:LIM1:FAIL?;COMP:FAIL?") == "0;OUT"
        smu.write(":CALC2:LIM1:COMP:FAIL IN")
        await smu.wait(":READ?")
        assert smu.ask(":CALC2:LIM1:FAIL?") == "1"
        for refused, code in (
            (":CALC2:FEED CALC", "-224"), (":CALC2:LIM1:UPP 1", "-113"),
            (":CALC2:LIM1:COMP:SOUR2 3", "-113"), (":CALC2:LIM2:UPP 1E21", "-222"),
        ):  # fmt: skip
            smu.write(refused)
            assert smu.ask(":SYST:ERR?").startswith(code), refused
        assert smu.ask(":SYST:ERR?").startswith("0,")

    play(scenario)
