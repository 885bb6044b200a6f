"""The simulated 33600A: replies of the sheet, levels, loads, memory, its error queue."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest

from sim_backends.catalogue import build
from sim_backends.instrument import OptionError, Placement
from tests.sim_backends.keysight_33600a.client import OK, Bench, Client, errors, ramp


def test_the_sheets_replies() -> None:
    client = Client()
    for question, answer in [
        ("*IDN?", "Keysight Technologies,33622A,MY53800001,A.02.03-3.15-03-64-02"),
        ("SYST:ERR?", OK),
        ("SOUR1:FREQ?", "+1.000000000000000E+03"),
        ("freq?", "+1.000000000000000E+03"),
        ("SOURCE2:VOLTAGE?;VOLTAGE:OFFSET?", "+1.000000000000000E-01;+0.000000000000000E+00"),
        ("OUTP1?;:OUTP1:LOAD?", "0;+5.000000000000000E+01"),
        ("FUNC?", "SIN"),
        ("TRIG1:SOUR?;SLOP?", "IMM;POS"),
        ("SOUR1:FUNC:ARB:FILT?;ADV?", "NORM;SRAT"),
        ("SOUR1:FUNC:ARB?", '"INT:\\BUILTIN\\EXP_RISE.ARB"'),
        ("FORM:BORD?", "NORM"),
        ("*PSC?;*PSC 0;*RST;*PSC?", "1;0"),
        ("FREQ:MODE?;MODE FIXED;MODE?", "CW;FIX"),
        ("OUTP1:LOAD INF;LOAD?", "+9.900000000000000E+37"),
        ("BURS:NCYC INF;NCYC?;NCYC 3;NCYC?", "+9.900000000000000E+37;+3.000000000000000E+00"),
        ("SOUR2:FREQ? MAX;FREQ? MIN", "+1.200000000000000E+08;+1.000000000000000E-06"),
    ]:  # fmt: skip
        assert client.ask(question) == answer, question
    old = Client("33522A", maker="Agilent Technologies", serial="MY50005619",
                 firmware="2.03-1.19-2.00-52-00")  # fmt: skip
    assert old.ask("*IDN?") == "Agilent Technologies,33522A,MY50005619,2.03-1.19-2.00-52-00"
    assert old.ask("FREQ? MAX") == "+3.000000000000000E+07"


def test_models_differ() -> None:
    single = Client("33511B")
    single.ask("SOUR2:FREQ 10")
    single.ask("TRIG1:LEV 1")
    first = Client("33521A")
    first.ask("TRIG1:COUN 2")
    first.ask("DATA:SEQ #11a")
    assert errors(single) == ['-114,"Header suffix out of range"', '-113,"Undefined header"']
    assert errors(first) == ['-113,"Undefined header"'] * 2
    assert single.ask("FUNC:ARB:SRAT? MAX") == "+2.500000000000000E+08"
    assert single.ask("FUNC:ARB:FILT OFF;SRAT? MAX") == "+1.600000000000000E+08"
    assert Client().ask("FUNC:ARB:SRAT? MAX") == "+1.000000000000000E+09"
    assert single.ask("DATA:VOL:FREE?") == "+1000000"
    assert Client(memory_times=16).ask("DATA:VOL:FREE?") == "+64000000"


def test_out_of_range_is_clipped_with_a_warning() -> None:
    client = Client()
    upper = '-222,"Data out of range; value clipped to upper limit"'
    lower = '-222,"Data out of range; value clipped to lower limit"'
    for text, answer, warned in [
        ("VOLT 30;VOLT?", "+1.000000000000000E+01", upper),
        ("VOLT 1 MVPP;VOLT?", "+1.000000000000000E-03", None),
        ("VOLT 1e-9;VOLT?", "+1.000000000000000E-03", lower),
        ("VOLT 4;:VOLT:OFFS 4;OFFS?", "+3.000000000000000E+00", upper),
        ("VOLT:OFFS -4 V;OFFS?", "-3.000000000000000E+00", lower),
        ("VOLT 6;VOLT?", "+4.000000000000000E+00", upper),
        ("OUTP1:LOAD 20 kOHM;LOAD?", "+1.000000000000000E+04", upper),
        ("TRIG1:DEL 2000;DEL?", "+1.000000000000000E+03", upper),
        ("FUNC:ARB:SRAT 2e9;SRAT?", "+1.000000000000000E+09", upper),
        ("FREQ 1 GHZ;FREQ?", "+1.200000000000000E+08", upper),
        ("BURS:NCYC 0;NCYC?", "+1.000000000000000E+00", lower),
    ]:
        assert client.ask(text) == answer, text
        assert errors(client) == ([] if warned is None else [warned]), text


def test_the_load_changes_what_is_shown_and_not_what_comes_out() -> None:
    client = Client(load=math.inf)
    client.do("FUNC SQU;:VOLT 1;:VOLT:OFFS 0.25;:OUTP1 ON")
    before = client.volts([1e-5, 9e-4])
    assert before == pytest.approx([1.5, -0.5], rel=1e-4)  # open: twice what 50 ohm would see
    assert client.ask("OUTP1:LOAD INF;:VOLT?;:VOLT:OFFS?;:VOLT:HIGH?;:VOLT:LOW?") == (
        "+2.000000000000000E+00;+5.000000000000000E-01;"
        "+1.500000000000000E+00;-5.000000000000000E-01"
    )
    assert np.array_equal(client.volts([1e-5, 9e-4]), before)
    client.do("VOLT:HIGH 3", "VOLT:LOW -1")
    assert client.ask("VOLT?;:VOLT:OFFS?") == "+4.000000000000000E+00;+1.000000000000000E+00"
    client.ask("VOLT:HIGH -2")
    assert errors(client) == ['-221,"Settings conflict; high and low levels were adjusted"']
    assert client.ask("VOLT:HIGH?") == "-2.000000000000000E+00"


def test_units_of_the_amplitude() -> None:
    client = Client()
    client.do("VOLT 0 DBM")
    assert float(client.ask("VOLT?")) == pytest.approx(2 * math.sqrt(2 * 1e-3 * 50))
    client.do("VOLT:UNIT VRMS", "VOLT 0.1")
    assert client.ask("VOLT:UNIT?") == "VRMS"
    client.do("VOLT:UNIT VPP")
    assert float(client.ask("VOLT?")) == pytest.approx(0.2 * math.sqrt(2))
    client.ask("OUTP1:LOAD INF;:VOLT:UNIT DBM")
    assert errors(client) == ['-221,"Settings conflict; unable to set units to dBm"']


def test_volatile_memory() -> None:
    client = Client("33522B")
    words = np.array([-32767, 0, 32767, 10, 11, 12, 2570, 3338], dtype="<i2")
    client.do(b"FORM:BORD SWAP", b"SOUR1:DATA:ARB:DAC seg, #216" + words.tobytes())
    client.do("FORM:BORD NORM", b"DATA:ARB:DAC big,#216" + words.astype(">i2").tobytes())
    client.do("DATA:ARB:DAC listed, -32767, 0,32767,10,11,12,2570,3338")
    client.do("DATA:ARB floats,-1,0,1,.5,-.25,1e-3,0,0")
    client.do(
        "FORM:BORD SWAP", b"DATA:ARB single,#232" + np.linspace(-1, 1, 8).astype("<f4").tobytes()
    )
    memory = client.device.channels[0].memory
    for name in ("seg", "big", "listed"):
        assert np.array_equal(memory.arb(name).values * 32767, words), name
    assert client.ask("DATA:VOL:CAT?") == (
        '"INT:\\BUILTIN\\EXP_RISE.ARB","seg","big","listed","floats","single"'
    )
    assert client.ask("DATA:VOL:FREE?;:SOUR2:DATA:VOL:FREE?") == "+999960;+1000000"
    assert client.ask("DATA:ATTR:POIN? seg;PTP? floats") == "+8;+2.000000000000000E+00"
    for text, said in [
        (b"DATA:ARB:DAC SEG,#216" + words.tobytes(),
         '+786,"Specified arb waveform already exists"'),
        (b"FUNC:ARB nosuch", '+785,"Specified arb waveform does not exist"'),
        (b"DATA:ARB:DAC odd,#17abcdefg", '+800,"Block length must be even"'),
        (b"DATA:ARB:DAC few,1,2,3",
         '-220,"Parameter error; at least 8 points are needed"'),
        (b"DATA:ARB:DAC loud,1,2,3,4,5,6,7,40000", '-222,"Data out of range"'),
        (b"DATA:ARB loud,1,2,3,4,5,6,7,8", '-222,"Data out of range"'),
        (b"DATA:ARB loud,1,0,0,0,0,0,0,nan", '-222,"Data out of range"'),
        (b"DATA:ARB word,a,b", '-104,"Data type error"'),
        (b"DATA:ARB nothing", '-109,"Missing parameter"'),
        (b"DATA:ARB a_name_too_long,1,0,0,0,0,0,0,0", '-224,"Illegal parameter value"'),
        (b"DATA:ARB:DAC many,#72000000" + bytes(2_000_000), '-223,"Too much data"'),
    ]:  # fmt: skip
        assert client.ask(text) == ""
        assert errors(client) == [said], text[:30]
    client.do("FUNC:ARB seg", "DATA:VOL:CLE", "DATA:ARB:DAC seg,1,2,3,4,5,6,7,8")
    assert client.ask("FUNC:ARB?;:DATA:VOL:FREE?") == '"INT:\\BUILTIN\\EXP_RISE.ARB";+999992'


def test_the_queue_holds_twenty() -> None:
    client = Client()
    for _ in range(30):
        client.ask("NONSENSE")
    found = errors(client)
    assert len(found) == 20
    assert found[0] == '-113,"Undefined header"'
    assert found[-1] == '-350,"Queue overflow"'


def test_files_and_the_sequence_of_the_sheet() -> None:
    client = Client()
    for level in (0, 5):
        client.upload(f"DC{level}", np.full(64, level / 10))
        client.do(f"FUNC:ARB DC{level};:MMEM:STOR:DATA1 'INT:\\DC{level}.arb'")
    client.do("DATA:VOL:CLE", 'MMEM:LOAD:DATA1 "INT:\\DC0.arb"', 'MMEM:LOAD:DATA1 "INT:\\DC5.arb"')
    text = (
        b'DATA:SEQ #282"testSeq.seq","INT:\\DC0.arb",10,repeat,maintain,4,'
        b'"INT:\\DC5.arb",0,once,maintain,4'
    )
    assert len(text) - len(b"DATA:SEQ #282") == 82
    client.do(text, "FUNC:ARB testSeq.seq", "FUNC ARB")
    assert client.ask("FUNC:ARB?") == '"testSeq.seq"'
    assert client.ask("MMEM:CAT:DATA:ARB?").endswith(',"DC0.ARB,ARB,128","DC5.ARB,ARB,128"')
    client.ask(text)
    client.ask('MMEM:LOAD:DATA1 "INT:\\nosuch.arb"')
    assert errors(client) == [
        '+786,"Specified arb waveform already exists"', '-256,"File name not found"',
    ]  # fmt: skip
    client.do("VOLT 2;:FUNC:ARB:SRAT 1e6;:OUTP1 ON")
    shown = client.volts((np.arange(704) + 0.5) * 1e-6)
    assert shown == pytest.approx(np.repeat([0.0, 0.5], [640, 64]), abs=2e-4)


def test_peak_to_peak_does_not_act_on_a_33600a() -> None:
    client, old = Client(), Client("33522B")
    for one in (client, old):
        one.do("FUNC:ARB:PTP 3")
        assert one.ask("FUNC:ARB:PTP?") == "+3.000000000000000E+00"
    assert client.ask("VOLT?") == "+1.000000000000000E-01"
    assert old.ask("VOLT?") == "+3.000000000000000E+00"


def test_the_dac_of_a_33600a_has_fourteen_bits() -> None:
    for model, step in (("33622A", 4), ("33522B", 1)):
        client = Client(model)
        client.upload("fine", np.arange(40) / 32767)
        client.do("FUNC:ARB fine;:FUNC ARB;:FUNC:ARB:SRAT 1e6;:VOLT 2;:OUTP1 ON")
        codes = client.volts((np.arange(40) + 0.5) * 1e-6) * 32767
        assert codes == pytest.approx(np.rint(np.arange(40) / step) * step, abs=1e-6)


def test_faults_of_its_own() -> None:
    client = Client()
    for channel in (1, 2):
        client.do(f"SOUR{channel}:FUNC DC;:SOUR{channel}:VOLT:OFFS 1;:OUTP{channel} ON")
    order = client.device.own_faults
    for kind in order:
        for value in ("0", "3", "x"):
            with pytest.raises(ValueError, match=value):
                order[kind](value)
    assert client.volts([1.0], 2) == pytest.approx([1.0])
    order["dead"]("1")()
    order["overload"]("2")()
    assert client.volts([2.0], 1) == client.volts([2.0], 2) == [0.0]
    assert client.ask("OUTP1?;:OUTP2?") == "1;0"
    assert errors(client) == ['-240,"Hardware error; voltage overload on output 2"']
    client.do("OUTP2 ON")
    assert client.volts([3.0], 2) == pytest.approx([1.0])


def test_point_by_point() -> None:
    client = Client()
    client.upload("arb", ramp(32))
    client.do("FUNC:ARB arb;:FUNC ARB;:FUNC:ARB:ADV TRIG;:VOLT 2;:TRIG1:SOUR EXT;:OUTP1 ON")
    client.bench.edges = [(1.0, True), (2.0, True)]
    client.bench.time = 3.0
    client.device.advance()
    assert client.volts([0.5, 1.5, 2.5]) == pytest.approx(ramp(32)[:3], abs=2e-4)


def test_reset_and_pulse_and_apply() -> None:
    client = Client()
    client.do("APPL:PULS 1 KHZ, 2 VPP, 500 MV")
    assert client.ask("APPL?") == (
        '"PULS +1.000000000000000E+03,+2.000000000000000E+00,+5.000000000000000E-01"'
    )
    assert client.ask("OUTP1?") == "1"
    client.do("FUNC:PULS:WIDT 200 US", "FUNC:PULS:TRAN:BOTH 20 NS", "FUNC:PULS:HOLD DCYC")
    assert client.ask("FUNC:PULS:DCYC?;PER?;TRAN?;HOLD?") == (
        "+2.000000000000000E+01;+1.000000000000000E-03;+2.000000000000000E-08;DCYC"
    )
    assert client.volts([1e-4, 3e-4]) == pytest.approx([1.5, -0.5], rel=1e-3)
    client.do("APPL:DC DEF, DEF, -2 V")
    assert client.volts([1e-3]) == pytest.approx([-2.0])
    client.do("*RST")
    assert client.ask("OUTP1?;:FUNC?;:VOLT?") == "0;SIN;+1.000000000000000E-01"
    client.do("FUNC DC", "VOLT:OFFS 5")
    client.ask("FUNC SIN")
    assert errors(client) == ['-221,"Settings conflict; offset changed due to amplitude"']
    client.do("VOLT:OFFS 0")
    client.ask("FREQ 1e6;:FUNC RAMP")
    assert errors(client) == ['-221,"Settings conflict; frequency reduced for this function"']
    assert client.ask("FREQ?") == "+8.000000000000000E+05"


def test_opc_waits_until_an_upload_has_been_taken_in(run) -> None:
    async def scenario() -> None:
        client = Client(upload_rate=1e6)
        client.ask(b"DATA:ARB:DAC a,#6200000" + bytes(200_000))
        assert client.ask("*OPC?") == ""
        await asyncio.sleep(0.19)
        assert client.sent == []
        await asyncio.sleep(0.02)
        assert client.sent == [b"1\n"]

    run(scenario())


def test_alone() -> None:
    bench = Bench()
    identity = {"model": "33512B", "maker": "Agilent Technologies", "serial": "X"}
    made = build("keysight_33600a", Placement(bench, identity=identity, options={"period": 0.5}))
    sent: list[bytes] = []
    made.doors[0].converse(sent.append).receive(b"*IDN?\n")  # type: ignore[attr-defined]
    assert sent == [b"Agilent Technologies,33512B,X,A.02.03-3.15-03-64-02\n"]
    for options, said in (
        ({"colour": "red"}, "colour"), ({"memory": "huge"}, "standard or large"),
        ({"period": 0}, "positive"), ({"jitter": -1}, "jitter"),
    ):  # fmt: skip
        with pytest.raises(OptionError, match=said):
            build("keysight_33600a", Placement(bench, options=options))
    with pytest.raises(OptionError, match="33622A"):
        build("keysight_33600a", Placement(bench, identity={"model": "33250A"}))
