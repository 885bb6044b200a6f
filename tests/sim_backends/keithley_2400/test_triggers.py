"""The simulated 2400: sweeps, what cycles take, events, holding while busy."""

from __future__ import annotations

import asyncio

import pytest

from tests.sim_backends.keithley_2400.conftest import READY
from tests.sim_backends.source_meter_client import Client


def test_sweeps_and_lists(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.write(READY + ";:SOUR:VOLT 0.5;:FORM:ELEM VOLT,CURR")
        smu.write(":SOUR:VOLT:MODE SWE;STAR 0;STOP 4;:SOUR:SWE:POIN 5;:TRIG:COUN 5")
        assert smu.ask(":SOUR:VOLT:STEP?") == "1.000000E+00"
        load.seen.clear()
        values = [float(one) for one in (await smu.wait(":READ?")).split(",")]
        assert values[::2] == pytest.approx([0, 1, 2, 3, 4], abs=2e-3)
        assert values[1::2] == pytest.approx([0, 1e-3, 2e-3, 3e-3, 4e-3], abs=1e-5)
        assert load.seen[-1] == pytest.approx(0.5, abs=1e-3)  # back at its own level
        assert smu.ask(":FETC?").count(",") == 9
        assert smu.ask(":SENS:DATA?").count(",") == 1
        smu.write(":SOUR:VOLT:STEP 0.5")
        assert smu.ask(":SOUR:SWE:POIN?") == "9"
        smu.write(":SOUR:SWE:DIR DOWN")
        values = [float(one) for one in (await smu.wait(":READ?")).split(",")]
        assert values[::2] == pytest.approx([4, 3.5, 3, 2.5, 2], abs=2e-3)
        smu.write(":SOUR:VOLT:MODE LIST;:SOUR:LIST:VOLT 1,-1;:SOUR:LIST:VOLT:APP 0.25")
        assert smu.ask(":SOUR:LIST:VOLT:POIN?;:SOUR:LIST:VOLT?") == (
            "3;1.000000E+00,-1.000000E+00,2.500000E-01"
        )
        values = [float(one) for one in (await smu.wait(":TRIG:COUN 3;:READ?")).split(",")]
        assert values[::2] == pytest.approx([1, -1, 0.25], abs=2e-3)
        smu.write(":SOUR:VOLT:MODE SWE;:SOUR:SWE:SPAC LOG;:READ?")
        assert smu.ask(":SYST:ERR?") == '-221,"Settings conflict"'  # no way from 0 by ratios

    play(scenario)


def test_a_sweep_ends_at_compliance_if_told(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.write(READY + ";:SENS:CURR:PROT 2.5e-3;:FORM:ELEM VOLT")
        smu.write(":SOUR:VOLT:MODE SWE;STAR 0;STOP 9;:SOUR:SWE:POIN 10;CAB EARL;:TRIG:COUN 10")
        assert (await smu.wait(":READ?")).count(",") == 3

    play(scenario)


def test_cycles_take_their_time(play) -> None:
    async def scenario(smu: Client, load) -> None:
        loop = asyncio.get_running_loop()
        smu.write(READY)

        async def seconds(text: str) -> float:
            before = loop.time()
            assert await smu.wait(f"{text};:INIT;*OPC?") == "1"
            return loop.time() - before

        # two functions and two zeros of 20 ms each, 1 ms delay, 2 ms besides
        assert await seconds("") == pytest.approx(0.083, abs=0.02)
        assert await seconds(":SENS:CURR:NPLC 10") == pytest.approx(0.803, abs=0.02)
        assert await seconds(":SYST:AZER OFF") == pytest.approx(0.403, abs=0.02)
        assert await seconds(":SENS:VOLT:NPLC 0.1;:TRIG:COUN 50") == pytest.approx(0.35, abs=0.03)
        assert await seconds(":TRIG:COUN 1;:SOUR:DEL 0.5") == pytest.approx(0.506, abs=0.02)
        assert await seconds(":TRIG:DEL 2") == pytest.approx(2.506, abs=0.02)
        assert smu.ask(":SYST:AZER ONCE;:SYST:AZER?") == "0"

    play(scenario)


def test_while_it_measures_only_an_abort_gets_through(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.write(READY + ";:TRIG:COUN 100;:STAT:OPER?")
        assert smu.ask(":STAT:OPER:COND?") == "1024"
        smu.write(":INIT;:SOUR:VOLT 3")
        assert smu.ask("*IDN?") == ""
        await asyncio.sleep(1.0)
        assert smu.sent == b""
        assert max(load.seen) < 2.1
        smu.write(":ABOR")
        assert smu.sent.startswith(b"KEITHLEY")
        assert load.seen[-1] == pytest.approx(3.0, rel=1e-3)  # what had waited
        # a query that an abort interrupts answers nothing
        assert smu.ask(":READ?") == ""
        smu.write(":ABOR")
        assert smu.ask(":SYST:ERR?") == '-410,"Query INTERRUPTED"'
        # nor does what was given up by a device clear
        smu.write(":INIT;:SOUR:VOLT 1")
        smu.session.clear()
        assert smu.ask(":STAT:OPER:COND?;:SOUR:VOLT?") == "1024;3.000000E+00"
        smu.write(":INIT")
        smu.write("*RST")
        assert smu.ask(":OUTP?;:SOUR:VOLT?") == "0;0.000000E+00"
        assert load.seen[-1] == 0.0

    play(scenario)


def test_arm_and_trigger_events(play) -> None:
    async def scenario(smu: Client, load) -> None:
        loop = asyncio.get_running_loop()
        smu.write(READY + ";:FORM:ELEM CURR;:ARM:SOUR BUS;:ARM:COUN 2;:TRIG:COUN 2")
        assert await smu.wait(":READ?", 5.0) == ""
        assert smu.device.registers.operation.condition == 1 << 6
        smu.write("*TRG")
        await asyncio.sleep(1.0)
        smu.session.trigger()
        assert (await smu.wait("", 5.0)).count(",") == 3
        smu.write(":ARM:SOUR TIM;:ARM:TIM 3;:TRIG:COUN 1")
        before = loop.time()
        assert (await smu.wait(":READ?")).count(",") == 1
        assert loop.time() - before == pytest.approx(3.06, abs=0.1)
        smu.write(":ARM:SOUR IMM;:TRIG:SOUR TLIN;:ARM:COUN 1")
        assert await smu.wait(":READ?", 1.0) == ""
        assert smu.device.registers.operation.condition == 1 << 5
        smu.device.triggers.event("TLIN")
        assert await smu.wait("", 1.0) != ""

    play(scenario)
