"""Every kind of fault in a bench file: its path, and a message that names the mend."""

from __future__ import annotations

import pytest

from hil.bench.errors import BenchFileError
from hil.bench.file import from_document
from tests.hil.bench.fault_cases import CASES
from tests.hil.bench.spoiling import Doc, Spoil, drop, put


def faults(document: Doc) -> list[str]:
    """Give the lines that a document is refused with."""
    with pytest.raises(BenchFileError) as caught:
        from_document(document, source="test.toml")
    return caught.value.lines


@pytest.mark.parametrize(("spoil", "expected"), CASES.values(), ids=CASES.keys())
def test_fault(spoil: Spoil, expected: str, document: Doc) -> None:
    spoil(document)
    found = faults(document)
    assert any(line.startswith(expected) for line in found), found


# Faults that say all there is to say: nothing else in the file is blamed for them.
ALONE = [
    "unknown key",
    "missing in element",
    "nan",
    "negative",
    "polarity",
    "unknown driver",
    "link",
    "resource of no form",
    "no such chassis",
    "channel twice",
    "element not wired",
    "above full scale",
    "below idle",
    "no such box",
    "port not wired",
    "drive gain",
    "line twice",
    "too few lines",
    "broken points",
    "no settled point",
]


@pytest.mark.parametrize("case", ALONE)
def test_one_fault_is_one_line(case: str, document: Doc) -> None:
    CASES[case][0](document)
    assert len(faults(document)) == 1


def test_all_faults_are_told_at_once(document: Doc) -> None:
    cases = [
        *("unknown key", "missing in element", "negative", "link rate", "backend"),
        *("broken points", "resource twice", "no such chassis", "no such row", "channel"),
        *("above full scale", "no such box", "drive gain", "line twice"),
    ]
    for case in cases:
        CASES[case][0](document)
    found = faults(document)
    for case in cases:
        assert any(line.startswith(CASES[case][1]) for line in found), (case, found)
    assert len(found) == len(set(found))


def test_a_fault_does_not_hide_another_in_the_same_entry(document: Doc) -> None:
    put("wiring.elements.5.r_nom", -1.0)(document)
    put("wiring.elements.5.chassis", "heaters-9")(document)
    put("wiring.elements.5.extra", 1)(document)
    put("wiring.ports.1.v_pi", "3")(document)
    put("wiring.ports.1.box", "box-9")(document)
    put("wiring.lines.trigger", 8)(document)
    put("wiring.lines.bank_select", [3])(document)
    put("instrument.3.link", {})(document)
    put("instrument.3.resource", "ASRL/dev/tty1::INSTR")(document)
    put("timing.average", "yes")(document)
    put("timing.guard", 1.0)(document)
    assert {line.partition(":")[0] for line in faults(document)} == {
        "wiring.elements.5.r_nom",
        "wiring.elements.5.chassis",
        "wiring.elements.5.extra",
        "wiring.ports.1.v_pi",
        "wiring.ports.1.box",
        "wiring.lines.trigger",
        "wiring.lines.bank_select",
        "instrument.3.link.latency",
        "instrument.3.link.bytes_per_second",
        "instrument.3.resource",
        "timing.average",
        "timing.guard",
    }


def test_an_element_that_does_not_say_where_it_sits_is_not_missed_as_well(document: Doc) -> None:
    drop("wiring.elements.4.column")(document)
    assert faults(document) == ["wiring.elements.4.column: is missing; add it"]
    drop("wiring.elements.9")(document)
    assert len(faults(document)) == 2


def test_the_error_carries_lines_and_prints_them(document: Doc) -> None:
    put("core", "ring")(document)
    with pytest.raises(BenchFileError, match=r"^bench file test\.toml: core: must be"):
        from_document(document, source="test.toml")
    put("ports", 99)(document)
    with pytest.raises(BenchFileError) as caught:
        from_document(document, source="test.toml")
    text = str(caught.value).splitlines()
    assert text[0] == "bench file test.toml: 2 faults"
    assert [line.strip() for line in text[1:]] == caught.value.lines
    assert caught.value.source == "test.toml"


@pytest.mark.parametrize(
    "document",
    [{}, {"instrument": 3, "wiring": []}, {"wiring": {"elements": [1, []], "ports": ["x"]}}],
)
def test_what_is_no_bench_at_all_is_refused_line_by_line(document: Doc) -> None:
    assert any("is missing; add it" in line for line in faults(document))
