"""Patterns, correlation with a parabolic peak, and the fit of a rise, on signals made here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.edges import Pattern, arrival, fit_rise, parabolic_peak, pseudo_random

POINT = 32e-9
CHIP = 131e-9


def numeric(pattern: Pattern, times: np.ndarray, tau: float) -> np.ndarray:
    """Means over points of the filtered pattern, by brute force on a grid of 0.1 ns."""
    step = 1e-10
    grid = np.arange(-3 * CHIP, (len(pattern.levels) + 2) * CHIP, step)
    chip = np.clip(np.floor(grid / pattern.chip).astype(int), 0, len(pattern.levels) - 1)
    signal = pattern.levels[chip]
    if tau:
        kept = np.exp(-step / tau)
        for i in range(1, len(signal)):
            signal[i] = kept * signal[i - 1] + (1.0 - kept) * signal[i]
    area = np.concatenate([[0.0], np.cumsum(signal) * step])
    edges = np.append(grid, grid[-1] + step)
    at = [np.interp(times + sign * 0.5 * POINT, edges, area) for sign in (1.0, -1.0)]
    return (at[0] - at[1]) / POINT


@pytest.mark.parametrize("order", [4, 5, 6, 7, 8, 9, 10])
def test_pseudo_random_patterns_have_a_flat_autocorrelation(order: int) -> None:
    chips = 2.0 * pseudo_random(order) - 1.0
    assert len(chips) == 2**order - 1
    products = [float(chips @ np.roll(chips, shift)) for shift in range(1, len(chips))]
    assert products == [-1.0] * len(products)


def test_an_order_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="order 3"):
        pseudo_random(3)


@given(
    top=st.floats(-1.4, 1.4),
    height=st.floats(0.1, 100.0),
    bend=st.floats(0.01, 10.0),
    step=st.floats(1e-9, 1.0),
)
def test_the_peak_of_a_parabola_is_found_exactly(
    top: float, height: float, bend: float, step: float
) -> None:
    lags = step * np.arange(-3, 4)
    values = height - bend * (np.arange(-3, 4) - top) ** 2
    assert parabolic_peak(lags, values) == pytest.approx(top * step, abs=1e-6 * step)


def test_a_maximum_at_an_end_is_that_end() -> None:
    assert parabolic_peak(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])) == 3.0


@pytest.mark.parametrize("tau", [0.0, 1e-9, 4e-9, 20e-9])
def test_a_pattern_is_seen_as_brute_force_has_it(tau: float) -> None:
    pattern = Pattern(pseudo_random(5).astype(float), CHIP)
    times = np.arange(-2 * CHIP, 28 * CHIP, POINT)
    np.testing.assert_allclose(
        pattern.seen(times, POINT, tau), numeric(pattern, times, tau), atol=4e-3
    )


@given(
    delay=st.floats(-600e-9, 600e-9),
    gain=st.sampled_from([-0.8, -0.2, 0.3, 1.0]),
    seed=st.integers(0, 1000),
)
def test_a_delay_is_found_to_a_small_part_of_a_point(delay: float, gain: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pattern = Pattern(pseudo_random(6).astype(float), CHIP)
    times = np.arange(-4 * CHIP, 55 * CHIP, POINT)[:, None] + rng.uniform(0.0, POINT, (1, 2))
    signal = 0.3 + gain * pattern.seen(times - delay, POINT)
    signal += 0.03 * np.abs(gain) * rng.standard_normal(signal.shape)
    found = arrival(pattern, times, signal, POINT, 700e-9)
    np.testing.assert_allclose(found.delay, delay, atol=1.5e-9)
    np.testing.assert_allclose(found.contrast, gain, rtol=0.05)
    assert (found.share > 0.9).all()


def test_a_port_that_sees_nothing_explains_nothing() -> None:
    rng = np.random.default_rng(0)
    pattern = Pattern(pseudo_random(6).astype(float), CHIP)
    times = np.arange(0, 60 * CHIP, POINT)[:, None]
    noise = arrival(pattern, times, rng.standard_normal(times.shape), POINT, 700e-9)
    still = arrival(pattern, times, np.ones(times.shape), POINT, 700e-9)
    assert noise.share[0] < 0.15
    assert still.share[0] == 0.0


@pytest.mark.parametrize("tau", [2e-9, 4e-9, 10e-9])
def test_a_rise_is_found_within_its_uncertainty(tau: float) -> None:
    pattern = Pattern(pseudo_random(7).astype(float), CHIP)
    errors = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        times = np.arange(-4 * CHIP, 120 * CHIP, POINT)[:, None] + rng.uniform(0, POINT, (1, 6))
        late = 50e-9 + rng.uniform(-4e-9, 4e-9, 6)
        signal = rng.uniform(0.3, 1.0, 6) * pattern.seen(times - late, POINT, tau)
        signal += 0.02 * rng.standard_normal(signal.shape)
        found = arrival(pattern, times, signal, POINT, 700e-9)
        rise = fit_rise(pattern, times, signal, POINT, found, range(6))
        np.testing.assert_allclose(found.delay, late + tau, atol=1.5e-9)
        assert rise.sigma < 0.5 * tau
        errors.append((rise.tau - tau) / rise.sigma)
    assert 0.2 < np.sqrt(np.mean(np.square(errors))) < 2.5
