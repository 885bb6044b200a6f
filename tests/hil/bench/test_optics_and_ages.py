"""Faults in `[optics]` and `[calibration]`: told with their paths, all at once, and the mend."""

from __future__ import annotations

from typing import Any

import pytest

from hil.bench.errors import BenchFileError
from hil.bench.file import from_document

# (table, key, value, the line that tells it)
CASES: list[tuple[str, str, Any, str]] = [
    ("optics", "laser_power_dbm", "13", "optics.laser_power_dbm: must be a number, not '13'"),
    (
        "optics",
        "laser_power_dbm",
        100.0,
        "optics.laser_power_dbm: must be less than or equal to 50, not 100.0",
    ),
    ("optics", "laser_power", 0.02, "optics.laser_power: no such key here; did you mean"),
    # metres, not nanometres or micrometres
    (
        "optics",
        "wavelength",
        1550,
        "optics.wavelength: must be less than or equal to 0.00002, not 1550",
    ),
    (
        "optics",
        "wavelength",
        1.55,
        "optics.wavelength: must be less than or equal to 0.00002, not 1.55",
    ),
    ("optics", "signal_share", 1.0, "optics.signal_share: must be less than 1, not 1.0"),
    ("optics", "signal_share", 0.0, "optics.signal_share: must be greater than 0, not 0.0"),
    (
        "optics",
        "facet_loss_db",
        -2.0,
        "optics.facet_loss_db: must be greater than or equal to 0, not -2.0",
    ),
    (
        "optics",
        "cell_loss_db",
        float("nan"),
        "optics.cell_loss_db: must be a finite number, not nan",
    ),
    ("optics", "cells_per_path", 7.5, "optics.cells_per_path: must be a whole number, not 7.5"),
    ("optics", "responsivity", 0, "optics.responsivity: must be greater than 0, not 0"),
    ("optics", "full_scale_current", 0.0, "optics.full_scale_current: must be greater than 0, not"),
    ("optics", "bandwidth", -1.0, "optics.bandwidth: must be greater than 0, not -1.0"),
    (
        "optics",
        "noise_current_density",
        True,
        "optics.noise_current_density: must be a number, not true",
    ),
    ("optics", "rin_db_per_hz", 150.0, "optics.rin_db_per_hz: must be less than 0, not 150.0"),
    ("calibration", "max_age_hours", 0, "calibration.max_age_hours: must be greater than 0, not 0"),
    ("calibration", "max_age", 3, "calibration.max_age: no such key here; did you mean 'max_age_h"),
    ("calibration", "ages", 24.0, "calibration.ages: must be a table, not 24.0"),
    (
        "calibration",
        "ages",
        {"phase": 1.0},
        "calibration.ages.phase: no such key here; did you mean 'phases'?",
    ),
    (
        "calibration",
        "ages",
        {"xyz": 1.0},
        "calibration.ages.xyz: no such key here; known: dark, detector, modulator, switch, phases, "
        "global, crosstalk, offsets, resonances, weights, lock, verify",
    ),
    (
        "calibration",
        "ages",
        {"global": -1.0},
        "calibration.ages.global: must be greater than 0, not -1.0",
    ),
    (
        "calibration",
        "ages",
        {"dark": "1 h"},
        "calibration.ages.dark: must be a number, not '1 h'",
    ),
]


def faults(document: dict[str, Any]) -> list[str]:
    """Give the lines that a document is refused with."""
    with pytest.raises(BenchFileError) as caught:
        from_document(document, source="test.toml")
    return caught.value.lines


@pytest.mark.parametrize(
    ("table", "key", "value", "expected"),
    CASES,
    ids=[f"{table}.{key}={value}" for table, key, value, _ in CASES],
)
def test_fault(table: str, key: str, value: Any, expected: str, document: dict[str, Any]) -> None:
    document[table][key] = value
    (line,) = faults(document)
    assert line.startswith(expected)


@pytest.mark.parametrize("table", ["optics", "calibration"])
def test_a_table_must_be_one(table: str, document: dict[str, Any]) -> None:
    document[table] = 3
    assert faults(document) == [f"{table}: must be a table, not 3"]


def test_all_faults_are_told_at_once_and_beside_those_of_other_tables(
    document: dict[str, Any],
) -> None:
    document["optics"] |= {"wavelength": 1550, "rin_db_per_hz": 150.0, "laser": 1}
    document["calibration"] = {"max_age_hours": -1.0, "ages": {"darks": 1.0, "switch": 0.0}}
    document["wiring"]["lines"]["lo_quadrature"] = 1
    document["timing"]["guard"] = 1.0
    assert {line.partition(":")[0] for line in faults(document)} == {
        "optics.wavelength",
        "optics.rin_db_per_hz",
        "optics.laser",
        "calibration.max_age_hours",
        "calibration.ages.darks",
        "calibration.ages.switch",
        "wiring.lines.lo_quadrature",
        "timing.guard",
    }
