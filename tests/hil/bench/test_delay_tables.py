"""Tables of delay generators: every wrong one is told with its path and its mend."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest

from hil.bench.errors import BenchFileError
from hil.bench.file import from_document
from hil.bench.showing_delays import delay_tables
from sim_backends.bench_file import BenchDocumentError, read_bench
from tests.hil.bench.spoiling import Doc, Spoil, drop, put
from tests.hil.delayed_benches import SCOPES, WIDTH, delayed, players
from tests.hil.port_benches import mixed, scopes

TEXT = delayed(scopes(), SCOPES)
WHOLE = tomllib.loads(TEXT)
OUT = "delay.0.outputs.0"


@pytest.fixture
def bench() -> Doc:
    """Two generators play, two oscilloscopes read, both triggered 160 ns late by AB."""
    return copy.deepcopy(WHOLE)


def outputs(*more: dict[str, Any]) -> Spoil:
    """Add outputs like the first, but for these keys."""

    def spoil(document: Doc) -> None:
        first = document["delay"][0]["outputs"][0]
        document["delay"][0]["outputs"] += [
            {**first, "output": "CD", "feeds": [], "what": "a counter", **one} for one in more
        ]

    return spoil


def first(**keys: Any) -> Spoil:
    """Set keys of the first output."""
    return lambda document: document["delay"][0]["outputs"][0].update(keys)


CASES: dict[str, tuple[Spoil, str]] = {
    "unknown key": (put(f"{OUT}.dely", 1.0), f"{OUT}.dely: no such key here; did you mean 'delay'"),
    "no threshold": (drop("delay.0.threshold"), "delay.0.threshold: is missing; add it"),
    "no limit": (drop(f"{OUT}.v_max"), f"{OUT}.v_max: is missing; add it"),
    "nan": (put(f"{OUT}.amplitude", float("nan")), f"{OUT}.amplitude: must be a finite number"),
    "before the trigger": (
        put(f"{OUT}.delay", -1e-9), f"{OUT}.delay: must be greater than or equal to 0, not -1e-09",
    ),
    "no outputs": (put("delay.0.outputs", []), "delay.0.outputs: "),
    "feeds nothing": (put(f"{OUT}.feeds", []), f"{OUT}: say what hangs on it: `feeds = ["),
    "feeds one twice": (
        put(f"{OUT}.feeds", ["scope-0", "scope-0"]), f"{OUT}: `feeds` names an instrument twice",
    ),
    "no such generator": (
        put("delay.0.generator", "x"), "delay.0.generator: no instrument named 'x'; add it",
    ),
    "a generator that is none": (
        put("delay.0.generator", "scope-0"),
        "delay.0.generator: 'scope-0' has driver 'rigol_ds1000z', not 'srs_dg645'",
    ),
    "a generator twice": (
        lambda document: document["delay"].append(
            {**document["delay"][0], "outputs": [
                {**document["delay"][0]["outputs"][0], "output": "EF", "feeds": [], "what": "x"}
            ]}
        ),
        "delay.1.generator: 'delays' is named in delay.0 already; list its outputs there",
    ),
    "its own rate": (
        put("delay.0.trigger_source", "internal"),
        "delay.0.trigger_source: 'internal': its own rate would trigger between the frames that "
        "the pattern fires; write 'external rising'",
    ),
    "one edge alone": (
        put("delay.0.trigger_source", "single external rising"),
        "delay.0.trigger_source: 'single external rising': it would take the first frame's",
    ),
    "another source": (
        put("delay.0.trigger_source", "sun"), "delay.0.trigger_source: must be 'external rising',",
    ),
    "a threshold that the line does not pass": (
        put("delay.0.threshold", 3.0),
        "delay.0.threshold: the trigger line goes from 0 to 3.3 V: 3 V is not passed for certain; "
        "make it 0.4 to 2.4 V",
    ),
    "a threshold below 0 V": (put("delay.0.threshold", -1.0), "delay.0.threshold: the trigger"),
    "no such output": (
        put(f"{OUT}.output", "BA"), f"{OUT}.output: there is no 'BA'; there are T0, AB, CD, EF, GH",
    ),
    "an output twice": (
        outputs({"output": "AB"}), "delay.0.outputs.1.output: 'AB' is at delay.0.outputs.0 already",
    ),
    "T0 with a delay": (
        outputs({"output": "T0"}),
        "delay.0.outputs.1.delay: T0 is active as long as a cycle lasts, from its beginning; take "
        "it out",
    ),
    "T0 with a width": (outputs({"output": "T0"}), "delay.0.outputs.1.width: T0 is active"),
    "no width": (drop(f"{OUT}.width"), f"{OUT}.width: is missing; add it"),
    "a width below its step": (
        put(f"{OUT}.width", 1e-12), f"{OUT}.width: 1e-12 s is less than its step of 5 ps",
    ),
    "no such instrument": (
        put(f"{OUT}.feeds", ["scope-7"]),
        f"{OUT}.feeds: no instrument named 'scope-7'; what is no instrument of the file stands "
        "under `what`",
    ),
    "what no frame triggers": (
        put(f"{OUT}.feeds", ["heaters-0"]), f"{OUT}.feeds: 'heaters-0' is triggered by no frame",
    ),
    "itself": (put(f"{OUT}.feeds", ["delays"]), f"{OUT}.feeds: 'delays' is triggered by no frame"),
    "on two outputs": (
        outputs({"feeds": ["scope-1"]}),
        "delay.0.outputs.1.feeds: 'scope-1' hangs on delay.0.outputs.0 already",
    ),
    "the wrong edge": (
        put(f"{OUT}.polarity", "negative"),
        f"{OUT}.polarity: 'scope-0' takes rising edges, which come at the end of a negative pulse; "
        "write 'positive'",
    ),
    "the wrong edge, of a falling slope": (
        put("instrument.5.options.trigger_slope", "NEG"),
        f"{OUT}.polarity: 'scope-0' takes falling edges, which come at the end of a positive",
    ),
    "a level that is not reached": (
        put(f"{OUT}.amplitude", 0.8),
        f"{OUT}.amplitude: 'scope-0' is triggered by edges through 1 V, and AB goes from 0 to "
        "0.8 V into 50 ohm",
    ),
    "a level that it begins above": (
        first(offset=1.5), f"{OUT}.amplitude: 'scope-0' is triggered by edges through 1 V, and AB "
        "goes from 1.5 to 4 V",
    ),
    "a level that is no logic level": (
        first(feeds=["generator-0", "generator-1"], amplitude=1.5),
        f"{OUT}.amplitude: 'generator-0' is triggered by edges through 0.8 and 2 V, and AB goes",
    ),
    "more than it can": (
        put(f"{OUT}.amplitude", 5.5), f"{OUT}.amplitude: amplitude: 5.5 V is not from 0.5 to 5 V",
    ),
    "less than it can": (
        put(f"{OUT}.amplitude", 0.4), f"{OUT}.amplitude: amplitude: 0.4 V is not from 0.5 to 5 V",
    ),
    "an offset that it cannot": (
        put(f"{OUT}.offset", -2.5), f"{OUT}.offset: offset: -2.5 V is not from -2 to 2 V",
    ),
    "together more than it can": (
        first(amplitude=4.0, offset=1.5, v_max=9.0),
        f"{OUT}.amplitude: offset and amplitude: 5.5 V is not from -2 to 5 V into 50 ohm",
    ),
    "more than what it feeds bears": (
        put(f"{OUT}.v_max", 2.0),
        f"{OUT}.amplitude: AB would give 2.5 V into 50 ohm, and what it feeds bears v_max = 2 V; "
        "make it at most 2 V",
    ),
    "twice as much into an open input": (
        first(load=1e6, v_max=4.9),
        f"{OUT}.amplitude: AB would give 5 V into 1e+06 ohm, and what it feeds bears v_max = 4.9",
    ),
    "less than what it feeds bears": (
        put(f"{OUT}.offset", -0.5),
        f"{OUT}.offset: AB would give -0.5 V into 50 ohm, and what it feeds bears v_min = 0 V; "
        "make it at least 0 V",
    ),
    "limits that 0 V is not within": (
        put(f"{OUT}.v_min", 0.5), f"{OUT}.v_min: must be less than or equal to 0, not 0.5",
    ),
    "too late for a readout": (
        put(f"{OUT}.delay", 3e-6),
        f"{OUT}.delay: 'scope-0' would be triggered 3.085 us after the line's edge, 2.925 us later "
        "than the first sample of 'generator-0', and a frame has 1.2 us (3 points) of free time "
        "there; make it at most 1.275 us, or have a [[delay]] trigger what plays, too, at least "
        "1.725 us later",
    ),
    "busy when the next frame comes": (
        put(f"{OUT}.width", 1e-3),
        f"{OUT}.delay: 1.000075 ms with its width: 'delays' is ready again 1.00026 ms after a "
        "trigger, and the next one may come after 40.16 us, a frame of one sample; make the two at "
        "most 39.975 us, or timing.dwell longer",
    ),
    "busy by what else hangs on it": (
        outputs({"delay": 1.0}), "delay.0.outputs.1.delay: 1.000001 s with its width: 'delays'",
    ),
    "longer than it can": (
        put(f"{OUT}.delay", 2000.0),
        f"{OUT}.delay: 2000 s and a width of 1e-06 s are more than its",
    ),
    "sources apart": (
        first(feeds=["generator-1"], delay=1e-6),
        "wiring.ports: 'generator-1' starts 1085 ns later than",
    ),
}  # fmt: skip


def test_the_bench_that_they_spoil_is_sound(bench: Doc) -> None:
    file = from_document(bench, source="test")
    assert [note for note in file.notes if "not used" in note] == []
    assert file.trigger_arrivals == pytest.approx({"scope-0": 160e-9, "scope-1": 160e-9})
    assert set(file.early_points.values()) == {0}
    assert [one.generator for one in read_bench(bench).delays] == ["delays"]


@pytest.mark.parametrize(("spoil", "expected"), CASES.values(), ids=CASES.keys())
def test_fault(spoil: Spoil, expected: str, bench: Doc) -> None:
    spoil(bench)
    with pytest.raises(BenchFileError) as caught:
        from_document(bench, source="test")
    assert any(line.startswith(expected) for line in caught.value.lines), caught.value.lines


def test_what_is_delayed_for_ever_fills_a_readouts_memory() -> None:
    feeds = 'feeds = ["box-0", "generator-0", "scope-1"]'
    out = f'output = "AB", {feeds}, delay = 2.0, width = 1e-6, amplitude = 3.0, v_max = 3.0'
    with pytest.raises(BenchFileError) as caught:
        from_document(tomllib.loads(delayed(mixed(), out)), source="test")
    (line,) = [line for line in caught.value.lines if line.startswith("delay: ")]
    assert line.startswith("delay: 'meter-0' records 1000000 points, 1953125 of them")
    assert "trigger it by a [[delay]], too, later by" in line


def test_points_before_the_first_sample_cost_samples() -> None:
    usual, later = (
        from_document(tomllib.loads(text), source="test")
        for text in (scopes(), delayed(scopes(), players(20e-6)))
    )
    assert set(later.early_points.values()) == {50}
    assert usual.max_samples - later.max_samples == 5


def test_sources_that_start_apart_are_brought_together() -> None:
    """The box of the mixed bench starts at once, its generator 160 ns later: with short points
    both must be triggered apart.
    """
    text = mixed().replace("decimation = 128", "decimation = 32").replace("8.192e-6", "4.096e-6")
    text = text.replace("guard = 2.048e-6", "guard = 1.024e-6").replace("15.625e6", "31.25e6")
    meter = text.index('source = "box-0", output = 2')
    text = (
        text[:meter]
        + 'box = "box-0", output = 2, input = 9'
        + text[text.index(", polarity", meter) :]
    )
    text = text.replace('readout = "box-0", input = 2', 'readout = "scope-1", input = 2')
    text = text.replace("input = 9", "input = 2").replace("inputs = [1]", "inputs = [1, 2]")
    with pytest.raises(BenchFileError) as caught:
        from_document(tomllib.loads(text), source="test")
    assert any("have a [[delay]] trigger them" in line for line in caught.value.lines)
    out = f'output = "AB", feeds = ["box-0"], delay = 75e-9, {WIDTH}'
    file = from_document(tomllib.loads(delayed(text, out)), source="test")
    assert file.first_sample == pytest.approx(160e-9)


def test_they_are_shown(bench: Doc) -> None:
    outputs({"output": "T0", "offset": -0.5, "v_min": -1.0, "polarity": "negative"})(bench)
    for key in ("delay", "width"):
        del bench["delay"][0]["outputs"][1][key]
    (shown,) = delay_tables(from_document(bench, source="test"))
    assert shown.title == (
        "Delayed triggers: delays, by rising edges of the trigger line through 1.5 V; ready again "
        "after 1.26 us, the shortest frame is 40.16 us"
    )
    assert shown.rows == (
        ("AB", "scope-0, scope-1", "160 ns", "1 us", "0 to 2.5 V, positive", "0 to 5 V"),
        ("T0", "a counter", "85 ns", "the cycle", "-0.5 to 2 V, negative", "-1 to 5 V"),
    )
    bench["delay"] = []
    assert delay_tables(from_document(bench, source="test")) == []


def test_one_that_nothing_names_is_noted(bench: Doc) -> None:
    bench["delay"] = []
    notes = from_document(bench, source="test").notes
    assert "instrument.7: 'delays' is not used: name it in a [[delay]]" in notes


SIMULATED: dict[str, tuple[Spoil, str]] = {
    "generator": (put("delay.0.generator", "x"), "delay.0.generator: no instrument is named 'x'"),
    "fed": (put(f"{OUT}.feeds", ["x"]), f"{OUT}.feeds: no instrument is named 'x'"),
    "twice": (outputs({"feeds": ["scope-0"]}), "delay.0.outputs.1.feeds: 'scope-0' cannot hang"),
    "load": (put(f"{OUT}.load", 0.0), f"{OUT}.load: "),
}


@pytest.mark.parametrize(("spoil", "expected"), SIMULATED.values(), ids=SIMULATED.keys())
def test_the_simulation_refuses_by_itself(spoil: Spoil, expected: str, bench: Doc) -> None:
    spoil(bench)
    with pytest.raises(BenchDocumentError) as caught:
        read_bench(bench)
    assert expected in str(caught.value)
