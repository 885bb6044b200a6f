"""The simulated 2450: dialect, event log, buffers, sweeps, templates, languages, limits."""

from __future__ import annotations

import asyncio
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_backends.catalogue import build
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import OptionError, Placement
from sim_backends.keithley_2450.instrument import Keithley2450
from sim_backends.virtual_time import VirtualTimeLoop
from tests.sim_backends.source_meter_client import Client, WatchedResistor


@pytest.fixture
def play(run):
    """Runs `scenario(client, load)` on virtual time."""

    def _play(scenario, **options):
        async def all_of_it():
            load = WatchedResistor()
            now = asyncio.get_running_loop().time
            device = Keithley2450(now, load, seed=1, lead_ohms=0.0, **options)
            await scenario(Client(device, 0), load)

        run(all_of_it())

    return _play


READY = ":SOUR:VOLT:ILIM 0.1;:SOUR:VOLT 2;:SENS:CURR:NPLC 0.1;:OUTP ON"


def test_identity_and_defaults(play) -> None:
    async def scenario(smu: Client, load) -> None:
        for query, reply in [
            ("*IDN?", "KEITHLEY INSTRUMENTS,MODEL 2450,04488850,1.7.3c"), ("*LANG?", "SCPI"),
            (":OUTP?", "0"), (":SOUR:FUNC?", "VOLT"), (":SENS:FUNC?", '"CURR:DC"'),
            (":SOUR:VOLT:ILIM?", "1.050000E-04"), (":SOUR:CURR:VLIM?", "2.100000E+01"),
            (":SOUR:VOLT:RANG?", "2.000000E-02"), (":SOUR:VOLT:RANG? MAX", "2.000000E+02"),
            (":SENS:CURR:RANG?", "1.000000E-08"), (":SENS:CURR:RANG? MAX", "1.000000E+00"),
            (":SENS:CURR:NPLC?", "1.000000E+00"), (":SENS:CURR:RSEN?", "0"),
            (":SENS:COUN?", "1"), (":ROUT:TERM?", "FRON"), (":SYST:LFR?", "50"),
            (":OUTP:VOLT:SMOD?", "NORM"), (":SOUR:VOLT:READ:BACK?", "1"), (":FORM?", "ASC"),
            (":TRAC:ACT?", "0"), (":TRAC:POIN? 'defbuffer2'", "100000"),
            (":TRIG:STAT?", "EMPTY;EMPTY;0"), (":SYST:ERR?", '0,"No error;0;0 0"'),
        ]:  # fmt: skip
            assert smu.ask(query) == reply, query

    play(scenario)


def test_the_display_is_set_as_the_manual_has_it(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.ask(":DISP:SCR HOME;:DISP:SCR SWIPE_STAT;:DISP:LIGH:STAT ON100;:DISP:CURR:DIG 6")
        assert smu.ask(":DISP:LIGH:STAT?;:DISP:CURR:DIG?;:DISP:VOLT:DIG?") == "ON100;6;5"
        assert smu.ask(":SYST:ERR:COUN?") == "0"
        smu.ask(":DISP:SCR ATTIC")
        assert smu.ask(":SYST:ERR?").startswith("-224")

    play(scenario)


def test_the_event_log(play) -> None:
    async def scenario(smu: Client, load) -> None:
        await asyncio.sleep(3600.25)
        smu.ask(":NO:SUCH")
        smu.ask(":SOUR:VOLT 300")
        assert smu.ask(":SYST:ERR:COUN?") == "2"
        assert smu.ask(":SYST:EVEN:COUN? ALL;COUN? ERR;COUN? WARN") == "2;2;0"
        assert smu.ask(":SYST:EVEN:NEXT? INFormational") == '0,"No error;0;0 0"'
        assert smu.ask(":SYST:ERR?") == '-113,"Undefined header;1;2026/01/01 01:00:00.250"'
        assert smu.ask(":SYST:EVEN:NEXT?").startswith('-222,"Parameter data out of range;1;2026/')
        for text, start in [
            (':READ? "nowhere"', "1133,"), (':TRAC:DATA? 1,2,"defbuffer1",BAD', "1133,"),
            (":TRAC:DATA? 1,2", "-222,"), (":FETC?", "-230,"), (":INIT", "-221,"),
            (":SENS:FUNC CURR", "-151,"), (":TRAC:DEL 'defbuffer1'", "1133,"),
            (":SOUR:VOLT 30;:SOUR:VOLT:ILIM 0.2", "-221,"), (':TRIG:LOAD "Odd",3', "-224,"),
            (":SOUR:SWE:VOLT:LIN 0,1", "-109,"), (":SOUR:SWE:VOLT:LIN 0,300,5", "-222,"),
            (":SOUR:SWE:VOLT:LIN 0,1,5,1e-6", "-222,"), (":SOUR:SWE:VOLT:LOG 0,1,5", "-222,"),
            (":SOUR:SWE:VOLT:LIN:STEP 0,1,0", "-222,"), (":SOUR:SWE:VOLT:LIST 1", "-221,"),
            (":SOUR:VOLT 0;:SOUR:VOLT:RANG 2;:SOUR:SWE:VOLT:LIN 0,3,4,0,1,FIX", "-222,"),
        ]:  # fmt: skip
            assert smu.ask(text) == "", text
            assert smu.ask(":SYST:ERR?").startswith(start), text
            smu.ask("*CLS")
        assert smu.ask(":SYST:ERR?") == '0,"No error;0;0 0"'

    play(scenario)


def test_readings_and_their_elements(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.ask(READY)
        reply = await smu.wait(":READ?")
        assert float(reply) == pytest.approx(2e-3, rel=2e-3)
        assert reply.count(",") == 0
        assert len(reply) == len("2.000000E-03")
        reply = await smu.wait(':READ? "defbuffer1",SOUR,SOURSTAT,UNIT,SOURUNIT,SEC,REL,DATE,TIME')
        source, status, unit, source_unit, seconds, relative, date, time = reply.split(",")
        assert float(source) == pytest.approx(2.0, abs=1e-3)
        assert (int(status) & 0xA0, unit, source_unit) == (0x80, "Amp DC", "Volt DC")
        assert (seconds, date, time) == ("1767225600", "01/01/2026", "00:00:00")
        assert float(relative) > 0
        assert await smu.wait(":FETC?") == smu.ask(':TRAC:DATA? 2,2,"defbuffer1",READ')
        # not read back: what is set
        reply = await smu.wait(':SOUR:VOLT:READ:BACK OFF;:READ? "defbuffer1",SOUR')
        assert reply == "2.000000E+00"
        assert float(await smu.wait(":MEAS:VOLT?")) == pytest.approx(2.0, abs=1e-3)
        assert float(await smu.wait(":MEAS:RES?")) == pytest.approx(1000, rel=2e-3)
        assert smu.ask(":SENS:FUNC?") == '"RES"'
        smu.ask(':SENS:FUNC "CURR";:SENS:CURR:UNIT WATT')
        power, unit = (await smu.wait(':READ? "defbuffer1",READ,UNIT')).split(",")
        assert (float(power), unit) == (pytest.approx(4e-3, rel=3e-3), "Watt DC")
        smu.ask(":SENS:CURR:UNIT AMP")
        # beyond a fixed range the source is held
        smu.ask(':SENS:FUNC "CURR";:SENS:CURR:RANG 1e-3')
        assert float(await smu.wait(":READ?")) == pytest.approx(1.05e-3, rel=1e-2)
        assert smu.ask(":SOUR:VOLT:ILIM:TRIP?;:SOUR:CURR:VLIM:LEV:TRIP?") == "1;0"

    play(scenario)


def test_buffers(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.ask(READY + ';:TRAC:MAKE "iv",10;:SENS:COUN 4')
        await smu.wait(':READ? "iv"')
        assert smu.ask(':TRAC:ACT? "iv";:TRAC:ACT?;:TRAC:POIN? "iv"') == "4;0;10"
        values = [float(v) for v in smu.ask(':TRAC:DATA? 1,4,"iv"').split(",")]
        assert float(smu.ask(':TRAC:STAT:AVER? "iv"')) == pytest.approx(sum(values) / 4, rel=1e-6)
        assert float(smu.ask(':TRAC:STAT:MAX? "iv"')) == max(values)
        await smu.wait(':SENS:COUN 9;:TRAC:TRIG "iv";*OPC?')
        assert smu.ask(':TRAC:ACT? "iv"') == "10"  # the oldest made room
        smu.ask(':TRAC:CLE "iv";:TRAC:FILL:MODE ONCE,"iv"')
        await smu.wait(':SENS:COUN 20;:READ? "iv";*OPC?')
        assert smu.ask(':TRAC:ACT? "iv";:TRAC:FILL:MODE? "iv"') == "10;ONCE"
        smu.ask(":FORM REAL;:FORM:BORD NORM")
        smu.ask(':TRAC:DATA? 1,2,"iv",SOUR,READ')
        assert smu.sent[:2] == b"#0"
        assert len(smu.sent) == 2 + 4 * 8 + 1
        assert struct.unpack(">4d", smu.sent[2:-1])[0] == pytest.approx(2.0, abs=1e-3)
        assert smu.ask(':TRAC:DATA? 1,2,"iv",UNIT') == ""
        smu.ask("*RST;*CLS")
        assert smu.ask(':TRAC:ACT? "iv"') == ""

    play(scenario)


def test_sweeps_turn_the_output_on_and_off(play) -> None:
    async def scenario(smu: Client, load) -> None:
        loop = asyncio.get_running_loop()
        smu.ask(":SOUR:VOLT:ILIM 0.1;:SENS:CURR:NPLC 0.01;:SENS:CURR:AZER OFF")
        smu.ask(':SOUR:SWE:VOLT:LIN 0,1,5,0.1,2,AUTO,OFF,OFF,"defbuffer2"')
        began = loop.time()
        smu.ask(":INIT")
        assert smu.ask(":TRIG:STAT?;:OUTP?") == "RUNNING;RUNNING;11;1"
        assert smu.ask(":INIT;:READ?") == ""
        assert smu.ask(":SYST:ERR?").startswith("-213")
        assert await smu.wait("*WAI;:TRIG:STAT?;:OUTP?") == "IDLE;IDLE;11;0"
        assert loop.time() - began == pytest.approx(1.02, abs=0.05)
        assert load.seen[-1] == 0.0
        volts = [float(v) for v in smu.ask(':TRAC:DATA? 1,10,"defbuffer2",SOUR').split(",")]
        assert volts == pytest.approx([0, 0.25, 0.5, 0.75, 1] * 2, abs=2e-3)
        smu.ask(":SOUR:SWE:VOLT:LIN:STEP 1,0,0.5,0,1,BEST,OFF,ON;:INIT")
        assert await smu.wait("*WAI;:TRAC:ACT?") == "6"
        smu.ask(":SOUR:LIST:VOLT 0.1,-0.3;VOLT:APP 0.2;:SOUR:SWE:VOLT:LIST 1,0;:INIT")
        volts = [
            float(v) for v in (await smu.wait('*WAI;:TRAC:DATA? 1,3,"defbuffer1",SOUR')).split(",")
        ]
        assert volts == pytest.approx([0.1, -0.3, 0.2], abs=1e-3)
        # at the limit it stops, unless it is told to go on
        smu.ask(":SOUR:VOLT:ILIM 5e-4;:SOUR:SWE:VOLT:LIN 0,1,11,0,1;:INIT")
        assert await smu.wait("*WAI;:TRAC:ACT?") == "7"
        smu.ask(":SOUR:SWE:VOLT:LIN 0,1,11,1,0;:INIT;:ABOR")
        assert smu.ask(":TRIG:STAT?;:OUTP?") == "ABORTED;ABORTED;11;0"

    play(scenario)


def test_templates_of_the_trigger_model(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.ask(READY + ';:TRIG:LOAD "SimpleLoop",7,0.2;:INIT')
        assert smu.ask("*IDN?").startswith("KEITHLEY")  # it still answers
        assert await smu.wait("*WAI;:TRAC:ACT?;:OUTP?") == "7;1"
        times = [float(v) for v in smu.ask(':TRAC:DATA? 1,7,"defbuffer1",REL').split(",")]
        assert times == pytest.approx([0.21 * n for n in range(7)], abs=0.02)
        smu.ask(':TRIG:LOAD "DurationLoop",2,0.1;:INIT')
        count = int(await smu.wait("*WAI;:TRAC:ACT?"))
        assert 15 < count < 20
        assert smu.ask(':TRIG:LOAD "Empty";:TRIG:STAT?') == "EMPTY;EMPTY;0"

    play(scenario)


def test_languages(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.ask(READY + ";*LANG SCPI2400")
        assert smu.ask("*LANG?") == "SCPI"
        smu.device.own_faults["power-cycle"]("")()
        assert not smu.device.output
        again = Client(smu.device, 0)
        assert again.ask("*LANG?;*IDN?").startswith("SCPI2400;KEITHLEY INSTRUMENTS,MODEL 2450,")
        again.ask(":SENS:CURR:PROT 0.1;:SOUR:VOLT 1;:SENS:CURR:NPLC 0.1;:OUTP ON")
        assert (await again.wait(":READ?")).count(",") == 4
        assert load.seen[-1] == pytest.approx(1.0, rel=1e-3)
        assert again.ask(":SOUR:VOLT:ILIM 0.1;:SYST:ERR?") == ""
        assert again.ask("*CLS;*LANG SCPI") == ""
        smu.device.power_cycle()
        assert Client(smu.device, 0).ask("*LANG?") == "SCPI"

    play(scenario)


def test_what_turns_the_output_off_or_keeps_it_off(play) -> None:
    async def scenario(smu: Client, load) -> None:
        for text in (":SOUR:FUNC CURR", ":ROUT:TERM REAR", ":SENS:CURR:RSEN ON", "*RST"):
            smu.ask("*RST;" + READY)
            assert load.seen[-1] == pytest.approx(2.0, rel=1e-3)
            assert smu.ask(f"{text};:OUTP?") == "0", text
            assert load.seen[-1] == 0.0
        own = smu.device.own_faults
        own["interlock"]("")()
        smu.ask("*RST;*CLS;:SOUR:VOLT 50;:OUTP ON")
        assert smu.ask(":SYST:ERR?").startswith("802,")
        assert smu.ask(":SOUR:VOLT 40;:OUTP ON;:OUTP?") == "1"
        own["over-temperature"]("")()
        assert smu.ask(":OUTP?;:SYST:ERR:COUN?;:OUTP ON") == "0;1"
        own["mended"]("")()
        assert smu.ask("*CLS;:OUTP ON;:OUTP?") == "1"

    play(scenario)


def test_options_of_one_that_stands_alone() -> None:
    made = build("keithley_2450", Placement(BenchClock(), options={"language": "SCPI2400"}))
    assert [door.kind for door in made.doors] == ["tcp", "message"]
    for wrong, match in (({"language": "TSP"}, "SCPI2400"), ({"volts": "3"}, "no option")):
        with pytest.raises(OptionError, match=match):
            build("keithley_2450", Placement(BenchClock(), options=wrong))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([
    ":SOUR:VOLT 5", ":SOUR:VOLT -3", ":SOUR:VOLT:ILIM 1e-3", ":OUTP ON", ":OUTP OFF", ":INIT",
    ":ABOR", "*RST", ":SOUR:FUNC CURR", ":SOUR:FUNC VOLT", ":SOUR:CURR 1e-2", ":READ?",
    ":MEAS:RES?", ":SOUR:CURR:VLIM 2", ":SOUR:SWE:VOLT:LIN 0,4,5,0,1", ":SENS:CURR:RSEN ON",
    ":SOUR:SWE:CURR:LIN 0,1e-3,5,0,0", ':TRIG:LOAD "SimpleLoop",3', "*TRG", "\xff\x00;:", "*WAI",
    ":SOUR:VOLT:PROT PROT2", ":SENS:CURR:RANG 1e-3", ":SENS:FUNC 'VOLT'", ":TRAC:DATA? 1,3",
]), max_size=25))  # fmt: skip
def test_whatever_comes_the_load_sees_no_more_than_was_set(texts: list[str]) -> None:
    """No order of commands drives the load beyond the largest level, nor leaves it driven."""

    async def scenario() -> None:
        load = WatchedResistor(200.0)
        smu = Client(Keithley2450(asyncio.get_running_loop().time, load, lead_ohms=0.0), 0)
        for text in texts:
            smu.ask(text)
            await asyncio.sleep(0.05)
        assert max(map(abs, load.seen), default=0.0) <= 5.0 + 1e-2
        smu.session.clear()
        smu.ask("*RST;*CLS")
        assert smu.ask(":OUTP?;:SYST:ERR?") == '0;0,"No error;0;0 0"'
        assert load.seen == [] or load.seen[-1] == 0.0

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        runner.run(scenario())


def test_a_sweep_of_volts_never_drives_amperes() -> None:
    async def scenario() -> None:
        load = WatchedResistor(200.0)
        smu = Client(Keithley2450(asyncio.get_running_loop().time, load, lead_ohms=0.0), 0)
        for text in (":SOUR:FUNC CURR", ":SOUR:SWE:VOLT:LIN 0,4,5,0,1", ":INIT"):
            smu.ask(text)
        await asyncio.sleep(5.0)
        assert max(map(abs, load.seen), default=0.0) == 0.0
        assert smu.ask(":SYST:ERR?").startswith("-221")

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        runner.run(scenario())


def test_readings_relative_to_another(play) -> None:
    """As the manual has it: reading = measured - offset, of the function that is measured."""

    async def scenario(smu: Client, load) -> None:
        assert smu.ask(":SENS:CURR:REL?;REL:STAT?") == "0.000000E+00;0"
        smu.write(f"{READY};:SENS:CURR:REL 0.5e-3")
        assert float(await smu.wait(":READ?")) == pytest.approx(2e-3, rel=1e-3)
        smu.write(":SENSe1:CURRent:DC:RELative:STATe ON")
        assert float(await smu.wait(":READ?")) == pytest.approx(1.5e-3, rel=1e-3)
        offset = float(await smu.wait(":SENS:CURR:REL:ACQ;:SENS:CURR:REL?"))  # waits for it
        assert offset == pytest.approx(2e-3, rel=1e-3)
        assert float(await smu.wait(":READ?")) == pytest.approx(0.0, abs=2e-6)
        smu.write(":SOUR:VOLT 3")
        assert float(await smu.wait(":READ?")) == pytest.approx(1e-3, rel=1e-2)
        assert float(await smu.wait(":MEAS:VOLT?")) == pytest.approx(3.0, rel=1e-3)  # its own
        smu.write(":SENS:VOLT:REL:STAT 1;:SENS:VOLT:REL 5")
        assert float(await smu.wait(":READ?")) == pytest.approx(-2.0, rel=1e-3)
        assert smu.ask(":SYST:ERR?").startswith("0,")
        for refused, code in ((":SENS:CURR:REL:ACQ", "-221"), (":SENS:CURR:REL 2", "-222")):
            smu.write(refused)
            assert smu.ask(":SYST:ERR?").startswith(code), refused
        assert smu.ask("*RST;:SENS:VOLT:REL?;REL:STAT?") == "0.000000E+00;0"

    play(scenario)
