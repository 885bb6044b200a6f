"""One phase shifter's fringe: its laws, its starts, what is refused, and honest uncertainties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.fringe import LEAST_PERIODS, fit_fringe
from calibration.projected import Law

TOP = 2.6
#: rad per P_pi searched, so that a test takes less time.
NEAR = (1.5, 9.0)


def fringe(
    offset: float = 1.0,
    slope: float = np.pi,
    bend: float = -0.03,
    *,
    points: int = 64,
    noise: float = 0.01,
    channels: int = 1,
    seed: int = 0,
    top: float = TOP,
) -> tuple[np.ndarray, np.ndarray]:
    """Powers (points,) in P_pi and signals (points, channels)."""
    rng = np.random.default_rng([seed, points])
    power = np.linspace(0.0, top, points)
    phase = offset + slope * power * (1.0 + bend * power)
    apart = np.arange(channels) * 0.7
    signal = 0.5 + 0.45 * np.cos(phase[:, None] + apart)
    return power, signal + noise * rng.standard_normal(signal.shape)


def phase_error(fit, offset: float, slope: float, bend: float) -> float:
    power = np.linspace(0.0, TOP, 201)
    left = fit.phase(power, 0) - (offset + slope * power * (1.0 + bend * power))
    left -= 2 * np.pi * np.round(left.mean() / (2 * np.pi))
    return float(np.sqrt((left**2).mean()))


@pytest.mark.parametrize("slope", [np.pi, 1.4 * np.pi, 2.5 * np.pi])
@pytest.mark.parametrize("offset", [-3.0, 0.0, 1.5])
def test_every_start_is_found(slope: float, offset: float) -> None:
    fit = fit_fringe(*fringe(offset, slope), 0.01)
    assert fit.enough, fit.faults
    assert phase_error(fit, offset, slope, -0.03) < 0.04
    assert fit.periods == pytest.approx(slope * TOP * (1 - 0.03 * TOP) / (2 * np.pi), rel=0.03)


def test_the_aim_is_reached_by_the_law_that_bends_and_not_by_the_one_that_does_not() -> None:
    errors = {law: [] for law in Law}
    for seed in range(8):
        power, signal = fringe(0.3 * seed, bend=-0.06, seed=seed)
        for law in Law:
            fit = fit_fringe(power, signal, 0.01, law=law, slopes=NEAR)
            errors[law].append(phase_error(fit, 0.3 * seed, np.pi, -0.06))
    assert np.mean(errors[Law.QUADRATIC]) < 0.012
    assert np.mean(errors[Law.LINEAR]) > 0.05


def test_uncertainties_are_those_of_the_scatter() -> None:
    pulls = []
    for seed in range(30):
        fit = fit_fringe(*fringe(1.0, seed=seed, channels=2), 0.01, slopes=NEAR)
        sigma = np.sqrt(np.diag(fit.covariance[0]))
        found = np.array([fit.offset[0], fit.slope, fit.curvature])
        pulls.append((found - [1.0, np.pi, -0.03]) / sigma)
    assert 0.7 < np.std(pulls) < 1.3
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.5


def test_more_points_are_asked_for_and_are_enough() -> None:
    poor = fit_fringe(*fringe(points=16, noise=0.05), 0.05, slopes=NEAR)
    assert not poor.enough
    assert poor.points_wanted > 16
    again = fit_fringe(*fringe(points=2 * poor.points_wanted, noise=0.05), 0.05, slopes=NEAR)
    assert again.enough
    assert again.phase_error < 0.012


def test_a_sweep_that_is_too_short_is_refused() -> None:
    fit = fit_fringe(*fringe(top=1.6), 0.01)
    assert not fit.enough
    assert f"{LEAST_PERIODS} are needed" in " ".join(fit.faults)


def test_noise_alone_is_no_fringe() -> None:
    rng = np.random.default_rng(0)
    power = np.linspace(0.0, TOP, 32)
    fit = fit_fringe(power, 0.5 + 0.01 * rng.standard_normal((32, 2)), 0.01)
    assert np.isnan(fit.slope)
    assert not fit.used.any()
    assert "no fringe" in " ".join(fit.faults)


def test_a_very_uncertain_phase_is_refused() -> None:
    fit = fit_fringe(*fringe(points=16, noise=0.12), 0.12)
    assert any("wanted" in fault or "no fringe" in fault for fault in fit.faults)


def test_damaged_channels_are_named_and_left_out() -> None:
    power, signal = fringe(channels=3)
    signal[::2, 1] = np.nan
    clipped = np.zeros(signal.shape, dtype=bool)
    clipped[:10, 2] = True
    fit = fit_fringe(power, signal, 0.01, clipped=clipped)
    assert fit.used.tolist() == [True, False, True]
    assert "channel 1: 32 not a number of 64 points; left out" in fit.faults
    assert "channel 2: 10 clipped of 64 points; fitted to the rest" in fit.faults
    assert phase_error(fit, 1.0, np.pi, -0.03) < 0.02


@pytest.mark.parametrize(
    ("power", "signal", "sigma", "told"),
    [
        (np.zeros(4), np.zeros((5, 1)), 0.1, "do not go together"),
        (np.zeros((4, 1)), np.zeros((4, 1)), 0.1, "do not go together"),
        (np.zeros(4), np.zeros((4, 1)), 0.0, "above zero"),
    ],
)
def test_bad_input_is_refused(power, signal, sigma, told) -> None:
    with pytest.raises(ValueError, match=told):
        fit_fringe(power, signal, sigma)


def test_too_few_powers_are_told() -> None:
    fit = fit_fringe(*fringe(points=5), 0.01)
    assert "5 different powers; 7 are needed" in fit.faults
    same = fit_fringe(np.ones(20), np.ones((20, 1)), 0.01)
    assert not same.enough
    assert same.faults


@settings(max_examples=10, deadline=None)
@given(
    st.floats(-3.1, 3.1), st.floats(np.pi, 1.5 * np.pi), st.floats(-0.1, 0.05),
    st.integers(0, 99),
)  # fmt: skip
def test_whatever_the_heater_its_law_is_found(offset, slope, bend, seed) -> None:
    fit = fit_fringe(*fringe(offset, slope, bend, seed=seed, channels=2), 0.01, slopes=NEAR)
    if fit.enough:
        assert phase_error(fit, offset, slope, bend) < 6 * 0.012
    else:
        assert fit.faults or fit.points_wanted > 64
