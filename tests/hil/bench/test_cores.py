"""The two kinds of banks: what a bench file says of each, and what it must not."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from hil.bench.__main__ import main
from hil.bench.cores import MICRORING, index_of, places, why_no_place
from hil.bench.file import load
from hil.bench.layout import Place
from hil.bench.writing import Start, starting_text
from tests.hil.bench.test_faults import Spoil, drop, faults, put

Doc = dict[str, Any]


@pytest.fixture
def rings() -> Doc:
    """A sound bench of microring banks, 4 ports and 2 banks."""
    return tomllib.loads(starting_text(Start(4, 2, "rings", core=MICRORING)))


@pytest.mark.parametrize("ports", [2, 5, 16])
def test_rings_are_counted_by_output_then_by_wavelength(ports: int) -> None:
    listed = places(MICRORING, ports)
    assert len(listed) == ports**2
    assert listed[1] == Place(1, 0, "ring")
    assert listed[ports] == Place(0, 1, "ring")
    index = index_of(MICRORING, ports)
    assert [index[place] for place in listed] == list(range(ports**2))


@pytest.mark.parametrize(
    ("place", "key", "said"),
    [
        (Place(0, 0, "theta"), "kind", "are of kind \"ring\", not 'theta'"),
        (Place(4, 0, "ring"), "column", "the wavelengths of 4 ports are 0 to 3"),
        (Place(0, 4, "ring"), "row", "the outputs of 4 ports are 0 to 3"),
    ],
)
def test_a_place_that_a_bank_has_not_is_told_by_its_key(place: Place, key: str, said: str) -> None:
    found, told = why_no_place(MICRORING, 4, place)
    assert found == key
    assert said in told


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (
            put("detection", "homodyne"),
            "detection: a 'microring' is read by 'balanced', not 'homodyne'",
        ),
        (
            put("wiring.lines.lo_gate", 7),
            "wiring.lines.lo_gate: a 'microring' has no local oscillator; take it out",
        ),
        (put("wiring.elements.0.kind", "phi"), "wiring.elements.0.kind: the elements of a micro"),
        (put("wiring.elements.0.column", 4), "wiring.elements.0.column: there is no column 4"),
        (drop("wiring.elements.6"), "wiring.elements: 1 of the 16 elements of bank 0 not wired: "),
    ],
)
def test_faults_of_a_microring_bench(spoil: Spoil, expected: str, rings: Doc) -> None:
    spoil(rings)
    found = faults(rings)
    assert any(line.startswith(expected) for line in found), found


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (
            put("detection", "balanced"),
            "detection: a 'mzi-mesh' is read by 'homodyne', not 'balanced'",
        ),
        (drop("wiring.lines.lo_gate"), "wiring.lines.lo_gate: is missing; add it"),
        (put("wiring.elements.0.kind", "ring"), "wiring.elements.0.kind: a mesh has elements"),
    ],
)
def test_faults_of_a_mesh_that_is_taken_for_the_other(
    spoil: Spoil, expected: str, document: Doc
) -> None:
    spoil(document)
    found = faults(document)
    assert any(line.startswith(expected) for line in found), found


def test_new_writes_and_show_reads_a_microring_bench(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rings.toml"
    words = ["--core", "microring", "--ports", "4", "--banks", "2", "--out", str(path)]
    assert main(["new", *words]) == 0
    file = load(path)
    assert (file.core, file.detection) == ("microring", "balanced")
    assert file.wiring.lines.lo_gate is None
    assert {element.kind for element in file.wiring.elements} == {"ring"}
    assert main(["show", str(path)]) == 0
    assert "balanced" in capsys.readouterr().out


def test_an_unknown_core_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.toml"
    with pytest.raises(SystemExit) as left:
        main(["new", "--core", "ring", "--ports", "4", "--out", str(path)])
    assert left.value.code == 2
    assert "microring" in capsys.readouterr().err
    assert not path.exists()
