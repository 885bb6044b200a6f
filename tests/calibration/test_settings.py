"""Steps that sweep are interrupted anywhere and gone on with, on drawn and simulated benches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.crosstalk import Crosstalk
from calibration.globalfit import GlobalFit
from calibration.knowledge import Knowledge
from calibration.procedures import ring_steps
from calibration.resonances import Resonances
from calibration.ring_weights import Weights
from calibration.settings import PART, Settings
from calibration.setup import Observation, Shot
from calibration.step import Outcome, Silent, Step
from hil.bench.calibration_setup import BenchSetup
from hil.bench.entry import make_core
from hil.bench.opening import OpenBench
from tests.calibration.drawn_bench import (
    DrawnBench,
    InterruptedSweep,
    drawn_truth,
    knows_electronics,
    wait_for,
)
from tests.calibration.fast_benches import bench_file


class Keeps(Silent):
    """Keeps sweeps as a run folder does."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, np.ndarray]] = {}

    def kept(self, key: str) -> dict[str, np.ndarray] | None:
        return self.held.get(key)

    def keep(self, key: str, **arrays: np.ndarray) -> None:
        assert key not in self.held, "measured again"
        self.held[key] = arrays


def knows_laws(truth: Knowledge) -> Knowledge:
    """What the steps before leave: laws with errors, crosstalk unknown."""
    known, rng = knows_electronics(truth), np.random.default_rng(3)
    for name, error in (("phase_offset", 0.1), ("slope", 0.0), ("curvature", 0.0)):
        shape = truth.value[name].shape
        known.value[name] = truth.value[name] + error * rng.standard_normal(shape)
    known.sigma["phase_offset"] = np.full(known.value["phase_offset"].shape, 0.1)
    return known


@pytest.mark.parametrize("step", [GlobalFit(70), Crosstalk(70)], ids=["global", "crosstalk"])
def test_random_settings_of_a_mesh_are_gone_on_with(step: Step) -> None:
    truth, watch = drawn_truth(4, 1, seed=5, tail=(0.01, 0.05)), Keeps()
    first = DrawnBench(truth, interrupt_at=2 * PART + 5)
    with pytest.raises(InterruptedSweep):
        wait_for(step.run(first, knows_laws(truth), watch))
    assert len(watch.held) == 2
    again, known = DrawnBench(truth, seed=1), knows_laws(truth)
    again.time = first.time
    outcome = wait_for(step.run(again, known, watch))
    assert again.observed == 70 - 2 * PART
    assert again.is_idle()
    whole, uninterrupted = knows_laws(truth), DrawnBench(truth)
    expected = wait_for(step.run(uninterrupted, whole, Silent()))
    assert outcome.passed == expected.passed
    for found, wanted in zip(outcome.gates, expected.gates, strict=True):
        assert found.value == pytest.approx(wanted.value, rel=0.3), found.name
    np.testing.assert_allclose(known.crosstalk, whole.crosstalk, atol=0.02, rtol=0.5)


def test_what_is_kept_of_another_plan_or_of_a_later_clock_is_measured_again() -> None:
    truth, watch = drawn_truth(4, 1, seed=5), Keeps()
    bench = DrawnBench(truth)
    wait_for(GlobalFit(PART).run(bench, knows_laws(truth), watch))
    for step, time in ((GlobalFit(PART, seed=9), bench.time), (GlobalFit(PART), 0.0)):
        again, copy = DrawnBench(truth), Keeps()
        again.time = time
        copy.held = dict(watch.held)
        copy.keep = lambda key, **arrays: None  # type: ignore[method-assign]
        wait_for(step.run(again, knows_laws(truth), copy))
        assert again.observed == PART


class Interrupted(BenchSetup):
    """A bench whose use is broken off at an observation."""

    def __init__(self, core: OpenBench, at: int | None) -> None:
        super().__init__(core)
        self.observed, self.at = 0, at

    async def observe(self, shots: Sequence[Shot]) -> list[Observation]:
        self.observed += 1
        if self.observed == self.at:
            raise InterruptedSweep
        return await super().observe(shots)


def on_rings(
    folder: Path, work: Callable[[Interrupted], Any], start: float = 0.0, at: int | None = None
) -> Any:
    """Work on an open bench of 4 ports of rings, from a bench time on."""
    core = make_core(
        bench_file(folder, 4, core="microring"), path="slot", plant_seed=3, start_time=start
    )
    loop = core.new_loop()

    async def whole() -> Any:
        await core.open()
        setup = Interrupted(core, at)
        try:
            return await work(setup)
        finally:
            assert np.allclose(setup.levels, setup.level_idle) or not setup.levels.any()
            await core.close()

    try:
        return loop.run_until_complete(whole())
    finally:
        loop.close()


def test_rings_are_gone_on_with_and_what_was_read_is_solved_anew(tmp_path: Path) -> None:
    known, time = Knowledge.nothing(4, 2, 0.02, "microring"), 0.0

    def run(step: Step, known: Knowledge, watch: Silent, at: int | None = None) -> Outcome:
        async def work(setup: Interrupted) -> Outcome:
            nonlocal time
            try:
                return await step.run(setup, known, watch)
            finally:
                time = setup.now()

        return on_rings(tmp_path, work, time, at)

    for step in ring_steps()[:3]:
        run(step, known, Silent())
    for step, count in ((Resonances(), 40), (Weights(60, rounds=1), 60)):
        watch = Keeps()
        with pytest.raises(InterruptedSweep):
            run(step, deepcopy(known), watch, at=PART + 4)
        assert list(watch.held) == ["settings-0000"]
        outcome = run(step, known, watch)
        assert outcome.passed, outcome.gates
        assert sum(len(part["times"]) for part in watch.held.values()) == count
    np.testing.assert_allclose(known.spacing, 12.0, rtol=0.03)


def test_progress_counts_to_what_is_asked_for() -> None:
    """Settings beyond those asked for are kept back, not forgotten."""
    truth, watch = drawn_truth(2, 1, seed=1), Keeps()
    bench = DrawnBench(truth)

    class Sees:
        async def at(self, levels: np.ndarray) -> float:
            await bench.program(levels)
            bench.time += 1.0
            return bench.time

        def packed(self, views: Sequence[float]) -> dict[str, np.ndarray]:
            return {"times": np.array(views)}

        def unpacked(self, arrays: Any) -> list[float]:
            return [float(time) for time in arrays["times"]]

    plan = np.linspace(0.002, 0.03, 30)[:, None, None] * np.ones((1, 4))
    seen = wait_for(Settings(bench, watch, plan, Sees()).upto(30))
    settings = Settings(bench, watch, plan, Sees())
    np.testing.assert_array_equal(settings.begin, plan[29])
    assert wait_for(settings.upto(12)) == seen[:12]
    assert wait_for(settings.upto(30)) == seen
