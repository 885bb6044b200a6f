"""The simulated 33500B/33600A: bytes of the sheet, levels, memory, what it plays after edges."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_backends.catalogue import build
from sim_backends.engine.errors import ScpiError
from sim_backends.instrument import OptionError, Placement
from sim_backends.keysight_33600a import Keysight33600A
from sim_backends.keysight_33600a.sequence import parse

OK = '+0,"No error"'


class Bench:
    """A clock and a list of edges at Ext Trig: (time, rising)."""

    def __init__(self) -> None:
        self.time = 0.0
        self.edges: list[tuple[float, bool]] = []
        self.changes = 0

    def now(self) -> float:
        return self.time

    def next_edge(self, after: float, rising: bool) -> float | None:
        later = [time for time, up in self.edges if up is rising and time > after]
        return min(later, default=None)

    def before_change(self) -> None:
        self.changes += 1


class Client:
    """A client of a generator whose trigger comes 100 ns after its edge."""

    def __init__(self, model: str = "33622A", load: float = 50.0, **options) -> None:
        self.bench = Bench()
        options = {"latency": 100e-9, "jitter": 0.0, "attached": load} | options
        self.device = Keysight33600A(self.bench.now, self.bench, model=model, **options)
        self.sent: list[bytes] = []
        self.session = self.device.converse(self.sent.append)

    def ask(self, text: str | bytes) -> str:
        self.sent.clear()
        data = text.encode("latin-1") if isinstance(text, str) else text
        self.session.receive(data + b"\n")
        return b"".join(self.sent).decode("latin-1").removesuffix("\n")

    def do(self, *texts: str | bytes) -> None:
        for text in texts:
            assert self.ask(text) == "", text
            assert self.ask("SYST:ERR?") == OK, text

    def upload(self, name: str, values, channel: int = 1) -> None:
        """Values in units of full scale, as little-endian words."""
        data = np.rint(np.asarray(values) * 32767).astype("<i2").tobytes()
        length = str(len(data))
        head = f"FORM:BORD SWAP;:SOUR{channel}:DATA:ARB:DAC {name}, #{len(length)}{length}"
        self.do(head.encode() + data)

    def volts(self, times, channel: int = 1) -> np.ndarray:
        """Volts at bench times, the present being the last of them."""
        times = np.asarray(times, dtype=float)
        self.bench.time = max(self.bench.time, float(times.max()))
        self.device.advance()
        return self.device.outputs[channel - 1].at(times)


def ramp(points: int) -> np.ndarray:
    return np.linspace(-1.0, 1.0, points)


def errors(client: Client) -> list[str]:
    found = []
    while (entry := client.ask("SYST:ERR?")) != OK:
        found.append(entry)
    return found


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


def test_a_burst_starts_on_the_edge_on_both_channels() -> None:
    client = Client()
    for channel in (1, 2):
        client.upload("frame", ramp(40) * (1 if channel == 1 else -1), channel)
        client.do(
            f"SOUR{channel}:FUNC:ARB frame;:SOUR{channel}:FUNC ARB;:SOUR{channel}:VOLT 2",
            f"SOUR{channel}:FUNC:ARB:SRAT 1e7;:SOUR{channel}:BURS:STAT ON;NCYC 1",
            f"TRIG{channel}:SOUR EXT;:OUTP{channel} ON",
        )
    client.bench.edges = [(1.0, True), (1.0 + 2e-6, True), (2.0, True), (2.5, False)]
    client.bench.time = 3.0
    client.device.advance()
    assert client.volts([0.9, 1.0 + 99e-9]) == pytest.approx([-1.0, -1.0], abs=1e-3)  # at rest
    for start in (1.0 + 100e-9, 2.0 + 100e-9):
        times = start + (np.arange(40) + 0.5) * 100e-9
        assert client.volts(times) == pytest.approx(ramp(40), abs=2e-4)
        assert client.volts(times, 2) == pytest.approx(-ramp(40), abs=2e-4)
    assert client.volts([1.0 + 4.2e-6]) == pytest.approx([-1.0], abs=1e-3)  # lost: still playing
    wave = client.device.waveform(1, 2.0, 2.0, 2.0 + 1e-5)
    assert wave.start == pytest.approx(100e-9)
    assert (wave.dwell, wave.values.size) == (pytest.approx(1e-7), 40)
    assert wave.values == pytest.approx(ramp(40), abs=2e-4)
    assert (wave.before, wave.after) == (pytest.approx(-1, abs=1e-3),) * 2
    client.do("OUTP1 OFF")
    assert client.volts([3.0]) == [0.0]


def test_cycles_delay_slope_and_polarity() -> None:
    client = Client()
    client.upload("arb", ramp(32))
    client.do(
        "FUNC:ARB arb;:FUNC ARB;:VOLT 2;:FUNC:ARB:SRAT 32e6;:BURS:NCYC 3;STAT ON",
        "TRIG1:SOUR EXT;SLOP NEG;DEL 1e-3;:OUTP1:POL INV;:OUTP1 ON",
    )
    client.bench.edges = [(1.0, True), (2.0, False)]
    client.bench.time = 3.0
    client.device.advance()
    start = 2.0 + 1e-3 + 100e-9
    times = start + (np.arange(96) + 0.5) / 32e6
    assert client.volts(times) == pytest.approx(np.tile(-ramp(32), 3), abs=2e-4)
    assert client.volts([1.0 + 1e-3 + 2e-7, start + 3.1e-6]) == pytest.approx([1, 1], abs=1e-3)
    marks = client.device.sync(
        np.array([start - 1e-9, start + 1e-9, start + 2.9e-6, start + 3.1e-6])
    )
    assert marks.tolist() == [False, True, True, False]


def test_bursts_from_the_bus_and_from_within() -> None:
    client = Client()
    client.ask("*TRG")
    assert errors(client) == ['-211,"Trigger ignored"']
    client.do("FUNC SQU;:FREQ 1e3;:VOLT 2;:BURS:STAT ON;NCYC 2;:TRIG1:SOUR BUS;:OUTP1 ON")
    client.bench.time = 1.0
    client.do("*TRG")
    assert client.volts(
        1.0 + np.array([-1e-4, 1e-4, 7e-4, 1.1e-3, 1.9e-3, 2.1e-3])
    ) == pytest.approx([1, 1, -1, 1, -1, 1], abs=1e-3)
    client.bench.time = 2.0
    client.do("TRIG1")
    assert client.volts([2.0 + 7e-4]) == pytest.approx([-1.0], abs=1e-3)
    client.do("TRIG1:SOUR IMM;:BURS:INT:PER 5e-3")
    at = client.bench.time
    found = client.volts(at + np.array([7e-4, 3e-3, 5.7e-3, 10.7e-3]))
    assert found == pytest.approx([-1, 1, -1, -1], abs=1e-3)
    client.do("BURS:MODE GAT")
    client.bench.edges = [(10.0, True), (10.0023, False)]
    found = client.volts(10.0 + 1e-7 + np.array([-1e-3, 7e-4, 1.7e-3, 2.7e-3, 3.7e-3]))
    assert found == pytest.approx([1, -1, -1, -1, 1], abs=1e-3)  # the third cycle is played out


def sequenced(client: Client, text: str) -> None:
    data = text.encode()
    length = str(len(data))
    client.do(f"DATA:SEQ #{len(length)}{length}{text}")


def test_a_sequence_waits_for_its_trigger_in_the_anchor() -> None:
    client = Client()
    client.upload("rest", np.zeros(32))
    client.upload("frame", ramp(40))
    sequenced(client, '"go","rest",0,onceWaitTrig,lowAtStart,4,"frame",0,once,highAtStartGoLow,10')
    client.do("TRIG1:SOUR EXT", "FUNC:ARB go", "FUNC ARB", "FUNC:ARB:SRAT 1e7;:VOLT 2;:OUTP1 ON")
    client.bench.edges = [(1e-6, True), (1.0, True), (1.0 + 5e-6, True), (2.0, True)]
    client.bench.time = 3.0
    client.device.advance()
    # The first edge came while the anchor was played, the third while the frame was: both lost.
    assert client.volts([2e-6, 0.5, 1.0 + 50e-9, 1.5]) == pytest.approx([0.0] * 4)
    for start in (1.0 + 100e-9, 2.0 + 100e-9):
        times = start + (np.arange(40) + 0.5) * 100e-9
        assert client.volts(times) == pytest.approx(ramp(40), abs=2e-4)
        marks = client.device.sync(times)
        assert marks.tolist() == [True] * 10 + [False] * 30
        assert client.volts([start + 4.1e-6, start + 9e-6]) == pytest.approx([0.0, 0.0])


def test_triggers_do_nothing_to_what_is_continuous_and_the_bus_nothing_to_a_sequence() -> None:
    client = Client()
    client.upload("arb", ramp(32))
    client.do("TRIG1:SOUR EXT;:FUNC:ARB arb;:FUNC ARB;:FUNC:ARB:SRAT 32e6;:VOLT 2;:OUTP1 ON")
    client.bench.edges = [(1e-3, True)]
    times = 2e-3 + (np.arange(64) + 0.5) / 32e6
    assert client.volts(times) == pytest.approx(np.tile(ramp(32), 2), abs=2e-4)
    wave = client.device.waveform(1, 2e-3, 2e-3, 2e-3 + 1e-6)
    assert wave.values[0] == pytest.approx(-1.0, abs=1e-3)
    assert wave.start == pytest.approx(0.0, abs=1e-12)
    assert wave.values.size >= 32
    sequenced(client, "seq,arb,0,onceWaitTrig,maintain,4,arb,3,repeat,maintain,4")
    client.do("TRIG1:SOUR BUS;:FUNC:ARB seq")
    client.bench.time = 1.0
    client.do("*TRG")
    assert client.volts([1.0 + 1e-6, 1.5]) == pytest.approx([1.0, 1.0], abs=1e-3)  # held


def test_repetition_until_a_trigger_ends_at_a_boundary() -> None:
    client = Client()
    client.upload("up", ramp(32))
    client.upload("flat", np.full(32, 0.5))
    sequenced(client, '"s","up",0,repeatTilTrig,highAtStart,4,"flat",0,repeatInf,lowAtStart,4')
    client.do("TRIG1:SOUR EXT;:FUNC:ARB s;:FUNC ARB;:FUNC:ARB:SRAT 32e6;:VOLT 2;:OUTP1 ON")
    client.bench.edges = [(10.5e-6, True)]
    times = (np.arange(32 * 14) + 0.5) / 32e6
    found = client.volts(times).reshape(14, 32)
    # 10.5 us + 100 ns lies in the eleventh microsecond; it is played to its end.
    assert found[:11] == pytest.approx(np.tile(ramp(32), (11, 1)), abs=2e-4)
    assert found[11:] == pytest.approx(np.full((3, 32), 0.5), abs=2e-4)
    assert (
        client.device.sync(times).reshape(14, 32).all(axis=1).tolist() == [True] * 11 + [False] * 3
    )


def test_conflicts_of_sequences() -> None:
    client = Client()
    for channel in (1, 2):
        client.upload("arb", ramp(32), channel)
        client.do(f"SOUR{channel}:DATA:SEQ #235seq,arb,0,onceWaitTrig,lowAtStart,4")
        client.do(f"SOUR{channel}:FUNC:ARB seq;:SOUR{channel}:FUNC ARB;:OUTP{channel} ON")
    client.ask("BURS:MODE GAT;STAT ON")
    assert errors(client) == ['-221,"Settings conflict; not able to burst this function"']
    assert client.ask("BURS:STAT?") == "0"
    assert client.volts([1e-6]) != 0.0
    client.do("PHAS:SYNC")
    assert client.volts([2e-6], 1) == 0.0
    assert client.volts([2e-6], 2) == 0.0
    client.do("OUTP2 ON")
    assert client.volts([3e-6], 2) != 0.0
    client.ask("FUNC DC;:BURS:STAT ON")
    assert errors(client) == ['-221,"Settings conflict; not able to burst this function"']
    for text, code in [
        ("seq2,nosuch,0,once,maintain,4", 785), ("seq2,arb,0,once,maintain,3", -222),
        ("seq2,arb,0,once,maintain,32", -222), ("seq2,arb,0,twice,maintain,4", -224),
        ("seq2,arb,0,once,blink,4", -224), ("seq2,arb,0,once,maintain", -109), ("seq2", -109),
        ("seq2,arb,-1,once,maintain,4", -222),
    ]:  # fmt: skip
        client.ask(f"DATA:SEQ #2{len(text):02d}{text}")
        assert [int(said.split(",")[0]) for said in errors(client)] == [code], text


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


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,9}", fullmatch=True)
STEPS = st.lists(
    st.tuples(
        NAMES, st.integers(0, 1000),
        st.sampled_from(["once", "onceWaitTrig", "repeat", "repeatInf", "repeatTilTrig"]),
        st.sampled_from(["maintain", "lowAtStart", "highAtStart", "highAtStartGoLow"]),
        st.integers(4, 10_000),
    ),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(deadline=None, max_examples=50)
@given(NAMES, STEPS, st.sampled_from(['"', "'", ""]))
def test_sequences_are_read_as_they_are_written(name, steps, quote) -> None:
    fields = [f"{quote}{name}{quote}"]
    for arb, repeats, play, marker, point in steps:
        fields += [f"{quote}{arb}{quote}", str(repeats), play.upper(), marker, f" {point}"]
    found = parse(",".join(fields))
    assert found.name == name
    assert [(s.arb, s.repeats, s.play, s.marker, s.point) for s in found.steps] == steps


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_of_sequences(text) -> None:
    code = 0
    try:
        parse(text)
    except ScpiError as refusal:
        code = refusal.code
    assert code in (0, -104, -109, -121, -123, -131, -138, -151, -222, -224)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from([
    "OUTP1 ON", "FUNC ARB", "FUNC:ARB s", "BURS:STAT ON", "TRIG1:SOUR EXT", "TRIG1:SOUR IMM",
    "BURS:MODE GAT", "FUNC SIN", "DATA:VOL:CLE", "FUNC:ARB:SRAT 1e3", "BURS:NCYC INF", "PHAS:SYNC",
    "*RST", "FUNC DC", "VOLT 10", "VOLT:OFFS 5", "OUTP1:LOAD INF", "FUNC:ARB a", "TRIG1",
    "FUNC:ARB:ADV TRIG", "*TRG", "FREQ 1e6", "OUTP1:LOAD 1",
    "DATA:ARB a,0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1",
    "DATA:SEQ #229s,a,0,onceWaitTrig,maintain,4",
]), max_size=25))  # fmt: skip
def test_in_every_state_the_output_stays_within_ten_volts(commands) -> None:
    client = Client(load=math.inf)
    client.bench.edges = [(0.5 * n, n % 2 == 0) for n in range(1, 60)]
    for command in commands:
        client.bench.time += 0.7
        client.ask(command)
    end = client.bench.time
    times = np.linspace(0.0, end + 1.0, 200)
    volts = client.volts(times)
    assert np.abs(volts).max() <= 10.0 + 1e-3
    wave = client.device.waveform(1, end, end, end + 1e-3)
    assert np.isfinite(wave.values).all()
    assert wave.dwell > 0.0


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=80))
def test_any_bytes_leave_it_alive(data) -> None:
    client = Client()
    client.session.receive(data)
    client.session.clear()
    client.ask("*CLS")
    assert client.ask("*IDN?").startswith("Keysight Technologies,33622A,")
