"""The training loop: measure a batch, learn from it, write new levels while the twin refits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from hil.control.feedback import run_schedule
from hil.control.machine import Machine
from hil.control.schedule import Schedule
from hil.control.trace import Floats, Trace
from hil.learn.digital_steps import digital_loss
from hil.learn.guard import Batch, Guard
from hil.learn.keeping import Hold, Keeper, NoKeeper, no_hold
from hil.learn.limits import Limits
from hil.learn.measuring import measure_accuracy
from hil.learn.network import Network
from hil.learn.pat import believed_slots, measured_pass, twin_pass
from hil.learn.position import Position, batch_starts
from hil.learn.rates import Rates, drift_share
from hil.learn.reports import EpochReport, StepReport, Watcher
from hil.learn.settings import TrainingSettings
from hil.tasks.task import Task
from hil.twin.parameters import TwinParameters
from hil.twin.protocol import SlotTwin
from hil.twin.refitting import Refit

#: Batches from one look at what the twin believes to the next, and samples of it.
BELIEVED_EVERY, BELIEVED = 5, 16
T = TypeVar("T")
#: Runs digital work off the control loop (inline on a virtual loop) and returns its result.
Compute = Callable[[Callable[[], T]], Awaitable[T]]


def believed_final(measured: Tensor, believed: Tensor) -> Tensor:
    """The measured final state, with the gradient of the believed one (output-only training)."""
    return believed + (measured - believed).detach()


@dataclass
class Trainer:
    """Trains a network on a machine by the gradient of a twin.

    Attributes
    ----------
    machine : where passes are measured (a bench, or a digital machine for in-silico training).
    twin : believed in backward passes; `refit` keeps it true, or is None.
    final_only : only the last state is taken from the machine; gradients run through the twin.
    measured_on : what `machine` is, `bench` or `twin`, for reports.
    train_powers : whether heater powers are trained, or stay at their seeded start.
    guard : watches bench and twin, or None.
    hold : awaited before each step; a pause waits there, and a stop is raised.
    keeper : shown the trainer after each step and epoch, to keep its state.
    resume : puts the trainer into the state in which a run was left.
    """

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = (
        "position",
        "network",
        "twin",
        "refit",
        "guard",
        "steps_of_rates",
        "_optimiser",
        "_rng",
    )

    machine: Machine
    schedule: Schedule
    task: Task
    network: Network
    twin: SlotTwin
    settings: TrainingSettings
    limits: Limits
    compute: Compute[Any]
    watcher: Watcher
    refit: Refit | None = None
    final_only: bool = False
    train_powers: bool = True
    measured_on: str = "bench"
    guard: Guard | None = None
    hold: Hold = no_hold
    keeper: Keeper = field(default_factory=NoKeeper)
    resume: Callable[[Trainer], Awaitable[None]] | None = None
    position: Position = field(default_factory=Position)

    @property
    def steps_of_rates(self) -> int:
        """Steps for which the rates have been annealed."""
        return self._rates.steps

    @steps_of_rates.setter
    def steps_of_rates(self, steps: int) -> None:
        self._rates.steps = steps

    @property
    def _optimiser(self) -> torch.optim.Optimizer:
        return self._rates.optimiser

    async def run(self, epochs: int) -> list[EpochReport]:
        """Train for `epochs`, from the start or where `resume` left off; a report of each epoch.

        Raises
        ------
        Stopped
            Where `hold` says so.
        """
        steps = epochs * len(batch_starts(len(self.task.train), self.settings.batch))
        self.network.powers.requires_grad_(self.train_powers)
        self._rates = Rates(
            self.network,
            self.settings,
            steps,
            lambda: drift_share(self.settings, self.refit, self.guard),
        )
        self._rng = np.random.default_rng([self.settings.seed, 0xDA7A])
        at = self.position
        if self.resume is None:
            at.clamped = self.network.clamp(self.limits)
        else:
            await self.resume(self)
        reports: list[EpochReport] = []
        while at.epoch <= epochs:
            if at.order is None:
                at.order = self._rng.permutation(len(self.task.train))
            starts = batch_starts(len(at.order), self.settings.batch)
            while at.index < len(starts):
                await self.hold()
                first = starts[at.index]
                await self._step(at.order[first : first + starts.step], len(starts))
                self.keeper.step(self)
            reports.append(await self._epoch(epochs))
            self.keeper.epoch(self)
        return reports

    async def _step(self, chosen: np.ndarray, batches: int) -> None:
        """Measure a batch of training items, learn from it, write and refit, and report it."""
        at, guard = self.position, self.guard
        inputs, labels = self._inputs(chosen, self._rng)
        with self.machine.ledger.purpose("training"):
            trace = await self._measure(inputs)
        powers = self.network.powers.detach().clone()
        at.number += 1
        if guard is not None:
            await guard.measured(at.number, powers)
        checked = None
        if guard is not None and self.train_powers and guard.due(at.number):
            checked = self._checked(powers, inputs, labels, trace)
        loss, right, outside = await self.compute(lambda: self._learn(inputs, labels, trace))
        if outside:
            self.machine.ledger.count("clamped levels", outside)
        if guard is not None and checked is not None:
            await guard.learnt(at.number, checked)
        believed = await self._believe(at.number, powers, trace)
        await self._write_and_refit(powers, trace)
        events = guard.events[at.shown :] if guard is not None else []
        report = StepReport(
            number=at.number,
            epoch=at.epoch,
            index=at.index,
            batches=batches,
            loss=loss,
            accuracy=right / len(labels),
            clamped=outside,
            residual=self.refit.residual if self.refit else None,
            powers=powers,
            trace=trace,
            measured_on=self.measured_on,
            events=events,
            believed=believed,
            sums=None if guard is None else guard.watch.sums_at(at.number),
        )
        at.counted(loss, right, len(labels), outside)
        at.shown += len(events)
        self.watcher.step(report)

    async def _epoch(self, epochs: int) -> EpochReport:
        """Judge the network on the held-out items, and report the epoch."""
        at, events = self.position, self.guard.events if self.guard else []
        held_out = await measure_accuracy(
            self.machine, self.schedule, self.network, self.task.held_out, "validation"
        )
        report = EpochReport(
            epoch=at.epoch,
            epochs=epochs,
            loss=float(np.mean(at.losses)),
            train_accuracy=at.right / at.seen,
            held_out_accuracy=held_out,
            measured_on=self.measured_on,
            residual=self.refit.residual if self.refit else None,
            fallbacks=self.refit.fallbacks if self.refit else 0,
            clamped=at.clamped,
            bench_time=self.machine.now(),
            bench_seconds=self.machine.ledger.bench_seconds,
            alarms=self.guard.watch.alarms if self.guard else 0,
            events=[event.as_row() for event in events[at.told :]],
        )
        at.told = len(events)
        at.next_epoch()
        self.watcher.epoch(report, self.network, self.twin)
        return report

    async def _measure(self, inputs: np.ndarray) -> Trace:
        network = self.network
        return await run_schedule(
            self.machine, self.schedule, network.levels(), network.electronics(), inputs
        )

    async def _believe(self, number: int, powers: Tensor, trace: Trace) -> Floats | None:
        """Now and then, what the twin believes of some samples, for whoever watches."""
        if self.measured_on != "bench" or number % BELIEVED_EVERY:
            return None
        return await self.compute(lambda: believed_slots(self.twin, powers, trace, BELIEVED))

    async def _write_and_refit(self, powers: Tensor, trace: Trace) -> None:
        """New levels are written and settle while the twin refits."""
        writing = self.machine.program(self.network.levels())
        refit = self.refit
        if refit is None:
            await writing
            return
        await asyncio.gather(writing, self.compute(lambda: refit.observe(powers, trace)))

    def _checked(self, powers: Tensor, inputs: np.ndarray, labels: Tensor, trace: Trace) -> Batch:
        """A batch for the gate, with the network as it is before it learns."""
        held = {name: value.requires_grad_() for name, value in self.network.tensors().items()}
        network = replace(self.network, **held)

        def gradient(parameters: TwinParameters) -> Tensor:
            believed, self.twin.parameters = self.twin.parameters, parameters
            try:
                logits = self._logits(network, torch.from_numpy(inputs), trace)
                loss = functional.cross_entropy(logits, labels)
                return torch.autograd.grad(loss, network.powers)[0]
            finally:
                self.twin.parameters = believed

        readout = network.readout.detach()
        return Batch(powers, network.electronics(), readout, inputs, labels, gradient)

    def _inputs(self, chosen: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Tensor]:
        features = self.task.train.features[chosen]
        noisy = features + self.task.input_noise * rng.normal(size=features.shape)
        labels = torch.from_numpy(self.task.train.labels[chosen])
        return self.schedule.place(noisy, self.machine.ports), labels

    def _learn(self, inputs: np.ndarray, labels: Tensor, trace: Trace) -> tuple[float, int, int]:
        """One step of the task's gradient: (loss, right answers, clamped levels)."""
        logits = self.logits(torch.from_numpy(inputs), trace)
        loss = functional.cross_entropy(logits, labels)
        self._rates.learn(loss)
        outside = self.network.clamp(self.limits)
        for _ in range(self._digital_steps()):
            outside += self._learn_digitally()
        self._rates.anneal()
        right = int((logits.detach().argmax(dim=1) == labels).sum())
        return float(loss.detach()), right, outside

    def _digital_steps(self) -> int:
        """Steps on the twin that follow: none where it is not kept true by every slot."""
        kept_true = self.refit is not None and self.train_powers and not self.final_only
        return self.settings.digital_steps if kept_true else 0

    def _learn_digitally(self) -> int:
        """A step on the twin alone: clamped levels."""
        items = len(self.task.train)
        some = min(self.settings.digital_batch, items)
        chosen = self._rng.choice(items, some, replace=False)
        inputs, labels = self._inputs(chosen, self._rng)
        placed = torch.from_numpy(inputs)
        self._rates.learn(digital_loss(self.twin, self.network, self.schedule, placed, labels))
        self.machine.ledger.count_digital("steps between batches", some)
        return self.network.clamp(self.limits)

    def logits(self, inputs: Tensor, trace: Trace) -> Tensor:
        """Logits (batch, classes) of a measured pass, differentiable in the trainables."""
        return self._logits(self.network, inputs, trace)

    def _logits(self, n: Network, inputs: Tensor, trace: Trace) -> Tensor:
        state = (
            believed_final(
                torch.from_numpy(trace.state),
                twin_pass(
                    self.twin,
                    n.powers,
                    n.gain,
                    n.bias,
                    n.skip,
                    inputs,
                    trace.banks,
                    torch.from_numpy(trace.after_dark),
                ),
            )
            if self.final_only
            else measured_pass(self.twin, n.powers, n.gain, n.bias, n.skip, inputs, trace)
        )
        return state @ n.readout.T
