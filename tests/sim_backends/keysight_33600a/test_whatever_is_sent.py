"""The simulated 33600A: no text breaks it, and its output stays within its limits."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_backends.engine.errors import ScpiError
from sim_backends.keysight_33600a.sequence import parse
from tests.sim_backends.keysight_33600a.client import Client

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
