"""The simulated 2400: what turns its output off, faults, options, and any order of commands."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_backends.catalogue import build
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import OptionError, Placement
from sim_backends.keithley_2400.instrument import Keithley2400
from sim_backends.virtual_time import VirtualTimeLoop
from tests.sim_backends.keithley_2400.conftest import READY
from tests.sim_backends.source_meter_client import Client, WatchedResistor


def test_what_turns_the_output_off(play) -> None:
    async def scenario(smu: Client, load) -> None:
        for text in (
            ":SOUR:FUNC CURR",
            ":ROUT:TERM REAR",
            ":SYST:RSEN ON",
            ":SYST:PRES",
            ":SOUR:CLE",
        ):
            smu.write("*RST;:SOUR:VOLT 1;:SENS:CURR:PROT 0.1;:OUTP ON")
            assert load.seen[-1] == pytest.approx(1.0, rel=1e-3)
            assert smu.ask(f"{text};:OUTP?") == "0", text
            assert load.seen[-1] == 0.0

    play(scenario)


def test_faults_of_its_own(play) -> None:
    async def scenario(smu: Client, load) -> None:
        faults = smu.device.own_faults
        smu.write(READY + ";:OUTP:ENAB ON")
        faults["interlock"]("")()
        assert smu.ask(":OUTP?;:OUTP ON") == "0"
        assert smu.ask(":SYST:ERR?") == '+802,"OUTPUT blocked by output enable"'
        faults["mended"]("")()
        smu.write(":OUTP ON")
        faults["over-temperature"]("")()
        assert smu.ask(":OUTP?;:STAT:MEAS:COND?;:OUTP ON") == f"0;{1 << 12}"
        assert smu.ask(":SYST:ERR?") == '+809,"OUTPUT blocked by over-temp"'
        faults["mended"]("")()
        faults["load"]("open")()
        smu.write(":OUTP ON;:FORM:ELEM CURR")
        assert abs(float(await smu.wait(":READ?"))) < 1e-8
        with pytest.raises(ValueError, match="ohms"):
            faults["load"]("-1")
        with pytest.raises(ValueError, match="no value"):
            faults["mended"]("3")

    play(scenario)


def test_options_of_one_that_stands_alone() -> None:
    options = {"load": "heater", "ohms": "800", "line_end": "CRLF"}
    made = build(
        "keithley_2400", Placement(BenchClock(), identity={"serial": "77"}, options=options)
    )
    assert made.doors[0].kind == "serial"
    assert ",77," in made.identity  # type: ignore[attr-defined]
    for wrong, match in (
        ({"load": "lamp"}, "resistor"), ({"ohms": "0"}, "positive"), ({"line_end": "X"}, "CRLF"),
        ({"volts": "3"}, "no option"),
    ):  # fmt: skip
        with pytest.raises(OptionError, match=match):
            build("keithley_2400", Placement(BenchClock(), options=wrong))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([
    ":SOUR:VOLT 5", ":SOUR:VOLT -3", ":SENS:CURR:PROT 1e-3", ":OUTP ON", ":OUTP OFF", ":INIT",
    ":ABOR", "*RST", ":SOUR:FUNC CURR", ":SOUR:FUNC VOLT", ":SOUR:CURR 1e-2", ":READ?",
    ":MEAS:RES?",
    ":SENS:VOLT:PROT 2", ":SOUR:VOLT:MODE SWE", ":SOUR:VOLT:STOP 4", ":TRIG:COUN 3", "*TRG",
    ":SENS:FUNC 'RES'", ":SOUR:CLE:AUTO ON", ":SYST:RSEN ON", "\xff\x00;:", ":SENS:CURR:RANG 1e-3",
]), max_size=25))  # fmt: skip
def test_whatever_comes_the_load_sees_no_more_than_was_set(texts: list[str]) -> None:
    """No order of commands drives the load beyond the largest level, nor leaves it driven."""

    async def scenario() -> None:
        load = WatchedResistor(200.0)
        smu = Client(Keithley2400(asyncio.get_running_loop().time, load, lead_ohms=0.0), 1)
        for text in texts:
            smu.session.receive(text.encode("latin-1") + b"\n")
            await asyncio.sleep(0.05)
        # auto ohms stays below 2.1 V, sourced volts below 5 V, sourced amperes below 21 V
        assert max(map(abs, load.seen), default=0.0) <= 5.0 + 1e-2
        assert all(math.isfinite(volts) for volts in load.seen)
        smu.session.clear()
        smu.write("*RST;*CLS")
        assert smu.ask(":OUTP?;:SYST:ERR?") == '0;0,"No error"'
        assert load.seen[-1] == 0.0

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        runner.run(scenario())
