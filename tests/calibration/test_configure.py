"""A bench makes itself a target by what it measures, even where the calibration is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.configure import configure
from calibration.decompose import NotUnitaryError, haar
from calibration.mesh import matrix_fidelity
from calibration.setup import Detection
from calibration.step import Silent
from calibration.tomography import NotPossibleError
from tests.calibration.drawn_bench import (
    DrawnBench,
    InterruptedSweep,
    drawn_truth,
    matrix_of,
    wait_for,
)


def stale(truth, phase: float = 0.1):
    """The truth with every phase moved since."""
    import copy

    known = copy.deepcopy(truth)
    rng = np.random.default_rng(11)
    known.value["phase_offset"] += phase * rng.standard_normal(known.value["phase_offset"].shape)
    for name in ("splitter_a", "splitter_b"):
        known.value[name][:] = 0.0
    return known


def test_it_reaches_the_target_with_a_stale_calibration() -> None:
    truth = drawn_truth(4, 2, seed=3)
    truth.leak[:] = 0.0
    bench = DrawnBench(truth, noise=0.005)
    targets = [haar(4, 1), haar(4, 2)]
    done = wait_for(configure(bench, stale(truth), targets, Silent()))
    np.testing.assert_array_equal(bench.levels, done.levels)
    assert done.fidelity[0].max() < 0.99
    made = [matrix_fidelity(matrix_of(truth, k, done.levels), targets[k]) for k in range(2)]
    assert min(made) > 0.998
    # What it tells is what is.
    np.testing.assert_allclose(done.fidelity.max(axis=0), made, atol=2e-3)


def test_levels_stay_within_limits() -> None:
    bench = DrawnBench(drawn_truth(4, 1, seed=2))
    wait_for(configure(bench, stale(bench.truth, 0.3), [haar(4, 5)], Silent(), iterations=4))
    levels = np.array(bench.programmed)
    assert (levels[5:] >= bench.level_idle).all()
    assert (levels <= bench.level_max).all()


def test_an_interrupt_leaves_the_idle_bias() -> None:
    bench = DrawnBench(drawn_truth(4, 1, seed=2), interrupt_at=3)
    with pytest.raises(InterruptedSweep):
        wait_for(configure(bench, stale(bench.truth), [haar(4, 5)], Silent()))
    assert bench.is_idle()


def test_bad_targets_and_blind_benches_are_refused_before_anything_moves() -> None:
    bench = DrawnBench(drawn_truth(4, 1))
    with pytest.raises(NotUnitaryError):
        wait_for(configure(bench, bench.truth, [np.zeros((4, 4), complex)], Silent()))
    blind = DrawnBench(drawn_truth(4, 1), detections=frozenset({Detection.HOMODYNE}))
    with pytest.raises(NotPossibleError):
        wait_for(configure(blind, blind.truth, [haar(4, 0)], Silent()))
    assert not bench.programmed
    assert not blind.programmed
