"""Slow refit of what neither banks nor ports are known by: losses, leak, modulators, saturation.

Adam on the one-slot error over the newest setting and a replay of past ones, pulled toward the
record. A past setting is seen with the phases that the bank filter believed then, so that drift
since is no error. Slopes, curvature and crosstalk only say how phases change with levels: over
such settings they have no error to learn from, and the bank filter carries their doubt.

The direction that measurements cannot tell is frozen: the common loss of all cells, which is the
detectors' gain. The others are held by the pull where the data say little.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hil.twin.flat import FlatView
from hil.twin.machine import Twin
from hil.twin.replay import Remembered, slot_error

#: Step of each parameter per refit relative to `rate`; what is not here is left alone.
SLOW_RATE: dict[str, float] = {
    "loss_db": 0.3,
    "leak": 0.2,
    "kappa": 0.2,
    "bias": 0.2,
    "softness": 0.1,
}


class SlowRefit:
    """Refits the slow parameters of a twin in place.

    sigma : standard uncertainty of each parameter's start, by name; scalars or of its shape.
    rate : largest step, in units of `SLOW_RATE`.
    pull : weight of the pull toward the start.
    """

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = ("_free", "_held", "_optimiser")

    def __init__(self, twin: Twin, sigma: Mapping[str, Tensor], rate: float, pull: float) -> None:
        self.twin = twin
        everything = {name: SLOW_RATE.get(name, 0.0) for name in twin.parameters}
        self._view = FlatView(twin.parameters, everything)
        self._prior = self._view.pack(twin.prior)
        uncertain = {name: sigma[name].expand_as(twin.prior[name]) for name in twin.prior}
        self._sigma = self._view.pack(uncertain)
        self._pull = pull
        self._rate = rate
        self._mean_loss = self._view.pack(
            {
                name: torch.ones_like(value) if name == "loss_db" else torch.zeros_like(value)
                for name, value in twin.prior.items()
            }
        )
        self._mean_loss /= self._mean_loss.norm()
        self.restart()

    def restart(self) -> None:
        """Go on from the twin's parameters as they are now."""
        self._free = self._view.pack(self.twin.parameters).requires_grad_()
        self._held = self._free.detach() @ self._mean_loss
        self._optimiser = torch.optim.Adam([self._free], lr=self._rate, betas=(0.9, 0.99))

    def set_rate(self, factor: float) -> None:
        """Steps of `factor` times the settings' rate from now on."""
        self._optimiser.param_groups[0]["lr"] = factor * self._rate

    def fit(self, entries: list[Remembered]) -> None:
        """One step on these settings."""
        self._free.grad = None
        with_free = {**self.twin.parameters, **self._view.unpack(self._free)}
        error = slot_error(self.twin, entries, with_free)
        if not bool(torch.isfinite(error)):
            return  # data beyond all measure: a step would spoil the optimiser's memory for good
        error.backward()
        with torch.no_grad():
            grad = self._free.grad
            assert grad is not None
            grad += self._pull * (self._free - self._prior) / self._sigma.clamp_min(1e-9) ** 2
        self._optimiser.step()
        with torch.no_grad():
            # Adam's step is not along the gradient: it is the step that is held back.
            self._free += (self._held - self._free @ self._mean_loss) * self._mean_loss
        self.twin.parameters.update(
            {name: value.detach() for name, value in self._view.unpack(self._free).items()}
        )


def pick(memory: list[Remembered], settings: int, rng: np.random.Generator) -> list[Remembered]:
    """The newest of a memory and some older ones, `settings` in all."""
    older = min(settings - 1, len(memory) - 1)
    chosen = rng.choice(len(memory) - 1, older, replace=False) if older > 0 else []
    return [memory[-1], *(memory[int(i)] for i in chosen)]
