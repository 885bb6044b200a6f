"""V_pi, bias and extinction from a sweep, and leaks from banks that move, on signals made here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.drive_curve import fit_drive
from calibration.leakage import LeakageFit, extinction_db

SWEEP = np.linspace(-1.5, 1.5, 24)
BEFORE = np.concatenate([[0.0], SWEEP[:-1]])


def swept(
    rng: np.random.Generator, gain: float, bias: float, leak: float, memory: float, noise: float
) -> np.ndarray:
    """Light (24, 8) at detectors behind some mesh, with other light beside it."""

    def field(drive: np.ndarray) -> np.ndarray:
        turn = 0.5 * np.pi * gain * drive + bias
        return np.sin(turn) + 1j * leak * np.cos(turn)

    row = rng.standard_normal(8) + 1j * rng.standard_normal(8)
    row /= np.linalg.norm(row)
    other = 0.1 * (rng.standard_normal(8) + 1j * rng.standard_normal(8))
    light = (field(SWEEP) + memory * field(BEFORE))[:, None] * row + other
    return light + noise * (rng.standard_normal((24, 8)) + 1j * rng.standard_normal((24, 8)))


@given(
    gain=st.floats(0.8, 1.25),
    bias=st.floats(-0.5, 0.5),
    leak=st.floats(0.0, 0.2),
    memory=st.floats(0.0, 0.1),
    seed=st.integers(0, 100),
)
def test_a_modulator_is_found_whatever_the_mesh_does(
    gain: float, bias: float, leak: float, memory: float, seed: int
) -> None:
    light = swept(np.random.default_rng(seed), gain, bias, leak, memory, 0.0)
    found = fit_drive(SWEEP, BEFORE, light, memory, 0.0, both=True)
    assert found.gain == pytest.approx(gain, rel=1e-5)
    assert found.bias == pytest.approx(bias, abs=1e-5)
    assert found.leak == pytest.approx(leak, abs=1e-5)


def test_one_quadrature_tells_gain_and_bias_but_no_extinction() -> None:
    light = swept(np.random.default_rng(1), 1.03, 0.1, 0.0, 0.01, 0.0).real.astype(complex)
    found = fit_drive(SWEEP, BEFORE, light, 0.01, 0.0, both=False)
    assert found.gain == pytest.approx(1.03, rel=1e-5)
    assert found.bias == pytest.approx(0.1, abs=1e-5)
    assert np.isnan(found.leak)


def test_uncertainties_of_a_modulator_are_honest() -> None:
    off = []
    for seed in range(40):
        light = swept(np.random.default_rng(seed), 0.97, -0.05, 0.02, 0.01, 0.01)
        found = fit_drive(SWEEP, BEFORE, light, 0.01, 0.01, both=True)
        off.append(
            [
                (found.gain - 0.97) / found.gain_sigma,
                (found.bias + 0.05) / found.bias_sigma,
                (found.leak - 0.02) / found.leak_sigma,
            ]
        )
    rms = np.sqrt(np.mean(np.square(off), axis=0))
    assert (rms > 0.6).all()
    assert (rms < 1.5).all()


def test_a_leak_is_told_by_moving_the_other_bank() -> None:
    rng = np.random.default_rng(5)
    leak = np.array([[0.0, 0.05 - 0.02j, 0.0], [-0.1j, 0.0, 0.01], [0.003, 0.2, 0.0]])

    def some() -> np.ndarray:
        return (rng.standard_normal((8, 8)) + 1j * rng.standard_normal((8, 8))) / 4.0

    own = np.array([some() for _ in range(3)])

    def seen() -> np.ndarray:
        noise = np.array([some() for _ in range(3)]) * 0.01
        return own + np.einsum("kj,jno->kno", leak, own) + noise

    fit = LeakageFit(3)
    for bank in range(3):
        before = seen()
        for _ in range(4):
            own[bank] = some()
            after = seen()
            fit.add(bank, before, after)
            before = after
    found = fit.found()
    off = ~np.eye(3, dtype=bool)
    assert (np.abs(found.leak - leak)[off] < 5.0 * found.sigma[off]).all()
    assert (found.sigma[off] < 2e-3).all()
    decibel, error = extinction_db(found.leak, found.sigma, power=False)
    assert decibel[2, 1] == pytest.approx(-20 * np.log10(0.2), abs=0.2)
    assert np.isnan(error[0, 2])  # no leak: a bound is all that is said
    assert decibel[0, 2] > 40.0


def test_a_bank_that_was_not_moved_tells_nothing() -> None:
    fit = LeakageFit(2)
    fit.add(0, np.zeros((2, 2, 2), complex), np.ones((2, 2, 2), complex) * [[[1]], [[0.1]]])
    found = fit.found()
    assert found.leak[1, 0] == pytest.approx(0.1)
    assert np.isnan(found.sigma[0, 1])
