"""The simulated 33600A: what starts a burst and ends a sequence, and when."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sim_backends.keysight_33600a.client import Client, errors, ramp


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
