"""The microring part of the record: its keys, and every fault told by its path."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calibration.record import MICRORING, RecordError
from calibration.record_reading import parse_record
from tests.calibration.records import sound_record

PORTS = 3
QUANTITIES = ("resonance_offset", "shift", "curvature", "amplitude")


@pytest.fixture
def document() -> dict[str, Any]:
    """A sound record of two microring banks."""
    made = sound_record(PORTS, 2)
    made["bench"]["core"] = MICRORING
    made["banks"] = [
        {
            **{
                name: {"value": [k + n / 10 + e / 100 for e in range(PORTS**2)], "sigma": 0.01}
                for n, name in enumerate(QUANTITIES)
            },
            "spacing": 12.0 + k,
            "crosstalk": {"c1": 0.02, "d0": 1.5, "cg": 1e-4, "known": True},
        }
        for k in range(2)
    ]
    return made


def test_every_quantity_is_read(document: dict[str, Any]) -> None:
    record = parse_record(document, source="r.json")
    assert record.core == MICRORING
    assert [bank.spacing for bank in record.banks] == [12.0, 13.0]
    for k, bank in enumerate(record.banks):
        for name in QUANTITIES:
            np.testing.assert_array_equal(bank.array(name), document["banks"][k][name]["value"])
        assert (bank.crosstalk_c1, bank.crosstalk_d0, bank.crosstalk_cg) == (0.02, 1.5, 1e-4)


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_quantity_that_is_missing_is_named(name: str, document: dict[str, Any]) -> None:
    del document["banks"][1][name]
    with pytest.raises(RecordError, match=rf"r\.json: banks\.1\.{name}: missing or not a table$"):
        parse_record(document, source="r.json")


@pytest.mark.parametrize("spacing", [None, 0.0, -12.0, "12", float("nan")])
def test_a_spacing_must_be_a_number_above_zero(spacing: object, document: dict[str, Any]) -> None:
    document["banks"][0]["spacing"] = spacing
    with pytest.raises(RecordError, match=r"banks\.0\.spacing: "):
        parse_record(document, source="r.json")


def test_banks_of_the_other_core_are_refused(document: dict[str, Any]) -> None:
    document["bench"]["core"] = "mzi-mesh"
    with pytest.raises(RecordError, match=r"banks\.0\.phase_offset: missing"):
        parse_record(document, source="r.json")
    document["bench"]["core"] = "rings"
    with pytest.raises(RecordError, match=r"bench\.core: 'rings'; must be 'mzi-mesh' or 'micror"):
        parse_record(document, source="r.json")
