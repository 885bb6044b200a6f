"""The training methods, as assemblies of one loop.

| method          | passes measured on | gradient believed from        | trained                  |
|-----------------|--------------------|-------------------------------|--------------------------|
| pat             | bench, every slot  | twin (online or fixed)        | powers, g, c, R          |
| pat-final       | bench, last output | twin, its own states          | powers, g, c, R          |
| in-silico       | start twin         | start twin, never updated     | powers, g, c, R          |
| in-silico-refit | then: bench        | start twin                    | then: g, c, R            |
| frozen          | bench, every slot  | twin (online or fixed)        | g, c, R                  |
| ideal           | ideal twin         | ideal twin                    | powers, g, c, R          |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hil.control.machine import Machine
from hil.control.schedule import Schedule
from hil.control.trace import Floats
from hil.learn.digital import DigitalMachine
from hil.learn.guard import Guard
from hil.learn.keeping import Hold, Keeper, NoKeeper, no_hold
from hil.learn.limits import Limits
from hil.learn.loop import Compute, Trainer
from hil.learn.measuring import deploy, measure_logits
from hil.learn.network import Network
from hil.learn.reports import EpochReport, Watcher
from hil.learn.resuming import LeftOff
from hil.learn.settings import Method, TrainingSettings, TwinMode
from hil.learn.watch import DriftWatch, Recalibrate
from hil.tasks.task import Task
from hil.twin.protocol import SlotTwin
from hil.twin.refitting import Refit, new_refit

#: Strengths that the logistic regression beside the methods may choose from.
INVERSE_PENALTIES = (1.0, 10.0, 100.0)


@dataclass(frozen=True)
class Trained:
    """What a method leaves: the network, the twin as it stands, and where it is to be judged.

    `digital` says that this place is a twin: no accuracy of a bench. `watched` is what the drift
    watch and the trust gate found, where there were any. `held` says that the bench holds the
    levels already, and reached them in small steps: no thermal tail is to be waited for.
    """

    network: Network
    twin: SlotTwin
    reports: list[EpochReport]
    machine: Machine
    digital: bool = False
    watched: dict[str, Any] | None = None
    held: bool = False


@dataclass(frozen=True)
class Assembly:
    """All that a method is assembled from. `new_twin` gives a fresh start twin each time.

    `recalibrate` renews a twin by calibration on the open bench, where that is possible. `hold` is
    awaited before each step; `keeper` gives what keeps the state of each stage of a method; `left`
    is where a run that is gone on with was left.
    """

    bench: Machine
    schedule: Schedule
    task: Task
    new_twin: Callable[[], SlotTwin]
    limits: Limits
    warm_up: float
    compute: Compute
    watcher: Watcher
    recalibrate: Recalibrate | None = None
    hold: Hold = no_hold
    keeper: Callable[[int], Keeper] = lambda stage: NoKeeper()
    left: LeftOff | None = None

    async def train(self, settings: TrainingSettings) -> Trained:
        """Train by `settings.method` from the seeded start."""
        twin = self.new_twin()
        network = Network.start(twin, self.task.classes, settings.seed)
        match settings.method:
            case Method.IDEAL:
                return await self._digital(twin.ideal(), network, settings)
            case Method.IN_SILICO:
                trained = await self._digital(twin, network, settings)
                return replace(trained, machine=self.bench, digital=False)
            case Method.IN_SILICO_REFIT:
                before: list[EpochReport] = []
                if self.left is None or self.left.stage == 0:
                    before = (await self._digital(twin, network, settings)).reports
                trainer = self._trainer(self.bench, network, twin, settings, stage=1)
                trainer.train_powers = False
                trainer.guard = self._guard(twin, settings, None)
                if trainer.resume is None:
                    await deploy(self.bench, network, self.warm_up)
                reports = [*before, *await trainer.run(settings.readout_epochs)]
                watched = trainer.guard.summary()
                return Trained(network, twin, reports, self.bench, watched=watched)
            case _:
                return await self._on_bench(twin, network, settings)

    async def _on_bench(
        self, twin: SlotTwin, network: Network, settings: TrainingSettings
    ) -> Trained:
        trainer = self._trainer(self.bench, network, twin, settings)
        trainer.final_only = settings.method is Method.PAT_FINAL
        trainer.train_powers = settings.method is not Method.FROZEN
        if settings.twin is TwinMode.ONLINE:
            trainer.refit = new_refit(twin, settings.refit, settings.seed)
        trainer.guard = self._guard(twin, settings, trainer.refit)
        reports = await trainer.run(settings.epochs)
        watched = trainer.guard.summary()
        return Trained(network, twin, reports, self.bench, watched=watched, held=True)

    async def _digital(
        self, twin: SlotTwin, network: Network, settings: TrainingSettings
    ) -> Trained:
        machine = DigitalMachine(twin)
        trainer = self._trainer(machine, network, twin, settings)
        trainer.measured_on = "twin"
        if self.left is not None:  # the machine is made anew; what it counts goes on
            machine.ledger.carry(self.left.machine)
        reports = await trainer.run(settings.epochs)
        passes = sum(machine.ledger.passes.values())
        self.bench.ledger.count_digital(f"{settings.method} training", passes)
        return Trained(network, twin, reports, machine, digital=True)

    def _guard(self, twin: SlotTwin, settings: TrainingSettings, refit: Refit | None) -> Guard:
        """Drift watch and trust gate; they put right what `refit` keeps true, or only tell."""
        watch = DriftWatch(
            self.bench,
            self.schedule,
            twin,
            self.limits,
            settings.watch,
            self.compute,
            refit,
            self.recalibrate,
        )
        return Guard(
            self.bench, self.schedule, twin, self.limits, settings.gate, self.compute, watch
        )

    def _trainer(
        self,
        machine: Machine,
        network: Network,
        twin: SlotTwin,
        settings: TrainingSettings,
        stage: int = 0,
    ) -> Trainer:
        trainer = Trainer(
            machine,
            self.schedule,
            self.task,
            network,
            twin,
            settings,
            self.limits,
            self.compute,
            self.watcher,
            hold=self.hold,
            keeper=self.keeper(stage),
        )
        if self.left is not None and self.left.stage == stage:
            trainer.resume = self._rejoin
        return trainer

    async def _rejoin(self, trainer: Trainer) -> None:
        """Put a trainer where the run was left, and the bench at its levels."""
        assert self.left is not None
        self.left.put(trainer)
        if trainer.machine is self.bench:
            await deploy(self.bench, trainer.network, self.warm_up)

    async def test_logits(self, trained: Trained) -> Floats:
        """Logits (items, classes) of the test part, measured once with the last weights."""
        await deploy(trained.machine, trained.network, 0.0 if trained.held else self.warm_up)
        features = self.task.test.features
        return await measure_logits(
            trained.machine, self.schedule, trained.network, features, "evaluation"
        )


def logistic_regression(task: Task) -> float:
    """Test accuracy of multinomial logistic regression on the same inputs.

    Its penalty is the one that does best on the held-out items: at scikit-learn's own, inputs as
    small as a modulator's cost it five points, and a weak reference flatters what stands beside.
    """
    from sklearn.linear_model import LogisticRegression

    models = [
        LogisticRegression(C=inverse, max_iter=5000).fit(task.train.features, task.train.labels)
        for inverse in INVERSE_PENALTIES
    ]
    best = max(models, key=lambda m: m.score(task.held_out.features, task.held_out.labels))
    return float(best.score(task.test.features, task.test.labels))
