"""Is the twin's gradient the bench's? A directional derivative, measured on the bench.

The powers are moved a little to either side along the gradient that training believes in, the same
batch is measured at both, and the change of its loss compared with what the gradient predicts.
Along the gradient g the bench's own derivative is |g_bench| cos(g, g_bench), so the ratio of
measured to predicted is the cosine, times the ratio of their sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hil.control.electronics import Electronics
from hil.control.feedback import run_schedule
from hil.control.machine import Machine
from hil.control.schedule import Schedule
from hil.learn.limits import Limits
from hil.learn.trust import GateSettings

Floats = NDArray[np.float64]


class Verdict(StrEnum):
    """What a check found."""

    PASSED = "passed"
    FAILED = "failed"
    UNCLEAR = "unclear"
    """The predicted change is not large against the noise."""


@dataclass(frozen=True)
class Check:
    """A directional check.

    predicted, measured : changes of the batch's loss from one side to the other; noise : standard
    error of the measured one; ratio : measured over predicted.
    """

    verdict: Verdict
    predicted: float
    measured: float
    noise: float

    @property
    def ratio(self) -> float:
        """Cosine of the two gradients, as far as they are of one size."""
        return self.measured / self.predicted if self.predicted else 0.0


def sides(
    settings: GateSettings, limits: Limits, powers: Tensor, gradient: Tensor
) -> tuple[Tensor, Tensor]:
    """Powers (n_banks, elements) to either side along a gradient, within all limits."""
    along = gradient / gradient.square().mean().sqrt().clamp_min(1e-30)
    by = (settings.step * along).clamp(-settings.largest, settings.largest)
    up, down = powers + by, powers - by
    limits.clamp(up)
    limits.clamp(down)
    return up, down


@dataclass(frozen=True)
class Measured:
    """A batch at two settings: the powers, and the final states (batch, N) that were measured."""

    up: Tensor
    down: Tensor
    state_up: Tensor
    state_down: Tensor

    def judge(
        self,
        settings: GateSettings,
        gradient: Tensor,
        readout: Tensor,
        labels: Tensor,
        state_noise: float,
    ) -> Check:
        """Compare with what a gradient (n_banks, elements) predicts.

        state_noise : rms noise of a final state's entry.
        """
        losses, slopes = [], []
        for state in (self.state_up, self.state_down):
            held = state.clone().requires_grad_()
            loss = functional.cross_entropy(held @ readout.T, labels)
            loss.backward()
            assert held.grad is not None
            losses.append(float(loss.detach()))
            slopes.append(float(held.grad.square().sum()))
        predicted = float((gradient * (self.up - self.down)).sum())
        measured, noise = losses[0] - losses[1], state_noise * float(np.sqrt(sum(slopes)))
        if not np.isfinite(measured) or abs(predicted) <= settings.sure * noise:
            verdict = Verdict.UNCLEAR
        elif measured / predicted >= settings.least:  # of either sign: by another twin's gradient
            verdict = Verdict.PASSED
        else:
            verdict = Verdict.FAILED
        return Check(verdict, predicted, measured, noise)


async def measure_sides(
    machine: Machine,
    schedule: Schedule,
    electronics: Electronics,
    inputs: Floats,
    up: Tensor,
    down: Tensor,
    p_pi: float,
) -> Measured:
    """Measure a batch (batch, n_steps, ports) at two settings, entered under `gate`."""
    states = []
    with machine.ledger.purpose("gate"):
        for powers in (up, down):
            levels = powers.numpy() * p_pi
            trace = await run_schedule(machine, schedule, levels, electronics, inputs)
            states.append(torch.from_numpy(trace.state))
    return Measured(up, down, *states)
