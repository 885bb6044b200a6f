"""The training loop: measure a batch, learn from it, write new levels while the twin refits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from hil.control.feedback import run_schedule
from hil.control.machine import Machine
from hil.control.schedule import Schedule
from hil.control.trace import Floats, Trace
from hil.learn.guard import Batch, Guard
from hil.learn.limits import Limits
from hil.learn.network import Network
from hil.learn.pat import believed_slots, measured_pass, twin_pass
from hil.learn.reports import EpochReport, StepReport, Watcher
from hil.learn.settings import TrainingSettings
from hil.tasks.task import Split, Task
from hil.twin.parameters import TwinParameters
from hil.twin.protocol import SlotTwin
from hil.twin.refitting import Refit

#: Drift that is believed of a refit, in units of the walk seen at the health setting: drift that
#: comes back to where it was has walked farther than it shows.
BEYOND_WALKED = 1.5
#: Batches from one look at what the twin believes to the next, and samples of it.
BELIEVED_EVERY, BELIEVED = 5, 16
#: Most of the first rates that drift may keep training at.
MOST_LATE = 0.5
T = TypeVar("T")
#: Runs digital work off the control loop (inline on a virtual loop) and returns its result.
Compute = Callable[[Callable[[], T]], Awaitable[T]]


def believed_final(measured: Tensor, believed: Tensor) -> Tensor:
    """The measured final state, with the gradient of the believed one (output-only training)."""
    return believed + (measured - believed).detach()


def batch_starts(items: int, batch: int) -> range:
    """First items of an epoch's batches; a rest of less than half a batch is left out."""
    size = min(batch, items)
    return range(0, items - size // 2, size)


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
    """

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

    async def run(self, epochs: int) -> list[EpochReport]:
        """Train for `epochs` and return a report of each."""
        optimiser, rates = self._optimiser(epochs)
        rng = np.random.default_rng([self.settings.seed, 0xDA7A])
        reports: list[EpochReport] = []
        clamped = self.network.clamp(self.limits)
        number = told = shown = 0
        for epoch in range(1, epochs + 1):
            losses: list[float] = []
            right = seen = 0
            batches = self._batches(rng)
            for index, chosen in enumerate(batches):
                inputs, labels = self._inputs(chosen, rng)
                with self.machine.ledger.purpose("training"):
                    trace = await self._measure(inputs)
                powers = self.network.powers.detach().clone()
                number += 1
                guard = self.guard
                if guard is not None:
                    await guard.measured(number, powers)
                checked = None
                if guard is not None and self.train_powers and guard.due(number):
                    checked = self._checked(powers, inputs, labels, trace)

                def learn(
                    trace: Trace = trace,
                    inputs: np.ndarray = inputs,
                    labels: Tensor = labels,
                ) -> tuple[float, int, int]:
                    return self._learn(optimiser, rates, inputs, labels, trace)

                loss, correct, outside = await self.compute(learn)
                if outside:
                    self.machine.ledger.count("clamped levels", outside)
                clamped += outside
                losses.append(loss)
                right, seen = right + correct, seen + len(labels)
                if guard is not None and checked is not None:
                    await guard.learnt(number, checked)
                believed = await self._believe(number, powers, trace)
                await self._write_and_refit(powers, trace)
                events = guard.events[shown:] if guard is not None else []
                shown += len(events)
                self.watcher.step(
                    StepReport(
                        number=number,
                        epoch=epoch,
                        index=index,
                        batches=len(batches),
                        loss=loss,
                        accuracy=correct / len(labels),
                        clamped=outside,
                        residual=self.refit.residual if self.refit else None,
                        powers=powers,
                        trace=trace,
                        measured_on=self.measured_on,
                        events=events,
                        believed=believed,
                    )
                )
            held_out = await measure_accuracy(
                self.machine, self.schedule, self.network, self.task.held_out, "validation"
            )
            report = EpochReport(
                epoch=epoch,
                epochs=epochs,
                loss=float(np.mean(losses)),
                train_accuracy=right / seen,
                held_out_accuracy=held_out,
                measured_on=self.measured_on,
                residual=self.refit.residual if self.refit else None,
                fallbacks=self.refit.fallbacks if self.refit else 0,
                clamped=clamped,
                bench_time=self.machine.now(),
                alarms=self.guard.watch.alarms if self.guard else 0,
                events=[event.as_row() for event in self.guard.events[told:]] if self.guard else [],
            )
            told = len(self.guard.events) if self.guard else 0
            reports.append(report)
            self.watcher.epoch(report, self.network, self.twin)
        return reports

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

    def _batches(self, rng: np.random.Generator) -> list[np.ndarray]:
        order = rng.permutation(len(self.task.train))
        starts = batch_starts(len(order), self.settings.batch)
        return [order[i : i + starts.step] for i in starts]

    def _inputs(self, chosen: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Tensor]:
        features = self.task.train.features[chosen]
        noisy = features + self.task.input_noise * rng.normal(size=features.shape)
        labels = torch.from_numpy(self.task.train.labels[chosen])
        return self.schedule.place(noisy, self.machine.ports), labels

    def _optimiser(
        self, epochs: int
    ) -> tuple[torch.optim.Adam, torch.optim.lr_scheduler.LRScheduler]:
        network, settings = self.network, self.settings
        network.powers.requires_grad_(self.train_powers)
        groups = [
            {
                "params": [network.gain, network.bias, network.readout],
                "lr": settings.electronics_rate,
            }
        ]
        if self.train_powers:
            groups.append({"params": [network.powers], "lr": settings.power_rate})
        optimiser = torch.optim.Adam(groups, foreach=True)
        batches = len(self._batches(np.random.default_rng(0)))
        steps = epochs * batches

        def share(step: int) -> float:
            cosine = 0.5 * (1.0 + math.cos(math.pi * step / steps))
            return max(cosine, min(self._drift_share(), MOST_LATE))

        rates = torch.optim.lr_scheduler.LambdaLR(optimiser, share)
        return optimiser, rates

    def _drift_share(self) -> float:
        """The steps that keep up with the drift, as a share of the first ones."""
        if self.refit is None:
            return 0.0
        settings, drift = self.settings, self.refit.drift
        walked = None if self.guard is None else self.guard.watch.walked
        if walked is not None:
            # A refit may take errors of its law for drift; a setting that is read again cannot.
            drift = min(drift, BEYOND_WALKED * walked)
        return settings.follow * drift / (math.pi * settings.power_rate)

    def _learn(
        self,
        optimiser: torch.optim.Optimizer,
        rates: torch.optim.lr_scheduler.LRScheduler,
        inputs: np.ndarray,
        labels: Tensor,
        trace: Trace,
    ) -> tuple[float, int, int]:
        """One step of the task's gradient: (loss, right answers, clamped levels)."""
        logits = self.logits(torch.from_numpy(inputs), trace)
        loss = functional.cross_entropy(logits, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rates.step()
        outside = self.network.clamp(self.limits)
        right = int((logits.detach().argmax(dim=1) == labels).sum())
        return float(loss.detach()), right, outside

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


async def measure_logits(
    machine: Machine, schedule: Schedule, network: Network, features: np.ndarray, purpose: str
) -> np.ndarray:
    """Logits (items, classes) MEASURED on the machine."""
    with machine.ledger.purpose(purpose):
        trace = await run_schedule(
            machine,
            schedule,
            network.levels(),
            network.electronics(),
            schedule.place(features, machine.ports),
        )
    return trace.state @ network.readout.detach().numpy().T


async def deploy(machine: Machine, network: Network, warm_up: float) -> None:
    """Write a network's levels and wait `warm_up` s, until the chip has followed to the last."""
    await machine.program(network.levels())
    await machine.rest(warm_up)


async def measure_accuracy(
    machine: Machine, schedule: Schedule, network: Network, part: Split, purpose: str
) -> float:
    """Share of right answers on `part`, measured on the machine."""
    logits = await measure_logits(machine, schedule, network, part.features, purpose)
    return float(np.mean(logits.argmax(axis=1) == part.labels))
