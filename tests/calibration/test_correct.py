"""From a target to levels: splitters corrected, curvature inverted, crosstalk cancelled."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.correct import corrected, levels_for, program_for
from calibration.decompose import NotUnitaryError, decompose, haar
from calibration.mesh import layout, matrix_fidelity, mesh_matrix
from calibration.model import phases
from tests.calibration.drawn_bench import P_PI, drawn_truth

LOW, HIGH = 0.06 * P_PI, 2.6 * P_PI


def limits(ports: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(ports**2, LOW), np.full(ports**2, HIGH)


@pytest.mark.parametrize("ports", [2, 3, 4, 5, 8])
def test_what_splitters_can_reach_is_reached_exactly(ports: int) -> None:
    rng = np.random.default_rng(ports)
    cells = layout(ports).cells
    found = 0
    for seed in range(6):
        target, errors = haar(ports, seed), rng.normal(0.0, 0.03, (2, cells))
        ideal = decompose(target)
        turned, beyond = corrected(ideal, *errors)
        made = mesh_matrix(turned, *errors, np.zeros(cells))
        if beyond.any():
            continue
        found += 1
        np.testing.assert_allclose(made, target, atol=1e-12)
        left = mesh_matrix(ideal, *errors, np.zeros(cells))
        assert 1.0 - matrix_fidelity(left, target) > 1e-6
    assert found >= 3


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]])
def test_bars_and_crosses_come_as_near_as_they_can(order: list[int]) -> None:
    rng = np.random.default_rng(4)
    errors = rng.normal(0.0, 0.05, (2, 6))
    target = np.eye(4, dtype=complex)[order]
    turned, beyond = corrected(decompose(target), *errors)
    assert beyond.any()
    assert np.isfinite(turned).all()
    made = mesh_matrix(turned, *errors, np.zeros(6))
    plain = mesh_matrix(decompose(target), *errors, np.zeros(6))
    # Quadratic suppression: what is left is second order in the errors.
    assert 1.0 - matrix_fidelity(made, target) < 0.04
    assert matrix_fidelity(made, target) >= matrix_fidelity(plain, target) - 1e-3


def test_levels_make_the_phases_asked_for() -> None:
    truth = drawn_truth(4, 2, seed=3)
    truth.crosstalk[:] = 0.03, 1.3, 5e-4
    rng = np.random.default_rng(0)
    for bank in range(2):
        wanted = rng.uniform(-20.0, 20.0, 16)
        found = levels_for(truth, bank, wanted, *limits(4))
        assert ((found.levels >= LOW) & (found.levels <= HIGH)).all()
        made = phases(truth, bank, found.levels / P_PI)
        np.testing.assert_allclose(np.exp(1j * made), np.exp(1j * wanted), atol=1e-7)
        assert np.abs(found.short).max() < 1e-7


def test_of_all_levels_the_one_nearest_to_the_present_is_taken() -> None:
    truth = drawn_truth(4, 1, seed=3)
    low, high = limits(4)
    present = P_PI * np.random.default_rng(2).uniform(0.3, 2.1, 16)
    now = phases(truth, 0, present / P_PI)
    still = levels_for(truth, 0, now + 4 * np.pi, low, high, present)
    np.testing.assert_allclose(still.levels, present, atol=1e-9)
    nudged = levels_for(truth, 0, now - 2 * np.pi + 0.1, low, high, present)
    assert np.abs(nudged.levels - present).max() < 0.1 * P_PI


def test_what_no_level_makes_is_told() -> None:
    truth = drawn_truth(4, 1, seed=3)
    truth.value["slope"][0, 5] = 0.0  # dead
    wanted = phases(truth, 0, np.ones(16)) + 0.0
    wanted[5] += 1.0
    found = levels_for(truth, 0, wanted, *limits(4))
    assert abs(found.short[5]) == pytest.approx(1.0, abs=0.3)
    assert np.abs(np.delete(found.short, 5)).max() < 1e-6
    narrow = levels_for(truth, 0, wanted + 1.0, np.full(16, 0.9 * P_PI), np.full(16, 1.1 * P_PI))
    assert np.abs(narrow.short).max() > 0.1
    assert ((narrow.levels >= 0.9 * P_PI) & (narrow.levels <= 1.1 * P_PI)).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_target_programmed_with_correction_is_made(seed: int) -> None:
    truth = drawn_truth(4, 1, seed=seed)
    truth.value["cell_loss_db"][:] = 0.1
    target = haar(4, seed)
    made = {}
    for correct in (True, False):
        found = program_for(truth, 0, target, *limits(4), correct=correct)
        value = truth.value
        matrix = mesh_matrix(
            phases(truth, 0, found.levels / P_PI),
            *(value[name][0] for name in ("splitter_a", "splitter_b", "cell_loss_db")),
        )
        made[correct] = float(matrix_fidelity(matrix, target))
    assert made[True] > 0.9995
    assert made[True] > made[False] + 5e-4


def test_bad_targets_are_refused() -> None:
    truth = drawn_truth(4, 1)
    with pytest.raises(NotUnitaryError):
        program_for(truth, 0, 2.0 * np.eye(4, dtype=complex), *limits(4))
    with pytest.raises(ValueError, match="3 ports"):
        program_for(truth, 0, haar(3, 0), *limits(4))
