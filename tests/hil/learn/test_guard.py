"""Trust gate and drift watch together: a gradient that the bench denies, and what follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hil.control.electronics import Electronics
from hil.learn.guard import Batch, Guard
from hil.learn.pat import twin_pass
from hil.learn.trust import GateSettings
from hil.learn.watch import DriftWatch
from hil.twin.parameters import TwinParameters, copy_parameters
from tests.hil.learn.benches import BANKS, PORTS, STEPS, Scene, compute

SETTINGS = GateSettings(every=50)


class Trained:
    """A scene with a task: the batch that is on the bench, and its gradient by any parameters."""

    def __init__(self, seed: int, settings: GateSettings = SETTINGS) -> None:
        self.scene = Scene(seed=seed)
        scene, rng = self.scene, np.random.default_rng(seed)
        self.watch: DriftWatch = scene.watch(health=0)
        self.guard = Guard(
            scene.machine, scene.schedule, scene.twin, scene.limits, settings, compute, self.watch
        )
        self.inputs = 0.3 * rng.standard_normal((64, STEPS, PORTS))
        self.inputs[:, 1:] = 0.0
        self.labels = torch.from_numpy(rng.integers(0, 4, 64))
        self.readout = torch.from_numpy(rng.standard_normal((4, PORTS)))
        self.electronics = Electronics(np.ones(BANKS), np.zeros((BANKS, PORTS)))

    def true_gradient(self) -> Tensor:
        """Of the loss with respect to the powers, on the bench as it is."""
        scene = self.scene
        powers = scene.powers.clone().requires_grad_()
        state = twin_pass(
            scene.truth,
            powers,
            torch.from_numpy(self.electronics.gain),
            torch.from_numpy(self.electronics.bias),
            0.0,
            torch.from_numpy(self.inputs),
            tuple(t % BANKS for t in range(STEPS)),
            torch.arange(64) == 0,
        )
        loss = functional.cross_entropy(state @ self.readout.T, self.labels)
        return torch.autograd.grad(loss, powers)[0]

    def check(self, gradient: Callable[[TwinParameters], Tensor]) -> str:
        """Let the gate check a gradient; gives the verdict."""
        scene = self.scene
        batch = Batch(
            scene.powers, self.electronics, self.readout, self.inputs, self.labels, gradient
        )
        asyncio.run(self.guard.learnt(scene.batch, batch))
        # The loop writes the next levels afterwards.
        scene.program()
        return self.watch.events[-1].data["verdict"]

    def batches(self, count: int) -> None:
        """As `Scene.batches`, through the guard."""
        scene = self.scene
        for _ in range(count):
            scene.batch += 1
            scene.powers = (scene.powers + 0.005 * scene.normal(BANKS, PORTS**2)).clamp(0.1, 2.0)
            scene.program()
            asyncio.run(self.guard.measured(scene.batch, scene.powers))


def test_a_true_gradient_passes_and_is_entered_under_gate() -> None:
    trained = Trained(1)
    trained.batches(20)
    slope = trained.true_gradient()
    assert trained.check(lambda _: slope) == "passed"
    event = trained.watch.events[-1]
    assert event.kind == "gate"
    assert event.data["measured"] == pytest.approx(event.data["predicted"], rel=0.2)
    passes = trained.scene.machine.ledger.passes
    assert passes["gate"] == 2 * 64
    assert trained.guard.summary()["gate"] == {"passed": 1}


def test_a_gradient_that_the_noise_hides_is_unclear() -> None:
    trained = Trained(2, GateSettings(step=1e-6))
    trained.batches(20)
    slope = trained.true_gradient()
    assert trained.check(lambda _: slope) == "unclear"
    assert trained.check(lambda _: torch.zeros_like(slope)) == "unclear"


def test_both_sides_stay_within_the_limits() -> None:
    trained = Trained(3)
    scene = trained.scene
    trained.batches(10)
    scene.powers[0, 5], scene.powers[1, 7] = 2.5, 0.05
    slope = trained.true_gradient()
    first = len(scene.machine.programmed)
    trained.check(lambda _: slope)
    levels = np.stack(scene.machine.programmed[first:]) / scene.twin.p_pi
    assert len(levels) >= 2
    assert levels.max() <= 2.5 + 1e-12
    assert levels.min() >= 0.05 - 1e-12
    assert np.abs(levels - scene.powers.numpy()).max() <= SETTINGS.largest + 1e-12


def _by(good: TwinParameters, slope: Tensor) -> Callable[[TwinParameters], Tensor]:
    """A gradient that is right by the offsets of `good`, and backwards by any others."""

    def gradient(parameters: TwinParameters) -> Tensor:
        return slope if torch.equal(parameters["offset"], good["offset"]) else -slope

    return gradient


def test_a_twin_that_fails_is_dropped_for_the_last_good_one() -> None:
    trained = Trained(4)
    scene = trained.scene
    trained.batches(20)
    good = copy_parameters(scene.twin.parameters)
    slope = trained.true_gradient()
    assert trained.check(_by(good, slope)) == "passed"
    scene.twin.parameters = {**good, "offset": good["offset"] + 1.0}
    assert trained.check(_by(good, slope)) == "failed"
    assert trained.watch.events[-1].data["fallback"] is True
    assert torch.equal(scene.twin.parameters["offset"], good["offset"])
    assert torch.equal(scene.refit.adopted[-1]["offset"], good["offset"])


def test_without_a_good_twin_a_failed_gate_is_as_an_alarm() -> None:
    trained = Trained(5)
    scene = trained.scene
    trained.batches(20)
    slope = trained.true_gradient()
    scene.move(0.3 * scene.normal(BANKS, PORTS**2))
    assert trained.check(lambda _: -slope) == "failed"
    assert trained.watch.events[-1].data["fallback"] is False
    trained.batches(1)
    alarm, action = trained.watch.events[-2:]
    assert alarm.text.startswith("the gate failed")
    assert action.data["action"] == "refit"
    assert trained.guard.due(scene.batch)


def test_a_fixed_twin_that_fails_stays_as_it_is() -> None:
    trained = Trained(6)
    scene = trained.scene
    trained.watch.refit = None
    trained.batches(20)
    before = scene.twin.parameters["offset"].clone()
    slope = trained.true_gradient()
    assert trained.check(lambda _: slope) == "passed"
    assert trained.check(lambda _: -slope) == "failed"
    trained.batches(30)
    assert torch.equal(scene.twin.parameters["offset"], before)
    assert [event.kind for event in trained.watch.events] == ["gate", "gate"]


def test_after_a_repair_the_twin_of_before_is_good_no_longer() -> None:
    """It is of a bench that is no more, however well its gradient does on one batch."""
    trained = Trained(7)
    scene = trained.scene
    trained.batches(60)
    good = copy_parameters(scene.twin.parameters)
    slope = trained.true_gradient()
    assert trained.check(_by(good, slope)) == "passed"
    scene.move(0.2 * scene.normal(BANKS, PORTS**2))
    trained.batches(10)
    assert trained.watch.ladder.taken["refit"] == 1  # type: ignore[index]
    repaired = copy_parameters(scene.twin.parameters)
    slope = trained.true_gradient()
    assert trained.check(_by(good, slope)) == "failed"
    assert torch.equal(scene.twin.parameters["offset"], repaired["offset"])
    assert trained.watch.events[-1].data["fallback"] is False


def test_the_gate_is_due_at_its_batches_and_after_a_repair() -> None:
    trained = Trained(8)
    assert [number for number in range(1, 120) if trained.guard.due(number)] == [50, 100]
    trained.batches(60)
    trained.scene.move(0.2 * trained.scene.normal(BANKS, PORTS**2))
    trained.batches(10)
    assert trained.guard.due(70)
    slope = trained.true_gradient()
    trained.check(lambda _: slope)
    assert not trained.guard.due(71)
    off = Trained(8, GateSettings(every=0))
    off.guard._repaired = True
    assert not any(off.guard.due(number) for number in range(1, 1000))
