"""Calibration of microring banks on simulated benches, judged by the plant's own weights."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from calibration.knowledge import Knowledge
from calibration.lorentz import fit_lines
from calibration.procedures import ring_steps
from calibration.resonances import Resonances
from calibration.ring_drift import filtered, likeliest_rate
from calibration.ring_lock import RingLock
from calibration.ring_locking import Lock
from calibration.ring_precision import bits, common_range
from calibration.ring_setting import setting_for
from calibration.ring_verify import VerifyRings
from calibration.ring_weights import Weights
from calibration.setup import Observation, Shot
from calibration.step import Outcome, Silent, Step
from hil.bench.calibration_setup import BenchSetup
from hil.bench.entry import make_core
from hil.bench.opening import OpenBench
from hil.bench.writing import Start, starting_text
from sim_backends.plant.microring import MicroringPlant
from sim_backends.plant.plant import Plant

T = TypeVar("T")
PORTS, BANKS = 4, 2


class Faulty(BenchSetup):
    """A bench whose heaters do other than asked. channel : by (bank, element), what drives it."""

    def __init__(self, core: OpenBench) -> None:
        super().__init__(core)
        self.channel: dict[tuple[int, int], int | float] = {}
        self.dark: int | None = None
        self.asked = self.levels

    async def program(self, levels: np.ndarray) -> None:
        self.asked, driven = levels, levels.copy()
        for (bank, element), by in self.channel.items():
            driven[bank, element] = levels[bank, by] if isinstance(by, int) else by
        await super().program(driven)

    async def observe(self, shots: Sequence[Shot]) -> list[Observation]:
        seen = await super().observe(shots)
        if self.dark is not None:
            for one in seen:
                one.measured[:, self.dark] = 0.0
        return seen


def on_bench(
    folder: Path,
    work: Callable[[Faulty, Knowledge], Awaitable[T]],
    seed: int = 3,
    ports: int = PORTS,
    severity: str = "std",
) -> tuple[T, MicroringPlant]:
    """Work on an open bench of two banks, by default of four ports, knowing nothing of it."""
    path = folder / "rings.toml"
    path.write_text(starting_text(Start(ports, BANKS, "rings", core="microring")), "utf-8")
    core = make_core(path, path="slot", plant_seed=seed, severity=severity)
    loop = core.new_loop()

    async def whole() -> T:
        await core.open()
        try:
            setup = Faulty(core)
            known = Knowledge.nothing(ports, BANKS, setup.p_pi, setup.core)
            try:
                return await work(setup, known)
            finally:
                np.testing.assert_allclose(setup.asked, setup.level_idle)
        finally:
            assert await core.close() == []

    try:
        found = loop.run_until_complete(whole())
    finally:
        loop.close()
    plant = Plant.from_document(core.file.document)
    assert isinstance(plant, MicroringPlant)
    return found, plant


async def run(steps: Sequence[Step], setup: Faulty, known: Knowledge) -> dict[str, Outcome]:
    return {step.name: await step.run(setup, known, Silent()) for step in steps}


def test_all_steps_find_the_plant(tmp_path: Path) -> None:
    async def work(setup: Faulty, known: Knowledge) -> tuple[Knowledge, dict[str, Outcome], float]:
        began = setup.now()
        short = {"weights": Weights(80, rounds=1), "lock": Lock(0.6), "verify": VerifyRings(6)}
        steps = [short.get(step.name, step) for step in ring_steps()]
        outcomes = await run(steps, setup, known)
        return known, outcomes, setup.now() - began

    (known, outcomes, seconds), plant = on_bench(tmp_path, work)
    assert seconds < 300.0
    for name in ("resonances", "weights", "lock", "verify"):
        assert outcomes[name].passed, (name, outcomes[name].gates)
        assert not outcomes[name].faults
    assert outcomes["verify"].gates[1].value > 7.5
    np.testing.assert_allclose(known.value["amplitude"], plant.rings.amplitude, atol=0.015)
    np.testing.assert_allclose(
        known.value["detector_gain"], plant.devices.detector_gain, rtol=0.015
    )
    np.testing.assert_allclose(known.leak, plant.devices.leak, atol=1e-3)
    numbers = plant.spec.numbers
    np.testing.assert_allclose(known.spacing, numbers.ring_spacing or 0.0, rtol=0.03)
    np.testing.assert_allclose(known.crosstalk[:, 0], numbers.crosstalk_c1, rtol=0.2)


def test_rings_that_heat_each_other_by_a_half_width_are_told_apart(tmp_path: Path) -> None:
    """With crosstalk of 3 % no coarse line is where its law says: the fit starts far away."""

    async def work(setup: Faulty, known: Knowledge) -> tuple[Knowledge, Outcome]:
        await run([*ring_steps()[:3], Resonances()], setup, known)
        return known, await Weights(rounds=1).run(setup, known, Silent())

    (known, outcome), plant = on_bench(tmp_path, work, seed=6, ports=8, severity="harsh")
    assert outcome.passed, outcome.gates
    np.testing.assert_allclose(known.crosstalk[:, 0], plant.spec.numbers.crosstalk_c1, rtol=0.1)
    np.testing.assert_allclose(known.spacing, plant.spec.numbers.ring_spacing or 0.0, rtol=0.05)


def test_broken_rings_and_ports_are_named(tmp_path: Path) -> None:
    async def work(setup: Faulty, known: Knowledge) -> dict[str, Outcome]:
        level = setup.level_idle[0, 0]
        setup.channel = {
            (0, 5): float(level),
            (0, 6): 0.66 * setup.p_pi,
            (1, 1): 2,
            (1, 2): 1,
            (1, 9): 14,
        }
        setup.dark = 0
        outcomes = await run([Resonances(repeats=1)], setup, known)
        setup.channel = {}
        return outcomes

    outcomes, _ = on_bench(tmp_path, work)
    told = "\n".join(outcomes["resonances"].faults)
    assert "port 0: dark output" in told
    assert "bank 0, element 5 (ring of output 1 at wavelength 1): dead" in told
    assert "bank 0, element 6 (ring of output 1 at wavelength 2): stuck" in told
    assert "bank 1, element 9 (ring of output 2 at wavelength 1): joined" in told
    assert "channel of element 14" in told


@pytest.mark.parametrize("locked", [True, False])
def test_the_lock_holds_what_drifts_away_without_it(tmp_path: Path, locked: bool) -> None:
    async def work(setup: Faulty, known: Knowledge) -> float:
        await run([*ring_steps()[:3], Resonances(), Weights(60, rounds=1)], setup, known)
        low, high = common_range(setup, known)
        weights = np.random.default_rng(0).uniform(low, high, (BANKS, PORTS, PORTS))
        lock = RingLock(setup, known)
        try:
            await lock.hold(weights, 0.5)
            setting = lock.setting(weights)
            if not locked:
                await setup.rest(20.0)
                views = [(await lock.look(setting.levels))[0] for _ in range(4)]
                gain = known.value["detector_gain"][:, None]
                errors = np.array([view.seen / gain - weights for view in views])
            else:
                await setup.rest(20.0)
                errors = (await lock.hold(weights, 0.5)).errors[-4:]
            return float(np.sqrt((errors.mean(axis=0) ** 2).mean()))
        finally:
            await setup.program(setup.level_idle)

    error, _ = on_bench(tmp_path, work)
    assert (error < 0.005) == locked


def test_verify_misses_its_gate_by_a_wrong_law(tmp_path: Path) -> None:
    async def work(setup: Faulty, known: Knowledge) -> Outcome:
        await run([*ring_steps()[:3], Resonances(), Weights(60, rounds=1)], setup, known)
        known.value["resonance_offset"] = known.value["resonance_offset"] + 0.2
        return await VerifyRings(settings=4, locked=0).run(setup, known, Silent())

    outcome, _ = on_bench(tmp_path, work)
    assert not outcome.passed


def test_lines_are_found_from_any_start() -> None:
    rng = np.random.default_rng(0)
    levels = rng.uniform(0.05, 1.75, (40, 30))
    peak, shift = rng.uniform(0.2, 1.6, 30), rng.uniform(4.5, 8.0, 30)
    seen = -1.0 + 1.9 / (1.0 + (shift * (levels - peak)) ** 2)
    found = fit_lines(levels, seen + 0.01 * rng.standard_normal(seen.shape))
    np.testing.assert_allclose(found.peak, peak, atol=0.01)
    np.testing.assert_allclose(found.shift, shift, rtol=0.06)
    assert (found.explained > 0.98).all()


def test_levels_give_the_weights_asked_for() -> None:
    from calibration.ring_model import seen_weights

    known = Knowledge.nothing(8, 2, 0.02, "microring")
    known.crosstalk[:] = 0.01, 1.0, 2e-4
    known.leak = np.array([[0.0, 0.003], [0.003, 0.0]], complex)
    low, high = np.full((2, 64), 1e-3), np.full((2, 64), 0.035)
    weights = np.random.default_rng(1).uniform(-0.6, 0.7, (2, 8, 8))
    setting = setting_for(known, weights, low, high)
    assert setting.reached.all()
    found = seen_weights(known, None, setting.levels[None])[0]
    np.testing.assert_allclose(found, weights, atol=1e-6)
    weights[0, 0, 0] = 0.95
    assert not setting_for(known, weights, low, high).reached[0, 0, 0]


def test_the_filter_finds_the_drift_it_is_given() -> None:
    rng = np.random.default_rng(2)
    times = np.arange(200, dtype=np.float64) * np.float64(0.05)
    walk = np.cumsum(rng.standard_normal((200, 60)), axis=0) * np.sqrt(1e-4 * 0.05)
    slope = rng.uniform(-1.0, 1.0, (200, 60))
    noise = np.full((200, 60), 0.003)
    seen = slope * walk + 0.003 * rng.standard_normal((200, 60))
    rate = likeliest_rate(seen, slope, noise, times)
    assert 2e-5 < rate < 5e-4
    found = filtered(seen[..., None], slope, noise, times, rate)
    assert abs(float((found.white**2).mean()) - 1.0) < 0.1
    assert float(np.abs(found.drift[:, 0] - walk[-1]).max()) < 0.02


def test_bits_count_a_constant_error_in_the_accuracy_alone() -> None:
    errors = 0.01 * np.random.default_rng(3).standard_normal((50, 1, 4, 4)) + 0.05
    found = bits(errors, np.ones(errors.shape, dtype=bool), 1.6)
    assert found.precision == pytest.approx(np.log2(160.0), abs=0.1)
    assert found.accuracy < found.precision - 2.0


@pytest.mark.parametrize("step", [Lock(sets=1), VerifyRings(settings=1)])
def test_a_model_whose_rings_share_no_weight_fails_the_gate(tmp_path: Path, step: Step) -> None:
    async def work(setup: Faulty, known: Knowledge) -> Outcome:
        await setup.program(setup.level_idle)
        known.value["amplitude"][1, 5] = 0.05  # it can hardly turn: nothing can be asked of all
        return await step.run(setup, known, Silent())

    outcome, _ = on_bench(tmp_path, work)
    assert not outcome.passed
    assert "span of weights" in outcome.gates[0].name


def test_a_bank_in_which_nothing_moves_fails_the_gate(tmp_path: Path) -> None:
    async def work(setup: Faulty, known: Knowledge) -> Outcome:
        await setup.program(setup.level_idle)
        for bank in range(BANKS):
            for element in range(PORTS**2):
                known.faults.append(
                    {"kind": "dead", "bank": bank, "element": element, "port": None, "detail": ""}
                )
        return await VerifyRings(settings=1).run(setup, known, Silent())

    outcome, _ = on_bench(tmp_path, work)
    assert not outcome.passed
