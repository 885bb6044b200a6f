"""What is odd in a bench file but harmless is noted."""

from __future__ import annotations

import pytest

from hil.bench.file import from_document
from tests.hil.bench.spoiling import Doc, Spoil, put

NOTES: dict[str, tuple[Spoil, str]] = {
    "power out of reach": (
        put("wiring.elements.5.p_max", 0.1),
        "wiring.elements.5: p_max 100 mW is out of reach: v_max over 800 ohm allows 52.81 mW",
    ),
    "current binds": (
        put("wiring.elements.5.i_max", 0.007),
        "wiring.elements.5: p_max 53 mW is out of reach: i_max over 800 ohm allows 39.2 mW",
    ),
    "less than a turn": (
        put("chip.p_pi", 0.03),
        "wiring.elements.0: at most 52.81 mW, less than 2 p_pi = 60 mW: not every phase can be "
        "reached (and 31 more alike)",
    ),
    "chip power": (
        put("chip.power_max", 0.3),
        "chip.power_max: 0.3 W is less than one p_pi on each of 16 heaters (0.32 W)",
    ),
    "guard rounded up": (
        put("timing.guard", 100e-9),
        "timing.guard: 100 ns is 3.125 points of 32 ns: 4 whole points are dropped",
    ),
    "spare line": (
        put("wiring.lines.bank_select", [3, 4, 6]),
        "wiring.lines.bank_select: 2 lines would do for 2 banks",
    ),
    "idle chassis": (
        lambda document: document["instrument"].append(
            {**document["instrument"][0], "name": "spare", "resource": "ASRL/dev/s::INSTR"}
        ),
        "instrument.5: 'spare' drives no element",
    ),
    "idle box": (
        lambda document: document["instrument"].append(
            {**document["instrument"][3], "name": "spare", "resource": "TCPIP::s::5000::SOCKET"}
        ),
        "instrument.5: 'spare' serves no port",
    ),
}


@pytest.mark.parametrize(("spoil", "expected"), NOTES.values(), ids=NOTES.keys())
def test_the_odd_but_harmless_is_noted(spoil: Spoil, expected: str, document: Doc) -> None:
    spoil(document)
    notes = from_document(document, source="test").notes
    assert any(note.startswith(expected) for note in notes), notes
