"""Where a source and a load meet, and what a meter reads of it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.keithley_2400.ranges import AMPERES, VOLTS
from sim_backends.source_measure.load import Heater, Load, Resistor, meet
from sim_backends.source_measure.ranges import least_range
from sim_backends.source_measure.unit import Drive, SourceMeasureUnit

LOADS = [Resistor(1000.0), Resistor(math.inf), Resistor(0.0), Heater(800.0, 3.0), Resistor(0.5)]


def drive(**changes) -> Drive:
    return Drive(**{"volts": True, "level": 2.0, "source_range": 1, "limit": 0.1, **changes})


@given(
    st.sampled_from(LOADS), st.sampled_from([0.0, 0.4]), st.booleans(), st.floats(-20, 20),
    st.floats(1e-6, 10.0),
)  # fmt: skip
def test_the_load_and_the_limit_are_never_exceeded(
    load: Load, leads: float, sources_volts: bool, level: float, limit: float
) -> None:
    point = meet(load, leads, sources_volts=sources_volts, level=level, limit=limit)
    limited, given_value = (
        (point.amperes, point.volts) if sources_volts else (point.volts, point.amperes)
    )
    assert abs(limited) <= limit * (1 + 1e-9)
    assert abs(given_value) <= abs(level) * (1 + 1e-9) + 1e-12
    if not point.limited:
        assert given_value == level
    over_load = point.volts - leads * point.amperes
    flows = load.current(over_load)
    if load is not LOADS[2]:  # a short has no slope: the drop over it is rounding
        assert flows == pytest.approx(point.amperes, rel=1e-6, abs=1e-12)


def test_a_heater_grows_with_its_power() -> None:
    heater = Heater(800.0, 2.0)
    volts = 6.0
    amperes = heater.current(volts)
    assert volts / amperes == pytest.approx(800.0 * (1 + 2.0 * volts * amperes))
    assert heater.current(-volts) == -amperes
    assert heater.current(1e-3) == pytest.approx(1e-3 / 800.0, rel=1e-6)


def test_leads_count_without_remote_sense() -> None:
    unit = SourceMeasureUnit(Resistor(10.0), VOLTS, AMPERES, seed=1, lead_ohms=1.0)
    two, four = unit.apply(drive(level=1.0)), unit.apply(drive(level=1.0, remote_sense=True))
    assert two.volts / two.amperes == pytest.approx(11.0)
    assert four.volts / four.amperes == pytest.approx(10.0)


def test_a_clamp_holds_the_volts_whatever_is_sourced() -> None:
    unit = SourceMeasureUnit(Resistor(1e6), VOLTS, AMPERES, seed=1)
    assert unit.apply(drive(level=30.0, source_range=3, clamp=20.0)).volts == 20.0
    current = drive(volts=False, level=1e-3, source_range=3, limit=100.0, clamp=20.0)
    read = unit.read(current, 1.0)
    assert read.clamped
    assert read.volts == pytest.approx(20.0, rel=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_readings_lie_within_the_makers_accuracy_and_differ_from_unit_to_unit(seed: int) -> None:
    unit = SourceMeasureUnit(Resistor(1000.0), VOLTS, AMPERES, seed=seed, lead_ohms=0.0)
    other = SourceMeasureUnit(Resistor(1000.0), VOLTS, AMPERES, seed=seed + 100, lead_ohms=0.0)
    for level in (0.15, 1.5, 15.0, -7.3):
        at = least_range(VOLTS, level)
        told = drive(level=level, source_range=at)
        point, read = unit.apply(told), unit.read(told, 1.0)
        sourced = VOLTS[at].source
        assert abs(point.volts - level) <= sourced.gain * abs(level) + sourced.offset
        meter = AMPERES[least_range(AMPERES, point.amperes)].measure
        bound = meter.gain * abs(point.amperes) + meter.offset + 10 * meter.step
        assert 0 < abs(read.amperes - point.amperes) <= bound
        assert read.amperes / meter.step == pytest.approx(round(read.amperes / meter.step))
        assert other.apply(told).volts != point.volts


def test_beyond_a_fixed_range_there_is_no_reading() -> None:
    unit = SourceMeasureUnit(Resistor(1000.0), VOLTS, AMPERES, seed=0)
    read = unit.read(drive(level=2.0), 1.0, None, least_range(AMPERES, 1e-4))
    assert read.overflow
    assert read.amperes == math.inf
