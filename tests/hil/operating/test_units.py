"""mW, V and rad of an element: the level, or the limit that refuses it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration.record import CalibrationRecord, Estimate
from calibration.record_reading import read_record
from drivers.errors import LimitError
from hil.bench.file import BenchFile, load
from hil.operating.request import ElementName, RequestError
from hil.operating.units import PhaseLaw, level_of
from sim_backends.bench import SimulatedBench

NAME = ElementName(1, 5)


@pytest.fixture
def file(write_bench: Callable[..., Path]) -> BenchFile:
    return load(write_bench(4))


@pytest.fixture
def record(file: BenchFile, tmp_path: Path) -> CalibrationRecord:
    SimulatedBench(file.document).write_as_built(tmp_path / "record.json", "best")
    return read_record(tmp_path / "record.json")


def altered(record: CalibrationRecord, **numbers: float) -> CalibrationRecord:
    """The record with other numbers for the element."""
    bank = record.banks[NAME.bank]
    estimates = dict(bank.estimates)
    for key, number in numbers.items():
        value = estimates[key].value.copy()
        value[NAME.element] = number
        estimates[key] = Estimate(value, estimates[key].sigma)
    banks = list(record.banks)
    banks[NAME.bank] = replace(bank, estimates=estimates)
    return replace(record, banks=tuple(banks))


def test_powers_and_voltages_are_nominal(file: BenchFile) -> None:
    assert level_of(5.0, "mW", NAME, file, None) == pytest.approx(5e-3)
    assert level_of(2.0, "V", NAME, file, None) == pytest.approx(4.0 / 800.0)
    assert level_of(6.5, "V", NAME, file, None) == pytest.approx(6.5**2 / 800.0)
    assert level_of(0.0, "V", NAME, file, None) == 0.0


@pytest.mark.parametrize(
    ("value", "unit", "limit"),
    [
        (52.9, "mW", "0 to 52.8125 mW"),
        (-1e-3, "mW", "0 to 52.8125 mW"),
        (6.501, "V", "0 to 6.5 V"),
        (-2.0, "V", "0 to 6.5 V"),  # its square would do
        (math.nan, "mW", "0 to 52.8125 mW"),
    ],
)
def test_out_of_range_is_refused_by_name(
    value: float, unit: str, limit: str, file: BenchFile
) -> None:
    with pytest.raises(LimitError) as caught:
        level_of(value, unit, NAME, file, None)
    text = str(caught.value)
    assert text.startswith("element 1:5 (column 1, row 0, phi; heaters-1 0:5): ")
    assert limit in text


def test_a_phase_needs_a_record(file: BenchFile) -> None:
    with pytest.raises(RequestError, match="--record FILE"):
        level_of(1.0, "rad", NAME, file, None)


def test_a_phase_is_the_inverse_of_the_records_law(
    file: BenchFile, record: CalibrationRecord
) -> None:
    bank = record.banks[NAME.bank]
    offset, slope, bend = (
        float(bank.array(key)[NAME.element]) for key in ("phase_offset", "slope", "curvature")
    )
    assert bend != 0.0
    for level in (0.0, 0.004, 0.03, 0.0528):
        phase = offset + slope * level * (1.0 + bend * level)
        assert level_of(phase, "rad", NAME, file, record) == pytest.approx(level, abs=1e-9)


def test_a_phase_out_of_reach_is_refused_and_never_wrapped(
    file: BenchFile, record: CalibrationRecord
) -> None:
    known = altered(record, phase_offset=2.0, slope=math.pi / 0.02, curvature=0.0)
    high = 2.0 + math.pi * 0.0528125 / 0.02
    with pytest.raises(LimitError) as caught:
        level_of(1.0, "rad", NAME, file, known)
    assert f"2 to {high:.6g} rad" in str(caught.value)
    assert f"{1.0 + 2 * math.pi:.6g} rad, +1 turns from it, can be had" in str(caught.value)
    with pytest.raises(LimitError, match=r"14.* rad is refused.*-1 turns from it"):
        level_of(14.5, "rad", NAME, file, known)
    short = altered(record, phase_offset=2.0, slope=10.0, curvature=0.0)
    with pytest.raises(LimitError) as caught:
        level_of(1.0, "rad", NAME, file, short)
    assert "turns" not in str(caught.value)


def test_a_law_that_bends_down_is_used_as_far_as_it_rises(
    file: BenchFile, record: CalibrationRecord
) -> None:
    bent = altered(record, phase_offset=0.0, slope=200.0, curvature=-20.0)
    law = PhaseLaw.of(bent, NAME)
    assert law.rises_to(0.0528) == pytest.approx(0.025)
    assert level_of(law.phase(0.02), "rad", NAME, file, bent) == pytest.approx(0.02, abs=1e-9)
    with pytest.raises(LimitError, match=r"0 to 2\.5 rad"):
        level_of(2.6, "rad", NAME, file, bent)


def test_a_law_that_does_not_rise_is_of_no_use(file: BenchFile, record: CalibrationRecord) -> None:
    with pytest.raises(RequestError, match=r"does not rise with power.*set it in mW"):
        level_of(1.0, "rad", NAME, file, altered(record, slope=-150.0))


def test_phases_from_end_to_end_rise(file: BenchFile, record: CalibrationRecord) -> None:
    law = PhaseLaw.of(record, NAME)
    phases = np.linspace(law.phase(0.0), law.phase(0.0528), 9)
    levels = [level_of(float(phase), "rad", NAME, file, record) for phase in phases]
    assert np.all(np.diff(levels) > 0.0)
