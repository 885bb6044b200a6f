"""Detector gains, offsets and memory in closed form: recursive least squares with forgetting.

For given slot matrices a reading is linear in its port's gain and offset, y = gain f + zero, and
nearly so in the memory. Each batch adds its normal equations to what is remembered of those before,
which fades; the record's values with their uncertainties are never forgotten, so that directions
which nothing excites stay where the record has them.

A twin that is still wrong elsewhere predicts f wrongly in the same way for all samples of a
setting. Such an error does not average over samples, only over inputs: it is charged in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hil.control.trace import Trace
from hil.twin.machine import Twin, samples_before


@dataclass(frozen=True)
class PortSettings:
    """forgetting : what of the normal equations a batch leaves; noise : signal units, the least
    read noise that is believed; memory : prior sigma of the memory.
    """

    forgetting: float = 0.98
    noise: float = 0.005
    memory: float = 0.03


class PortFilter:
    """Keeps `gain`, `zero` and `memory` of a twin. gain, zero : (N,) prior sigmas."""

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = ("_square", "_known", "_memory_square", "_memory_known")

    def __init__(self, twin: Twin, gain: Tensor, zero: Tensor, settings: PortSettings) -> None:
        self.twin = twin
        self.settings = settings
        tiny = 1e-6
        self._prior = torch.diag_embed(torch.stack([gain, zero], dim=-1).clamp_min(tiny) ** -2)
        self.forget()

    def forget(self) -> None:
        """Begin again from the record."""
        ports = self.twin.ports
        self._square = torch.zeros(ports, 2, 2, dtype=torch.float64)
        self._known = torch.zeros(ports, 2, 1, dtype=torch.float64)
        self._memory_square = self._memory_known = 0.0

    @torch.no_grad()
    def update(self, powers: Tensor, trace: Trace) -> None:
        """Renew the twin's numbers from a batch at powers (n_banks, elements)."""
        twin, q, s = self.twin, self.twin.parameters, self.settings
        sound = np.asarray(np.isfinite(trace.sent).all(axis=2))
        before_sound = np.roll(sound, 1, axis=0) | trace.after_dark[:, None]
        finite = np.isfinite(trace.measured) & (sound & before_sound)[:, :, None]
        held = torch.from_numpy(finite & ~trace.clipped).to(torch.float64)
        sent = torch.from_numpy(np.where(sound[:, :, None], trace.sent, 0.0))
        measured = torch.from_numpy(np.where(finite, trace.measured, 0.0))
        light = twin.modulate(sent).movedim(1, 0)
        measured = measured - twin.beyond(light.movedim(0, 1))
        earlier = samples_before(light, torch.from_numpy(trace.after_dark))
        matrix = twin.matrices(powers)[list(trace.banks)].mT
        now, then = (light @ matrix).movedim(0, 1), (earlier @ matrix).movedim(0, 1)
        r = torch.sqrt(q["softness"].clamp_min(1e-12))
        f = torch.tanh(r * (now + q["memory"] * then)) / r
        wrong = held * (measured - q["gain"] * f - q["zero"])
        count = held.sum(dim=(0, 1)).clamp_min(1.0)
        wrong2 = (wrong**2).sum(dim=(0, 1)) / count
        systematic = (wrong2 - s.noise**2).clamp_min(0.0) * count / twin.ports
        weight = held / (s.noise**2 + systematic)
        self._gains(f, measured, weight)
        self._one_memory(then * q["gain"] * (1.0 - (r * f) ** 2), wrong, weight)

    def _gains(self, f: Tensor, measured: Tensor, weight: Tensor) -> None:
        basis = torch.stack([f, torch.ones_like(f)], dim=-1)
        keep, prior = self.settings.forgetting, self.twin.prior
        self._square = keep * self._square + torch.einsum(
            "btn,btni,btnj->nij", weight, basis, basis
        )
        new = torch.einsum("btn,btni,btn->ni", weight, basis, measured)
        self._known = keep * self._known + new.unsqueeze(-1)
        start = torch.stack([prior["gain"], prior["zero"]], dim=-1).unsqueeze(-1)
        found = torch.linalg.solve(self._prior + self._square, self._prior @ start + self._known)
        self.twin.parameters["gain"] = found[:, 0, 0].clone()
        self.twin.parameters["zero"] = found[:, 1, 0].clone()

    def _one_memory(self, slope: Tensor, wrong: Tensor, weight: Tensor) -> None:
        keep, memory = self.settings.forgetting, float(self.twin.parameters["memory"])
        square = float((weight * slope**2).sum())
        self._memory_square = keep * self._memory_square + square
        known = float((weight * slope * wrong).sum()) + square * memory
        self._memory_known = keep * self._memory_known + known
        prior = self.settings.memory**-2
        start = prior * float(self.twin.prior["memory"])
        found = (start + self._memory_known) / (prior + self._memory_square)
        self.twin.parameters["memory"] = torch.tensor(found, dtype=torch.float64)
