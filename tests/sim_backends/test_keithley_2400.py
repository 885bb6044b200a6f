"""The simulated 2400: dialect, limits, sweeps, triggers, buffer, registers, holding while busy."""

from __future__ import annotations

import asyncio
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_backends.catalogue import build
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import OptionError, Placement
from sim_backends.keithley_2400.instrument import Keithley2400
from sim_backends.virtual_time import VirtualTimeLoop
from tests.sim_backends.source_meter_client import Client, WatchedResistor


@pytest.fixture
def play(run):
    """Runs `scenario(client, load)` on virtual time."""

    def _play(scenario, **options):
        async def all_of_it():
            load = options.pop("load", None) or WatchedResistor()
            loop = asyncio.get_running_loop()
            device = Keithley2400(loop.time, load, seed=1, lead_ohms=0.0, **options)
            await scenario(Client(device, 1), load)

        run(all_of_it())

    return _play


READY = ":SOUR:VOLT 2;:SENS:CURR:PROT 0.1;:SENS:FUNC 'VOLT';:OUTP ON"


def test_identity_and_defaults(play) -> None:
    async def scenario(smu: Client, load) -> None:
        assert smu.ask("*IDN?") == (
            "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C34   Feb 14 2012 11:59:45/A02  /J/H"
        )
        for query, reply in [
            (":OUTP?", "0"), (":OUTP:SMOD?", "NORM"), (":SOUR:FUNC?", "VOLT"),
            (":SOUR:VOLT:RANG?", "2.100000E+01"), (":SOUR:VOLT:RANG:AUTO?", "1"),
            (":SOUR:CURR:RANG?", "1.050000E-04"), (":SOUR:DEL:AUTO?", "1"),
            (":SENS:FUNC?", '"CURR:DC"'), (":SENS:CURR:RANG?", "1.050000E-04"),
            (":SENS:CURR:PROT?", "1.050000E-04"), (":SENS:VOLT:PROT?", "2.100000E+01"),
            (":SENS:CURR:NPLC?", "1.00"), (":SENS:AVER:TCON?", "REP"), (":AVER:COUN?", "10"),
            (":SENS:AVER?", "0"), (":SYST:RSEN?", "0"), (":SYST:AZER?", "1"),
            (":ROUT:TERM?", "FRON"), (":ARM:COUN?", "1"), (":TRIG:COUN?", "1"),
            (":ARM:SOUR?", "IMM"), (":TRIG:ILIN?", "1"), (":TRIG:OLIN?", "2"),
            (":FORM?", "ASC"), (":FORM:ELEM?", "VOLT,CURR,RES,TIME,STAT"),
            (":SOUR:CLE:AUTO?", "0"), (":SOUR:VOLT:MODE?", "FIX"), (":SYST:ERR?", '0,"No error"'),
        ]:  # fmt: skip
            assert smu.ask(query) == reply, query

    play(scenario)


def test_one_command_in_many_spellings(play) -> None:
    async def scenario(smu: Client, load) -> None:
        for text in (
            ":SOURce:VOLTage:LEVel:IMMediate:AMPLitude 1.5", "sour1:volt 1.5", "SOUR:VOLT 1500 MV",
            "SOURCE1:VOLTAGE:LEVEL 1.5V", ":SOUR:FUNC VOLT;VOLT 1.5", "*CLS;:SOUR:VOLT:AMPL 15e-1",
        ):  # fmt: skip
            smu.write(":SOUR:VOLT 0")
            assert smu.ask(text) == ""
            assert smu.ask(":SOUR:VOLT?") == "1.500000E+00", text
        assert smu.ask(":FUNC 'VOLT','RES';FUNC?") == '"VOLT:DC","CURR:DC","RES"'
        assert smu.ask(':SENS:FUNC:OFF "voltage:dc";STAT? "VOLT";:SENS:CURR:PROT:LEV? MAX') == (
            "0;1.050000E+00"
        )
        assert smu.ask(":ARM:TIM? MAX;:SOUR:VOLT:RANG? MAX") == "99999.990000;2.100000E+02"
        assert smu.ask(":OUTP:STAT?; :SYST:ERR:COUN?") == "0;0"
        smu.write(":SYSTe:PRESe")
        assert smu.ask(":SYST:ERR?") == '-113,"Undefined header"'

    play(scenario)


def test_a_bad_unit_discards_what_follows(play) -> None:
    async def scenario(smu: Client, load) -> None:
        assert smu.ask(":SOUR:VOLT 1;:SOUR:VOLT 300;:SOUR:VOLT 2;:SOUR:VOLT?") == ""
        assert smu.ask(":SOUR:VOLT?") == "1.000000E+00"
        assert smu.ask(":SYST:ERR?") == '-222,"Parameter data out of range"'

    play(scenario)


def test_the_error_queue_holds_ten(play) -> None:
    async def scenario(smu: Client, load) -> None:
        for _ in range(12):
            smu.write(":NO:SUCH")
        assert smu.ask(":SYST:ERR:COUN?") == "10"
        assert smu.ask(":SYST:ERR:CODE?") == "-113"
        assert smu.ask(":STAT:QUE?") == '-113,"Undefined header"'
        assert smu.ask(":SYST:ERR:ALL?").endswith('-350,"Queue overflow"')
        assert smu.ask(":SYST:ERR:ALL?") == '0,"No error"'
        smu.write(":NO:SUCH")
        assert smu.ask("*STB?;:SYST:CLE;*STB?") == "4;0"

    play(scenario)


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


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (":SENS:CURR:PROT 0.2;:SOUR:VOLT 22", '+826,"Attempt to exceed power limit"'),
        (":SOUR:VOLT 22;:SENS:CURR:PROT 0.2", '+826,"Attempt to exceed power limit"'),
        (":SENS:VOLT:PROT 30;:SOUR:CURR 0.2", '+826,"Attempt to exceed power limit"'),
        (":SENS:CURR:PROT 1e-3;:SENS:CURR:RANG 0.1", '+824,"Cannot exceed compliance range"'),
        (":SENS:CURR:PROT 1e-12", '+822,"Too small for sense range"'),
        (":SOUR:VOLT:RANG 2;:SOUR:VOLT 3", '-222,"Parameter data out of range"'),
        (":SOUR:VOLT 3;:SOUR:VOLT:RANG 2", '-221,"Settings conflict"'),
        (":SOUR:LIST:VOLT 1,2,211", '-222,"Parameter data out of range"'),
        (":SENS:FUNC CURR", '-151,"Invalid string data"'),
        (":SENS:FUNC 'POWER'", '-224,"Illegal parameter value"'),
        (":SENS:CURR:NPLC 11", '-222,"Parameter data out of range"'),
        (":ARM:COUN 100;:TRIG:COUN 26", '-222,"Parameter data out of range"'),
        (":FORM:ELEM POWER", '-224,"Illegal parameter value"'),
        (":FORM REAL,64", '-224,"Illegal parameter value"'),
        (":TRAC:FEED:CONT NEXT;:TRAC:POIN 5", '+800,"Illegal with storage active"'),
        (":SOUR:VOLT", '-109,"Missing parameter"'),
        (":SOUR:VOLT nan", '-121,"Invalid character in number"'),
        (":OUTP ON;:ARM:COUN INF;:READ?", '+830,"Invalid with INFinite ARM:COUNT"'),
        ("*TRG", '-211,"Trigger ignored"'),
    ],
)
def test_what_is_refused(play, text: str, error: str) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.write(text)
        assert smu.ask(":SYST:ERR?") == error
        assert smu.ask(":SYST:ERR?") == '0,"No error"'

    play(scenario)


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


def test_binary_and_byte_order(play) -> None:
    async def scenario(smu: Client, load) -> None:
        smu.write(READY + ";:FORM:ELEM VOLT,CURR")
        volts, amperes = map(float, (await smu.wait(":READ?")).split(","))
        for text, layout in ((":FORM REAL,32", ">2f"), (":FORM:BORD SWAP", "<2f")):
            smu.ask(f"{text};:FETC?")
            assert smu.sent[:2] == b"#0"
            assert smu.sent[10:] == b"\n"
            assert struct.unpack(layout, smu.sent[2:10]) == pytest.approx((volts, amperes))
        line = Client(smu.device, 0)
        line.write(":FORM SRE")
        assert line.ask(":FORM ASC;:SYST:ERR?") == '+701,"ASCII only with RS-232"'

    play(scenario)


def test_line_ends_and_control_characters(play) -> None:
    async def scenario(smu: Client, load) -> None:
        line = Client(smu.device, 0)
        line.session.receive(b":OUTP?\r")
        line.session.receive(b":OUTP?\r\n:OUTP?\n")
        assert line.sent == b"0\r\n" * 3
        line.sent = b""
        line.write(READY + ";:TRIG:COUN 100;:READ?")
        line.session.receive(b"\x03:OUTP?\r")
        assert line.sent == b"1\r\n"

    play(scenario, line_end=b"\r\n")


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
