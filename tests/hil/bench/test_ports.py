"""What a bench file may say of its ports, whatever instruments play and read there."""

from __future__ import annotations

import asyncio
import importlib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.registry import ENTRY_POINTS
from drivers.transport.memory import MemoryNetwork
from hil.bench import catalogue
from hil.bench.assembly import assemble
from hil.bench.errors import BenchFileError
from hil.bench.file import BenchFile, from_document
from hil.bench.packaged import packaged_text
from tests.hil.bench.spoiling import Doc, Spoil, drop, put
from tests.hil.port_benches import mixed, scopes


def faults(text: str, *spoils: Spoil) -> list[str]:
    """The lines that a document is refused with."""
    document = tomllib.loads(text)
    for spoil in spoils:
        spoil(document)
    with pytest.raises(BenchFileError) as caught:
        from_document(document, source="test.toml")
    return caught.value.lines


def option(name: str, key: str, value: object) -> Spoil:
    """Set an option of the instrument of that name."""

    def spoil(document: Doc) -> None:
        one = next(one for one in document["instrument"] if one["name"] == name)
        one.setdefault("options", {})[key] = value

    return spoil


CASES: dict[str, tuple[Callable[[], str], tuple[Spoil, ...], str]] = {
    "a dwell that one source cannot hold": (
        mixed,
        (put("timing.dwell", 8.0e-9), put("timing.decimation", 1), put("timing.guard", 0.0)),
        "timing.dwell: 8 ns is shorter than the 16 ns for which 'generator-0' can hold a sample",
    ),
    "a dwell off a box's clock": (
        mixed,
        (put("timing.dwell", 2.5e-6), put("timing.point", 0.5e-6), drop("timing.decimation")),
        "timing.dwell: 2500 ns is no whole number of the 8 ns of 'box-0'",
    ),
    "a point that is no decimation": (
        mixed,
        (put("timing.point", 1.0e-6), drop("timing.decimation")),
        "timing.point: 'box-0' cannot read so: 1000 ns is 125 of its 8 ns, and it has no such; "
        "make it 128 of them, 1024 ns",
    ),
    "two points": (
        mixed,
        (put("timing.point", 2.048e-6),),
        "timing.decimation: 128 is 1024 ns a point, timing.point 2048 ns: all readouts have one",
    ),
    "no point": (
        mixed,
        (drop("timing.decimation"),),
        "timing.point: is missing; add it, or timing.decimation",
    ),
    "a point too short for a meter": (
        mixed,
        (put("timing.decimation", 64),),
        "timing.decimation: 'meter-0' cannot read so: 512 ns is shorter than its least point of "
        "1000 ns",
    ),
    "no means of a meter": (
        mixed,
        (put("timing.average", False),),
        "timing.average: 'meter-0' cannot read so: its points are means; write average = true",
    ),
    "a point that is no whole number of samples": (
        scopes,
        (option("scope-1", "sample_rate", 12.0e6),),
        "timing.point: 'scope-1' cannot read so: 400 ns is no whole number of its 83.3333333 ns",
    ),
    "a mean of one sample": (
        scopes,
        (option("scope-1", "sample_rate", 2.5e6),),
        "timing.point: 'scope-1' cannot read so: 400 ns is one sample, no mean; raise its option "
        "sample_rate, or write average = false",
    ),
    "decimation without a box": (
        scopes,
        (put("timing.decimation", 50),),
        "timing.decimation: these readouts go by timing.point; take it out",
    ),
    "sources that start apart": (
        mixed,
        (option("generator-0", "trigger_latency", 0.9e-6),),
        "wiring.ports: 'generator-0' starts 900 ns later than 'box-0' (option trigger_latency), "
        "more than half a point; make a point at least 1800 ns",
    ),
    "volts and watts at one port": (
        mixed,
        (put("wiring.ports.3.readout", "box-0"), put("wiring.ports.3.input", 1)),
        "wiring.ports.3.minus: 'meter-0' reads W and 'box-0' V: both halves of a pair must read W",
    ),
    "a pair of balanced receivers": (
        scopes,
        (lambda document: document["wiring"]["ports"][0].update(minus="scope-0", minus_input=2),),
        "wiring.ports.0.minus: 'scope-0' reads the volts of a balanced receiver, which is a pair",
    ),
    "a single power beside what has a sign": (
        mixed,
        (drop("wiring.ports.3.minus"), drop("wiring.ports.3.minus_input")),
        "wiring.ports.3.readout: a single power has no sign, which other ports' readings have",
    ),
    "an input that is not read": (
        scopes,
        (put("wiring.ports.0.input", 3),),
        "wiring.ports.0.input: must be 1 or 2, not 3; by its options 'scope-0' reads these",
    ),
    "an input that is not there": (
        mixed,
        (put("wiring.ports.1.input", 3),),
        "wiring.ports.1.input: must be 1 or 2, not 3",
    ),
    "an output that is not there": (
        mixed,
        (put("wiring.ports.2.output", 3),),
        "wiring.ports.2.output: must be 1 or 2, not 3",
    ),
    "a generator that reads": (
        scopes,
        (put("wiring.ports.0.readout", "generator-1"),),
        "wiring.ports.0.readout: 'generator-1' has driver 'keysight_33600a'; a readout needs a ",
    ),
    "an oscilloscope for a box": (
        mixed,
        (put("wiring.ports.0.box", "scope-1"),),
        "wiring.ports.0.box: 'scope-1' has driver 'keysight_infiniivision'; a port needs a "
        "'red_pitaya'",
    ),
    "an offset that eats the drive": (
        scopes,
        (option("generator-1", "offset", 0.2),),
        "wiring.ports.2.drive_gain: +-0.8 V of the output reaches +-1.2 V_pi",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_fault(case: str) -> None:
    make, spoils, expected = CASES[case]
    found = faults(make(), *spoils)
    assert any(line.startswith(expected) for line in found), found


@pytest.mark.parametrize("make", [scopes, mixed])
def test_sound_files_have_nothing_odd(make: Callable[[], str]) -> None:
    assert from_document(tomllib.loads(make()), source="test.toml").notes == ()


def test_a_box_reads_points_told_in_seconds() -> None:
    document = tomllib.loads(mixed())
    del document["timing"]["decimation"]
    document["timing"]["point"] = 1.024e-6
    file = from_document(document, source="test.toml")
    assert (file.points_per_sample, file.max_samples) == (8, 2048)


# -- a driver of another package ------------------------------------------------------------------

DRIVER = '''
"""ACME DAQ-4: four outputs of +-2 V, three inputs of +-5 V; points are means of 1 us or more."""

import numpy as np

from drivers.instrument import Instrument
from drivers.roles import PlayFacts, ReadFacts


class Daq4(Instrument):
    """What its links carry does not matter here: it writes down what it is asked."""

    roles = ("InputSource", "Readout")
    plays = PlayFacts(outputs=4, full_scale=2.0, samples=500, shortest=2e-6)
    reads = ReadFacts(
        inputs=(1, 2, 3), unit="V", full_scale=5.0, shortest=1e-6, points=4000, averages="means"
    )
    outputs, read_inputs, unit = 4, (1, 2, 3), "V"
    max_points, resolution = 500, 1e-4
    min_dwell, trigger_latency = 2e-6, 0.0
    full_scale = np.full(4, 2.0)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.asked = []

    async def load(self, volts, dwell):
        self.asked.append((volts.tolist(), dwell))

    async def arm(self, points=None):
        self.asked.append(("arm", points))

    async def fetch(self, first, count):
        return np.tile([0.1, 0.2, 0.3], (count, 1))

    def time_points(self, point, *, average):
        self.asked.append((point, average))

    def quantise(self, volts):
        return volts

    def check_volts(self, volts):
        pass

    def planned_load(self, samples):
        return 1e-3

    def planned_arm(self, points=None):
        return 1e-3

    def planned_fetch(self, points):
        return 1e-3

    async def off(self):
        self.asked.append("off")
'''


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A made-up distribution that brings the drivers `acme_daq` and `acme_mute`."""
    (tmp_path / "acme_daq.py").write_text(
        DRIVER + "\n\nclass Mute(Daq4):\n    reads = ReadFacts.nothing()\n"
    )
    metadata = tmp_path / "acme_daq-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-daq\nVersion: 1.0\n")
    points = "acme_daq = acme_daq:Daq4\nacme_mute = acme_daq:Mute"
    (metadata / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{points}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    monkeypatch.setattr(catalogue, "fills", catalogue.fills.__wrapped__)
    monkeypatch.setattr(catalogue, "_of_role", catalogue._of_role.__wrapped__)


def acme_bench(driver: str = "acme_daq") -> dict[str, Any]:
    """Its outputs and two of its inputs, beside an oscilloscope."""
    document = tomllib.loads(scopes())
    document["instrument"] = [
        one for one in document["instrument"] if not one["name"].startswith("generator")
    ]
    document["instrument"].append(
        {
            "name": "daq",
            "driver": driver,
            "resource": "TCPIP::daq::7000::SOCKET",
            "link": {"latency": 1e-3, "bytes_per_second": 1e6},
        }
    )
    document["timing"].update(dwell=16e-6, guard=4e-6, point=2e-6)
    for number, port in enumerate(document["wiring"]["ports"]):
        port.update(source="daq", output=number + 1, drive_gain=2.25)
        if number < 2:
            port.update(readout="daq", input=3 - 2 * number)
    return document


def assembled(document: dict[str, Any]) -> tuple[BenchFile, Any]:
    file = from_document(document, source="test.toml")
    return file, assemble(file, {one.name: MemoryNetwork() for one in file.instruments})


@pytest.mark.usefixtures("acme")
def test_a_driver_of_another_package_plays_and_reads() -> None:
    file, parts = assembled(acme_bench())
    assert (file.max_samples, file.notes) == (500, ("instrument.3: 'scope-0' serves no port",))
    daq = next(one for one in parts.instruments if one.name == "daq")
    assert daq.asked == [(2e-6, True)]
    np.testing.assert_array_equal(parts.source.full_scale, [2.0] * 4)
    volts = np.array([[0.1, 0.2, 0.3, 0.4]])
    asyncio.run(parts.source.load(volts, 16e-6))
    asyncio.run(parts.source.arm())
    assert daq.asked[1:] == [(volts.tolist(), 16e-6), ("arm", None)]
    np.testing.assert_array_equal(parts.readout.full_scale[:2], [2.0, 2.0])
    assert parts.readout.planned_arm(10) >= 1e-3
    assert daq in parts.signal_instruments


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (put("wiring.ports.0.input", 4), "wiring.ports.0.input: must be 1 to 3, not 4"),
        (put("wiring.ports.0.drive_gain", 2.0), "wiring.ports.0.drive_gain: +-2 V of the output"),
        (put("timing.average", False), "timing.average: 'daq' cannot read so: its points are "),
        (put("wiring.ports.0.box", "scope-0"), "wiring.ports.0: name either `box`, or both"),
    ],
)
def test_its_driver_says_what_a_wiring_may_ask(spoil: Spoil, expected: str) -> None:
    document = acme_bench()
    spoil(document)
    with pytest.raises(BenchFileError) as caught:
        from_document(document, source="test.toml")
    assert any(line.startswith(expected) for line in caught.value.lines), caught.value.lines


@pytest.mark.usefixtures("acme")
def test_a_driver_that_does_not_say_what_it_reads_serves_no_port() -> None:
    with pytest.raises(BenchFileError, match="'daq' has driver 'acme_mute'; a readout needs a"):
        from_document(acme_bench("acme_mute"), source="test.toml")


@pytest.mark.usefixtures("acme")
def test_it_may_be_written_as_a_box() -> None:
    document = acme_bench()
    port = document["wiring"]["ports"][0]
    del port["source"], port["readout"]
    port["box"] = "daq"
    _, parts = assembled(document)
    assert parts.source.ports == 4


def test_boxes_at_hv_with_a_deep_memory_read_that_far() -> None:
    document = tomllib.loads(packaged_text("relax-mzi-8"))
    for one in document["instrument"]:
        if one["driver"] == "red_pitaya":
            one["options"] = {"gain": "HV", "deep_points": 100_000}
    file, parts = assembled(document)
    assert {file.full_scale_of(port) for port in file.wiring.ports} == {20.0}
    np.testing.assert_array_equal(parts.readout.full_scale, [20.0] * 8)
    np.testing.assert_array_equal(parts.source.full_scale, [1.0] * 8)
    assert (parts.readout.max_points, parts.source.max_points) == (100_000, 16384)
