"""Refitting the twin online from what the bench sends and measures in every slot.

Every slot of every batch is a fresh equation for the bank it used. The fit minimises the one-slot
residual over the newest setting and a replay of past ones (training's own data excite only the
present setting), pulled toward the calibration record, in bounded steps. Its loss never meets the
task's: the twin's parameters receive no task gradient.

A trust gate judges the twin on each new batch BEFORE fitting it. A twin that predicts new data
clearly worse than the last good one is dropped for that one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hil.control.trace import Trace
from hil.twin.bank_filter import FilterSettings
from hil.twin.flat import FlatView
from hil.twin.neural import NeuralSettings
from hil.twin.parameters import TwinParameters, copy_parameters
from hil.twin.port_filter import PortSettings
from hil.twin.protocol import SlotTwin
from hil.twin.replay import Remembered, remember, slot_error


@dataclass(frozen=True)
class RefitSettings:
    """Settings of the online refit, chosen on held-out training data only.

    Attributes
    ----------
    kind : `layered` (see `hil.twin.layered`; meshes only), `layered-neural`, or `adam`
        (`OnlineRefit`).
    rate : largest step of a phase offset (rad) or a resonance (half-widths) per refit; others
        scale by `RELATIVE_RATE`.
    every : batches between refits.
    steps : optimiser steps in a refit.
    replay : past settings remembered.
    settings : settings in one fit, the newest among them.
    samples : samples of each remembered batch that are kept.
    pull : weight of the pull toward the record, per standard uncertainty.
    gate : a twin this much worse on new data than the last good one is dropped.
    banks, ports : of the layered refit's filters.
    enough : a layered refit lets every other batch pass while its twin predicts within this many
        times the noise floor.
    neural : of the neural residual of `layered-neural`.
    slow_rate, slow_pull, slow_steps : of its slow part, as `rate`, the pull of each entry, `steps`.
    """

    kind: str = "layered"
    rate: float = 0.003
    every: int = 1
    steps: int = 2
    replay: int = 64
    settings: int = 2
    samples: int = 24
    pull: float = 1e-5
    gate: float = 1.3
    banks: FilterSettings = field(default_factory=FilterSettings)
    ports: PortSettings = field(default_factory=PortSettings)
    enough: float = 1.2
    slow_rate: float = 0.003
    slow_pull: float = 2e-8
    slow_steps: int = 1
    neural: NeuralSettings = field(default_factory=NeuralSettings)


#: Step of each parameter relative to that of a phase offset; 0 keeps it as it is.
RELATIVE_RATE: dict[str, float] = {
    "offset": 1.0,
    "slope": 0.3,
    "curvature": 0.1,
    "crosstalk": 0.02,
    "alpha": 0.2,
    "beta": 0.2,
    "loss_db": 0.3,
    "resonance": 1.0,
    "shift": 0.3,
    "amplitude": 0.1,
    "leak": 0.2,
    "kappa": 0.2,
    "bias": 0.2,
    "gain": 0.3,
    "zero": 0.2,
    "softness": 0.1,
    "memory": 0.1,
    "lo_phase": 0.0,
}

#: Growth of the step at each batch that the twin predicts better than the last good one did: a
#: fallback halves it, some thirty good batches bring it back.
RECOVERY = 1.025

#: Departure from the record at which the pull weighs `pull`, in each parameter's unit.
PRIOR_SIGMA: dict[str, float] = {
    "offset": 0.3,
    "slope": 0.15,
    "curvature": 0.05,
    "crosstalk": 0.02,
    "alpha": 0.05,
    "beta": 0.05,
    "loss_db": 0.1,
    "resonance": 0.3,
    "shift": 0.3,
    "amplitude": 0.05,
    "leak": 0.1,
    "kappa": 0.05,
    "bias": 0.05,
    "gain": 0.05,
    "zero": 0.03,
    "softness": 0.1,
    "memory": 0.05,
    "lo_phase": 0.3,
}


class OnlineRefit:
    """Keeps a twin true to the bench. `seed` fixes the choice of replayed data."""

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = (
        "fallbacks",
        "residual",
        "_rng",
        "_memory",
        "_seen",
        "_free",
        "_good",
        "_rate",
        "_optimiser",
    )
    HEAVY: ClassVar = ("_memory",)
    #: It does not tell drift from its own errors.
    drift = 0.0

    def __init__(self, twin: SlotTwin, settings: RefitSettings, seed: int) -> None:
        self.twin = twin
        self.settings = settings
        self.fallbacks = 0
        self.residual = float("nan")
        self._rng = np.random.default_rng([seed, 0x7EF17])
        self._memory: list[Remembered] = []
        self._seen = 0
        self._view = FlatView(twin.parameters, RELATIVE_RATE)
        self._prior = self._view.pack(twin.prior)
        self._strength = self._pull_strength()
        self._free = self._view.pack(twin.parameters).requires_grad_()
        self._good = self._free.detach().clone()
        self._rate = settings.rate
        self._optimiser = self._new_optimiser()

    def observe(self, powers: Tensor, trace: Trace) -> float:
        """Remember a batch, judge the twin on it, fit when due. Returns the one-slot residual.

        powers : (n_banks, elements) in units of p_pi, at which `trace` was measured.
        The residual is the rms of (believed - measured) over all slots, in signal units.
        """
        fresh = remember(powers, trace, self.twin.n_banks, self.settings.samples, self._rng)
        self._judge(fresh)
        if len(self._memory) >= self.settings.replay:
            self._memory.pop(int(self._rng.integers(len(self._memory) // 2)))
        self._memory.append(fresh)
        self._seen += 1
        if self._seen % self.settings.every == 0:
            for _ in range(self.settings.steps):
                self._fit()
        return self.residual

    def adopt(self, parameters: TwinParameters) -> None:
        """Go on from these parameters; what was measured before is of another bench."""
        with torch.no_grad():
            self._free.copy_(self._view.pack(parameters))
        self._good = self._free.detach().clone()
        self._rate = self.settings.rate
        self._optimiser = self._new_optimiser()
        self._memory.clear()
        self.twin.parameters = copy_parameters(parameters)

    @torch.no_grad()
    def _judge(self, fresh: Remembered) -> None:
        """The trust gate: keep, or fall back to the last good twin, on data not yet fitted."""
        if not bool(fresh.weight.any()):
            return  # nothing usable was measured: no evidence for or against
        now = float(slot_error(self.twin, [fresh], self._with(self._free)))
        good = float(slot_error(self.twin, [fresh], self._with(self._good)))
        trusted = np.isfinite(now) and bool(torch.isfinite(self._free).all())
        if trusted and now <= good:
            self._good = self._free.detach().clone()
            self._rate = min(self._rate * RECOVERY, self.settings.rate)
            self._optimiser.param_groups[0]["lr"] = self._rate
        elif not trusted or now > self.settings.gate**2 * good:
            self.fallbacks += 1
            self._rate *= 0.5
            self._free.copy_(self._good)
            self._optimiser = self._new_optimiser()
            self._publish()
            now = good
        self.residual = float(np.sqrt(now))

    def _fit(self) -> None:
        pick = min(self.settings.settings - 1, len(self._memory) - 1)
        older = self._rng.choice(len(self._memory) - 1, pick, replace=False) if pick > 0 else []
        entries = [self._memory[-1], *(self._memory[int(i)] for i in older)]
        self._free.grad = None
        error = slot_error(self.twin, entries, self._with(self._free))
        if not bool(torch.isfinite(error)):
            return  # data beyond all measure: a step would spoil the optimiser's memory for good
        error.backward()
        with torch.no_grad():
            assert self._free.grad is not None  # every free parameter shapes the signal
            self._free.grad += self._strength * (self._free - self._prior)
        self._optimiser.step()
        self._publish()

    def _with(self, free: Tensor) -> TwinParameters:
        """All parameters of a twin whose free ones are these."""
        return {**self.twin.parameters, **self._view.unpack(free)}

    def _publish(self) -> None:
        """Make the fitted parameters the twin's."""
        self.twin.parameters = copy_parameters(self._with(self._free))

    def _pull_strength(self) -> Tensor:
        """Factor (entries,) of the pull's gradient: of pull * mean(((value - prior) / sigma)^2)."""
        return self._view.spread(
            {
                name: 2.0 * self.settings.pull * (RELATIVE_RATE[name] / PRIOR_SIGMA[name]) ** 2 / n
                for name, n in self._view.sizes().items()
            }
        )

    def _new_optimiser(self) -> torch.optim.Adam:
        return torch.optim.Adam([self._free], lr=self._rate, betas=(0.9, 0.99))
