"""A heater's law from readings: exact without noise, within its uncertainties with it."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.heater_curve import fit_heater


def readings(
    r0: float, k: float, points: int = 12, top: float = 0.05
) -> tuple[np.ndarray, np.ndarray]:
    watts = np.linspace(top / points, top, points)
    ohms = r0 * (1.0 + k * watts)
    return np.sqrt(watts * ohms), np.sqrt(watts / ohms)


@pytest.mark.parametrize("r0", [50.0, 800.0, 3000.0])
@pytest.mark.parametrize("k", [-0.5, 0.0, 2.5, 6.0])
def test_it_is_exact_without_noise(r0: float, k: float) -> None:
    volts, amps = readings(r0, k)
    law = fit_heater(volts, amps)
    assert law.r0 == pytest.approx(r0, rel=1e-10)
    assert law.per_watt == pytest.approx(k, rel=1e-8, abs=1e-8)
    assert law.power(volts) == pytest.approx(volts * amps, rel=1e-8)
    assert law.resistance(volts * amps) == pytest.approx(volts / amps, rel=1e-9)
    assert not law.bounded


def test_uncertainties_are_those_of_the_scatter() -> None:
    """Over many draws of noise, errors over their uncertainties are about normal."""
    draw = np.random.default_rng(5)
    pulls = []
    for _ in range(400):
        volts, amps = readings(800.0, 2.5)
        law = fit_heater(
            volts + 2e-4 * draw.standard_normal(12), amps + 3e-7 * draw.standard_normal(12)
        )
        pulls.append([(law.r0 - 800.0) / law.r0_sigma, (law.per_watt - 2.5) / law.per_watt_sigma])
    rms = np.sqrt(np.square(pulls).mean(axis=0))
    assert (np.abs(rms - 1.0) < 0.2).all(), rms  # of 10 degrees of freedom: 1.12 is due


def test_uncertainties_hold_what_a_meter_may_be_off() -> None:
    """Errors of gain, by range, and offsets that were not taken off, as far as the maker allows."""
    draw = np.random.default_rng(6)
    volts, amps = readings(800.0, 2.5)
    gain, v_offset, i_offset = 2e-4, 1e-4, 2e-7
    pulls = []
    for _ in range(300):
        half = np.arange(12) < draw.integers(0, 12)
        gains = 1.0 + np.where(half, *draw.uniform(-gain, gain, 2))
        currents = 1.0 + np.where(half, *draw.uniform(-gain, gain, 2))
        errors = (gain * volts + v_offset, gain * amps + i_offset)
        law = fit_heater(
            volts * gains + draw.uniform(-v_offset, v_offset),
            amps * currents + draw.uniform(-i_offset, i_offset),
            errors=errors,
        )
        assert law.bounded
        pulls.append([(law.r0 - 800.0) / law.r0_sigma, (law.per_watt - 2.5) / law.per_watt_sigma])
    table = np.abs(pulls)
    assert (np.sqrt(np.square(table).mean(axis=0)) < 1.0).all()
    assert (table.max(axis=0) < 3.0).all()
    assert (table.max(axis=0) > 0.5).all()  # no uncertainty that holds everything


def test_an_offset_that_is_badly_known_is_in_the_uncertainty() -> None:
    volts, amps = readings(800.0, 2.5)
    plain = fit_heater(volts, amps + 1e-5)
    law = fit_heater(volts, amps + 1e-5, rest_sigma=(0.0, 1e-5))
    assert abs(plain.r0 - 800.0) > 5.0 * plain.r0_sigma
    assert abs(law.r0 - 800.0) < 1.5 * law.r0_sigma
    assert abs(law.per_watt - 2.5) < 1.5 * law.per_watt_sigma


def test_a_power_that_the_law_has_not_is_none() -> None:
    law = fit_heater(*readings(800.0, -2.0))
    assert np.isnan(law.power(100.0))


@pytest.mark.parametrize(
    ("volts", "amps", "told"),
    [
        ([1.0, 2.0], [1e-3, 2e-3], "needs 3"),
        ([1.0, 2.0, 0.0], [1e-3, 2e-3, 3e-3], "above 0 V"),
        ([1.0, 2.0, np.nan], [1e-3, 2e-3, 3e-3], "above 0 V"),
        ([1.0, 2.0, 3.0], [1e-3, 2e-3, np.inf], "above 0 V"),
        ([2.0, 2.0, 2.0], [1e-3, 1e-3, 1e-3], "all levels are alike"),
        ([1.0, 2.0, 3.0], [1e-3, 2e-3], "not of one length"),
    ],
)
def test_what_tells_nothing_is_refused(volts: list, amps: list, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        fit_heater(np.array(volts), np.array(amps))
