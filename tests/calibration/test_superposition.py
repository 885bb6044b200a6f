"""Bends of detectors and the echo of samples, from light that adds up, on signals made here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.lighting import indicators
from calibration.saturation import common_saturation
from calibration.superposition import (
    Bend,
    bent,
    echo_share,
    fit_bend,
    residual_nonlinearity,
    straightened,
)


def states(rng: np.random.Generator, samples: int, ports: int) -> np.ndarray:
    return rng.choice([-1.0, 0.0, 1.0], (samples, ports))


@given(curvature=st.floats(-0.05, 20.0), light=st.floats(-3.0, 3.0))
def test_straightening_undoes_bending(curvature: float, light: float) -> None:
    if curvature * light**2 > 4.0 or curvature * light**2 < -1.0:
        return  # at its end a detector tells nothing more
    signal = bent(np.array([light]), curvature)[0]
    assert straightened(signal, curvature)[0] == pytest.approx(light, abs=2e-4)


@given(curvature=st.floats(-0.05, 5.0), light=st.floats(-2.0, 2.0))
def test_the_slopes_of_the_law_are_its_derivatives(curvature: float, light: float) -> None:
    step = 1e-4
    z = np.array([light])
    _, slope, by_curvature = bent(z, curvature)
    along = (bent(z + step, curvature)[0] - bent(z - step, curvature)[0]) / (2 * step)
    across = (bent(z, curvature + step)[0] - bent(z, curvature - step)[0]) / (2 * step)
    assert slope[0] == pytest.approx(along[0], abs=1e-4)
    assert by_curvature[0] == pytest.approx(across[0], abs=3e-3 * (1 + abs(light) ** 5))


@pytest.mark.parametrize("limit", [0.3, 1.0, 3.0, np.inf])
def test_a_bend_is_found_within_its_uncertainty(limit: float) -> None:
    ports, errors = 6, []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        design = indicators(states(rng, 300, ports))
        light = design @ (0.4 * rng.standard_normal(2 * ports + 1))
        signal = bent(light, limit**-2.0)[0] + 0.01 * rng.standard_normal(300)
        found = fit_bend(design, signal, 0.01)
        errors.append((found.curvature - limit**-2.0) / found.sigma)
        assert residual_nonlinearity(found.light, found.left) < 0.006
    assert 0.3 < np.sqrt(np.mean(np.square(errors))) < 2.0


def test_another_law_is_seen_in_what_is_left() -> None:
    rng = np.random.default_rng(3)
    design = indicators(states(rng, 600, 6))
    light = design @ (0.4 * rng.standard_normal(13))
    found = fit_bend(design, light + 0.1 * light**2, 0.0)
    assert residual_nonlinearity(found.light, found.left) > 0.05


def test_a_detector_that_reads_nothing_is_not_fitted() -> None:
    found = fit_bend(indicators(states(np.random.default_rng(0), 60, 3)), np.zeros(60), 0.01)
    assert found.curvature == 0.0
    assert not np.isfinite(found.sigma)


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="send more"):
        fit_bend(np.ones((4, 4)), np.ones(4), 0.01)


@given(memory=st.floats(-0.2, 0.3), seed=st.integers(0, 100))
def test_the_echo_of_samples_is_found(memory: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    own = rng.standard_normal(400)
    second = (1.0 + memory) * own
    first = own[1:] + memory * own[:-1] + 0.01 * rng.standard_normal(399)
    found, sigma = echo_share(second[:-1], second[1:], first)
    assert abs(found - memory) < 5.0 * sigma
    assert sigma < 2e-3


def test_samples_that_never_change_tell_no_echo() -> None:
    assert echo_share(np.ones(5), np.ones(5), np.ones(5)) == (0.0, float("inf"))


def bend(curvature: float, sigma: float) -> Bend:
    return Bend(curvature, sigma, np.zeros(3), np.linspace(-1.5, 1.5, 20), np.zeros(20))


def test_gains_follow_from_where_each_port_ends() -> None:
    gain = np.array([1.04, 0.96, 1.0, 1.05, 0.95])
    bends = {port: bend((3.0 * g) ** -2.0, 1e-5) for port, g in enumerate(gain)}
    found = common_saturation(bends, np.ones(5), np.full(5, 0.1))
    assert found.limit == pytest.approx(3.0, rel=0.02)
    np.testing.assert_allclose(found.gain * found.limit, 3.0 * gain, rtol=2e-3)
    assert found.early == frozenset()


def test_a_port_that_ends_early_is_left_out() -> None:
    bends = {port: bend(3.0**-2.0, 1e-3) for port in range(4)} | {4: bend(1.0, 1e-3)}
    found = common_saturation(bends, np.ones(5), np.full(5, 0.03))
    assert found.early == {4}
    assert found.limit == pytest.approx(3.0, rel=0.01)


def test_no_bend_is_no_saturation() -> None:
    bends = {port: bend(1e-4 * (-1.0) ** port, 1e-3) for port in range(4)}
    assert common_saturation(bends, np.ones(4), np.full(4, 0.03)).limit is None
