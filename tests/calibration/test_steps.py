"""The steps of a mesh's calibration on a bench whose every number is known to the test."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from calibration.crosstalk import Crosstalk, law_matrix
from calibration.globalfit import GlobalFit
from calibration.knowledge import Knowledge
from calibration.mesh import layout, matrix_fidelity
from calibration.model import seen_matrices
from calibration.offsets import Offsets
from calibration.phases import Phases
from calibration.setup import Detection
from calibration.step import Silent, Step
from calibration.tomography import NotPossibleError
from calibration.verify import Verify
from tests.calibration.drawn_bench import (
    P_PI,
    DrawnBench,
    InterruptedSweep,
    drawn_truth,
    knows_electronics,
    matrix_of,
    wait_for,
)

STEPS: tuple[Step, ...] = (Phases(), GlobalFit(), Crosstalk(), Offsets(), Verify())


def fidelities(truth: Knowledge, known: Knowledge, seed: int = 9) -> np.ndarray:
    """Of predicted against true matrices, (settings, n_banks)."""
    rng = np.random.default_rng(seed)
    levels = P_PI * rng.uniform(0.2, 2.0, (6, truth.n_banks, truth.elements))
    believed = seen_matrices(known, None, levels)
    return matrix_fidelity(believed, seen_matrices(truth, None, levels))


def knows_roughly(truth: Knowledge, phase: float = 0.15, slope: float = 0.02) -> Knowledge:
    """As phases leave it: laws and phases with errors, crosstalk unknown."""
    rng = np.random.default_rng(3)
    known = knows_electronics(truth)
    shape = truth.value["slope"].shape
    for name in ("phase_offset", "slope", "curvature"):
        known.value[name] = truth.value[name].copy()
    known.value["phase_offset"] += phase * rng.standard_normal(shape)
    known.value["slope"] *= 1.0 + slope * rng.standard_normal(shape)
    known.sigma["phase_offset"] = np.full(shape, phase)
    known.sigma["slope"] = np.full(shape, slope)
    return known


@pytest.fixture(scope="module")
def after_phases() -> tuple[DrawnBench, Knowledge, object]:
    bench = DrawnBench(drawn_truth(4, 2, seed=5))
    known = knows_electronics(bench.truth)
    return bench, known, wait_for(Phases().run(bench, known, Silent()))


def test_phases_find_every_law_from_nothing(after_phases) -> None:
    bench, known, outcome = after_phases
    assert outcome.passed, outcome.gates
    assert outcome.faults == ()
    relative = known.value["slope"] / bench.truth.value["slope"] - 1.0
    assert np.sqrt((relative**2).mean()) < 0.03
    # Believed no better than they are: crosstalk and leak bend a sweep too.
    assert np.sqrt(((relative / known.sigma["slope"]) ** 2).mean()) < 1.7
    assert (fidelities(bench.truth, known) > 0.95).all()


def test_phases_keep_every_limit_and_go_back_to_idle(after_phases) -> None:
    bench, _, _ = after_phases
    assert bench.is_idle()
    levels = np.array(bench.programmed)
    assert (levels[5:] >= bench.level_idle).all()
    assert bench.warms_and_cools_by_steps()


def test_all_steps_together_reach_what_noise_allows() -> None:
    bench = DrawnBench(drawn_truth(4, 2, seed=6, saturation=3.0, memory=0.01))
    known = knows_electronics(bench.truth)
    for step in STEPS:
        outcome = wait_for(step.run(bench, known, Silent()))
        assert outcome.passed, (step.name, outcome.gates, outcome.faults)
        assert bench.is_idle()
    assert (fidelities(bench.truth, known) > 0.9995).all()
    np.testing.assert_allclose(known.leak, bench.truth.leak, atol=0.004)
    assert known.quadrature_error == pytest.approx(bench.truth.quadrature_error, abs=0.004)
    assert known.crosstalk_known


def test_the_global_fit_is_as_good_as_it_says() -> None:
    truth = drawn_truth(4, 1, seed=2)
    bench, known = DrawnBench(truth), knows_roughly(truth)
    outcome = wait_for(GlobalFit(settings=80).run(bench, known, Silent()))
    assert outcome.passed, outcome.gates
    inner = layout(4).kind < 2
    for name, most in (("slope", 0.01), ("splitter_a", 0.01), ("splitter_b", 0.01)):
        error = known.value[name] - truth.value[name]
        if name == "slope":
            error = error / truth.value[name]
        assert np.abs(error).max() < 3 * most
        # Pulls: errors are of the size that the fit claims.
        assert 0.4 < np.sqrt(((error / known.sigma[name]) ** 2).mean()) < 1.8, name
    turned = np.angle(np.exp(1j * (known.value["phase_offset"] - truth.value["phase_offset"])))
    assert np.abs(turned[:, inner]).max() < 0.03


def test_where_a_port_ends_stays_when_its_gain_is_renewed() -> None:
    """Only gain times saturation was measured: a fit that moves the one must move the other."""
    truth = drawn_truth(4, 1, seed=2)
    bench, known = DrawnBench(truth), knows_roughly(truth)
    known.value["detector_gain"] *= 0.9
    known.saturation = (known.saturation or 3.0) / 0.9
    gain, limit = known.value["detector_gain"].copy(), known.saturation
    wait_for(GlobalFit(settings=60).run(bench, known, Silent()))
    moved = known.value["detector_gain"] / gain
    assert abs(moved.mean() - 1.0) > 5e-3  # the test means something
    assert (moved * known.saturation / limit).mean() == pytest.approx(1.0, abs=1e-3)


def test_crosstalk_is_found_with_its_law() -> None:
    truth = drawn_truth(4, 1, seed=3)
    truth.crosstalk[0] = 0.03, 1.4, 4e-4
    bench, known = DrawnBench(truth), knows_roughly(truth)
    for step in (GlobalFit(), Crosstalk()):
        outcome = wait_for(step.run(bench, known, Silent()))
        assert outcome.passed, outcome.gates
    wrong = law_matrix(4, known.crosstalk[0]) - law_matrix(4, truth.crosstalk[0])
    # Left for each victim when every heater is driven at random to a turn.
    spread = np.pi * 1.95 / np.sqrt(12.0)
    assert np.sqrt((wrong**2).sum(axis=1)).max() * spread < 0.02
    assert np.sqrt((law_matrix(4, truth.crosstalk[0]) ** 2).sum(axis=1)).min() * spread > 0.05
    assert outcome.raw["matrix"].shape == (1, 16, 16)


def test_crosstalk_beyond_the_law_fails_its_gate() -> None:
    truth = drawn_truth(4, 1, seed=3)
    truth.crosstalk[0] = 0.0, 1.0, 0.0
    bench, known = DrawnBench(truth), copy.deepcopy(truth)
    real = bench.actual

    def heats_another() -> np.ndarray:
        """Heaters warm those that no law of distance would say."""
        heating = real()
        heating[0, 0] += 0.05 * heating[0, 13]
        heating[0, 5] += 0.05 * heating[0, 10]
        heating[0, 9] += 0.05 * heating[0, 2]
        return heating

    bench.actual = heats_another
    outcome = wait_for(Crosstalk().run(bench, known, Silent()))
    assert not outcome.passed
    found = outcome.raw["matrix"][0]
    assert found[0, 13] > 0.03
    assert np.abs(found).argmax() == 13


def test_offsets_follow_a_drift_and_touch_nothing_else() -> None:
    truth = drawn_truth(4, 2, seed=4)
    bench, known = DrawnBench(truth), knows_roughly(truth, phase=0.0, slope=0.0)
    known.sigma["phase_offset"][:] = 0.005
    for name in ("splitter_a", "splitter_b", "cell_loss_db"):
        known.value[name] = truth.value[name].copy()
    known.crosstalk, known.leak = truth.crosstalk.copy(), truth.leak.copy()
    known.quadrature_error = truth.quadrature_error
    moved = 0.1 * np.random.default_rng(1).standard_normal(truth.value["phase_offset"].shape)
    truth.value["phase_offset"] += moved
    slope = known.value["slope"].copy()
    outcome = wait_for(Offsets().run(bench, known, Silent()))
    assert outcome.passed, outcome.gates
    np.testing.assert_array_equal(known.value["slope"], slope)
    inner = layout(4).kind < 2
    left = (known.value["phase_offset"] - truth.value["phase_offset"])[:, inner]
    assert np.sqrt((left**2).mean()) < 0.015
    assert "moved by 0.1" in outcome.notes[0] or "moved by 0.09" in outcome.notes[0]


def test_verify_passes_the_truth_and_fails_a_stale_record() -> None:
    truth = drawn_truth(4, 2, seed=8)
    bench = DrawnBench(truth)
    outcome = wait_for(Verify().run(bench, truth, Silent()))
    assert outcome.passed
    assert outcome.raw["matrix_fidelity"].min() > 0.999
    stale = knows_roughly(truth, phase=0.4)
    outcome = wait_for(Verify().run(bench, stale, Silent()))
    assert not outcome.passed
    assert bench.is_idle()
    # What it tells is what is true.
    levels = bench.programmed[-6]
    told = outcome.raw["matrix_fidelity"][-1, 0]
    believed = seen_matrices(stale, None, levels[None])[0, 0]
    assert told == pytest.approx(
        float(matrix_fidelity(believed, matrix_of(truth, 0, levels))), abs=0.02
    )


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_an_interrupt_leaves_the_idle_bias(step: Step) -> None:
    bench = DrawnBench(drawn_truth(4, 2, seed=1), interrupt_at=4)
    known = knows_roughly(bench.truth)
    with pytest.raises(InterruptedSweep):
        wait_for(step.run(bench, known, Silent()))
    assert bench.is_idle()
    assert bench.warms_and_cools_by_steps()


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_without_a_quadrature_phases_cannot_be_seen(step: Step) -> None:
    bench = DrawnBench(
        drawn_truth(2), detections=frozenset({Detection.HOMODYNE, Detection.INTENSITY})
    )
    with pytest.raises(NotPossibleError, match="lo_quadrature"):
        wait_for(step.run(bench, knows_electronics(bench.truth), Silent()))
    assert not bench.programmed


class Keeps(Silent):
    """Keeps sweeps as a run folder does."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, np.ndarray]] = {}

    def kept(self, key):
        return self.held.get(key)

    def keep(self, key, **arrays):
        self.held[key] = arrays


def test_an_interrupted_sweep_of_heaters_is_resumed() -> None:
    truth, watch = drawn_truth(4, 1, seed=5), Keeps()
    bench = DrawnBench(truth, interrupt_at=60)
    with pytest.raises(InterruptedSweep):
        wait_for(Phases().run(bench, knows_electronics(truth), watch))
    assert len(watch.held) >= 5
    again, known = DrawnBench(truth), knows_electronics(truth)
    outcome = wait_for(Phases().run(again, known, watch))
    assert outcome.passed
    assert again.observed < 16 * 8  # those kept are not swept a second time
    assert (fidelities(truth, known) > 0.9).all()
