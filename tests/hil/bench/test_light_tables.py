"""Tables of taps and ways of the light: every wrong one is told with its path and its mend."""

from __future__ import annotations

from typing import Any

import pytest

from hil.bench.errors import BenchFileError
from hil.bench.file import from_document
from hil.bench.showing_light import light_tables
from sim_backends.bench_file import BenchDocumentError, read_bench
from tests.hil.bench.spoiling import Doc, Spoil, drop, put

LINK = {"latency": 0.0, "bytes_per_second": 1e6}
ADDED = [
    {"name": "laser", "driver": "keysight_816x", "resource": "TCPIP::l::5025::SOCKET"},
    {"name": "tap", "driver": "thorlabs_pm100", "resource": "TCPIP::t::hislip0::INSTR"},
    {"name": "router", "driver": "thorlabs_osw12", "resource": "ASRL/dev/r::INSTR"},
    {"name": "matrix", "driver": "polatis", "resource": "TCPIP::m::5025::SOCKET"},
]


@pytest.fixture
def lit(document: Doc) -> Doc:
    """A sound bench with a laser, two taps, a switch and a matrix (instruments 5 to 8)."""
    document["instrument"] += [{**one, "link": LINK} for one in ADDED]
    document["light"] = {"laser": "laser", "power_dbm": 10.0, "wavelength": 1.55e-6}
    document["tap"] = [{"meter": "tap", "input": 1, "share": 0.01}]
    document["route"] = [
        {"switch": "router", "position": 2},
        {"switch": "matrix", "connect": [[1, 17], [2, 18]]},
    ]
    return document


CASES: dict[str, tuple[Spoil, str]] = {
    "unknown key": (put("tap.0.mter", "x"), "tap.0.mter: no such key here; did you mean 'meter'?"),
    "no share": (drop("tap.0.share"), "tap.0.share: is missing; add it"),
    "share of all and more": (
        put("tap.0.share", 1.5), "tap.0.share: must be less than or equal to 1, not 1.5",
    ),
    "no share at all": (put("tap.0.share", 0.0), "tap.0.share: must be greater than 0, not 0.0"),
    "nan": (put("tap.0.share", float("nan")), "tap.0.share: must be a finite number, not nan"),
    "input 0": (put("tap.0.input", 0), "tap.0.input: must be greater than or equal to 1, not 0"),
    "input true": (put("tap.0.input", True), "tap.0.input: must be a whole number, not true"),
    "of": (put("tap.0.of", "sun"), "tap.0.of: must be 'laser' or 'port', not 'sun'"),
    "of a port, no port": (
        put("tap.0.of", "port"), "tap.0: `of = 'port'` and `port = NUMBER` go together",
    ),
    "a port, of the laser": (
        put("tap.0.port", 1), "tap.0: `of = 'port'` and `port = NUMBER` go together",
    ),
    "no such port": (
        lambda document: document["tap"][0].update(of="port", port=4),
        "tap.0.port: there is no port 4, 0 to 3",
    ),
    "no such meter": (put("tap.0.meter", "x"), "tap.0.meter: no instrument named 'x'; add it"),
    "a meter that is none": (
        put("tap.0.meter", "box-0"),
        "tap.0.meter: 'box-0' has driver 'red_pitaya', not 'keysight_n7744a' or 'thorlabs_pm100'",
    ),
    "no light": (drop("light"), "tap.0: add [light]: a tap needs the laser's power"),
    "input twice": (
        lambda document: document["tap"].append({"meter": "tap", "input": 1, "share": 0.5}),
        "tap.1.input: input 1 of 'tap' serves tap.0 already",
    ),
    "no such switch": (
        put("route.0.switch", "x"),
        "route.0.switch: no instrument named 'x'; add it, or write kind = 'manual'",
    ),
    "a switch that is none": (
        put("route.0.switch", "tap"),
        "route.0.switch: 'tap' has driver 'thorlabs_pm100', "
        "not 'agiltron_ff' or 'agiltron_selfalign'",
    ),
    "neither": (
        drop("route.0.position"), "route.0: say either `position`, or `connect = [[input, output]",
    ),
    "both": (put("route.0.connect", [[1, 2]]), "route.0: say either `position`, or `connect"),
    "position 0": (
        put("route.0.position", 0), "route.0.position: must be greater than or equal to 1, not 0",
    ),
    "position 1.0": (
        put("route.0.position", 1.0), "route.0.position: must be a whole number, not 1.0",
    ),
    "half a pair": (put("route.1.connect", [[1]]), "route.1.connect.0.1: is missing; add it"),
    "pairs of fractions": (
        put("route.1.connect", [[1, 17.0]]),
        "route.1.connect.0.1: must be a whole number, not 17.0",
    ),
    "input in two pairs": (
        put("route.1.connect", [[1, 17], [1, 18]]), "route.1: `connect` names a port twice: 1, 1",
    ),
    "a matrix with a position": (
        lambda document: document["route"].__setitem__(1, {"switch": "matrix", "position": 1}),
        "route.1: 'matrix' (driver 'polatis') is a matrix: write connect = [[input, output]]",
    ),
    "a switch with pairs": (
        lambda document: document["route"].__setitem__(
            0, {"switch": "router", "connect": [[1, 2]]}
        ),
        "route.0: 'router' (driver 'thorlabs_osw12') joins no pairs: write position = NUMBER",
    ),
    "a switch twice": (
        lambda document: document["route"].append({"switch": "router", "position": 1}),
        "route.2.switch: 'router' is named in route.0 already",
    ),
    "by hand, but an instrument": (
        put("route.0.kind", "manual"), "route.0.kind: 'router' is an instrument; leave out kind",
    ),
    "by hand, of a name that the laser has": (
        lambda document: (
            document.pop("tap"),
            document["instrument"].pop(5),
            document["light"].update(kind="manual"),
            document["route"].append({"switch": "laser", "kind": "manual", "position": 1}),
        ),
        "route.2.switch: 'laser' is named in light already",
    ),
}  # fmt: skip


def test_the_bench_that_they_spoil_is_sound(lit: Doc) -> None:
    file = from_document(lit, source="test")
    assert [note for note in file.notes if "not used" in note] == []
    assert file.routes[1].connect == ((1, 17), (2, 18))
    assert [route.told for route in file.routes] == ["position 2", "1 to 17, 2 to 18"]
    read = read_bench(lit)
    assert [tap.meter for tap in read.taps] == ["tap"]
    assert [route.switch for route in read.routes] == ["router", "matrix"]


@pytest.mark.parametrize(("spoil", "expected"), CASES.values(), ids=CASES.keys())
def test_fault(spoil: Spoil, expected: str, lit: Doc) -> None:
    spoil(lit)
    with pytest.raises(BenchFileError) as caught:
        from_document(lit, source="test")
    assert any(line.startswith(expected) for line in caught.value.lines), caught.value.lines


def test_an_input_that_reads_a_port_is_no_tap(lit: Doc) -> None:
    """Of a meter: boxes have no watts, so the bench is taken apart no further than the check."""
    for port in lit["wiring"]["ports"]:
        port |= {"source": port.pop("box"), "readout": "meter", "input": port["port"] + 1}
    lit["instrument"].append(
        {"name": "meter", "driver": "keysight_n7744a", "resource": "TCPIP::n::5025::SOCKET",
         "link": LINK}
    )  # fmt: skip
    lit["tap"].append({"meter": "meter", "input": 2, "share": 0.1})
    with pytest.raises(BenchFileError) as caught:
        from_document(lit, source="test")
    expected = "tap.1.input: input 2 of 'meter' serves wiring.ports.1 already"
    assert expected in caught.value.lines


def test_a_meter_that_is_a_tap_alone_serves(lit: Doc) -> None:
    lit["instrument"][6] |= {"driver": "keysight_n7744a", "resource": "TCPIP::n::5025::SOCKET"}
    assert not any("serves no port" in note for note in from_document(lit, source="test").notes)


def test_they_are_shown(lit: Doc) -> None:
    lit["stage"] = {"kind": "manual", "controller": "knob", "setpoint_celsius": 25.0}
    lit["tap"].append({"meter": "tap", "input": 2, "share": 0.1, "of": "port", "port": 3})
    (shown,) = light_tables(from_document(lit, source="test"))
    assert shown.rows == (
        ("laser laser", "10 dBm at 1550 nm"),
        ("switch router", "position 2"),
        ("switch matrix", "1 to 17, 2 to 18"),
        ("tap tap input 1", "0.01 of the laser's light: -10.0 dBm, 100 uW"),
        ("tap tap input 2", "0.1 of the light of port 3"),
        ("thermal stage knob", "25 C, by hand"),
    )


def test_a_bench_without_any_shows_no_such_table(document: Doc) -> None:
    assert light_tables(from_document(document, source="test")) == []


@pytest.mark.parametrize(
    ("table", "place"), [("tap", "tap"), ("route", "router"), ("route", "matrix")]
)
def test_what_could_serve_and_does_not_is_noted(table: str, place: str, lit: Doc) -> None:
    lit[table] = [one for one in lit[table] if place not in one.values()]
    notes = [note for note in from_document(lit, source="test").notes if "not used" in note]
    assert len(notes) == 1
    assert f"{place!r} is not used: name it in a [[{table}]]" in notes[0]


SIMULATED: dict[str, tuple[Spoil, str]] = {
    "meter": (put("tap.0.meter", "x"), "tap.0.meter: no instrument is named 'x'"),
    "port": (lambda d: d["tap"][0].update(of="port", port=9), "tap.0.port: of = 'port' needs"),
    "no light": (drop("light"), "tap.0: without [light] there is no light to tap"),
    "switch": (put("route.0.switch", "x"), "route.0.switch: no instrument is named 'x'"),
    "share": (put("tap.0.share", 0.0), "tap.0.share: "),
}


@pytest.mark.parametrize(("spoil", "expected"), SIMULATED.values(), ids=SIMULATED.keys())
def test_the_simulation_refuses_by_itself(spoil: Spoil, expected: str, lit: dict[str, Any]) -> None:
    spoil(lit)
    with pytest.raises(BenchDocumentError) as caught:
        read_bench(lit)
    assert expected in str(caught.value)
