"""Refitting the twin online from what the bench sends and measures in every slot.

Every slot of every batch is a fresh equation for the bank it used. The fit minimises the one-slot
residual over the newest setting and a replay of past ones (training's own data excite only the
present setting), pulled toward the calibration record, in bounded steps. Its loss never meets the
task's: the twin's parameters receive no task gradient.

A trust gate judges the twin on each new batch BEFORE fitting it. A twin that predicts new data
clearly worse than the last good one is dropped for that one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hil.control.trace import Trace
from hil.twin.machine import Twin
from hil.twin.parameters import TwinParameters, all_finite, copy_parameters


@dataclass(frozen=True)
class RefitSettings:
    """Settings of the online refit, chosen on held-out training data only.

    Attributes
    ----------
    rate : largest step of a phase offset per refit, rad; others scale by `RELATIVE_RATE`.
    every : batches between refits.
    steps : optimiser steps in a refit.
    replay : past settings remembered.
    settings : settings in one fit, the newest among them.
    samples : samples of each remembered batch that are kept.
    pull : weight of the pull toward the record, per standard uncertainty.
    gate : a twin this much worse on new data than the last good one is dropped.
    """

    rate: float = 0.003
    every: int = 1
    steps: int = 2
    replay: int = 64
    settings: int = 4
    samples: int = 24
    pull: float = 1e-5
    gate: float = 1.3


#: Step of each parameter relative to that of a phase offset.
RELATIVE_RATE: dict[str, float] = {
    "offset": 1.0,
    "slope": 0.3,
    "curvature": 0.1,
    "crosstalk": 0.02,
    "alpha": 0.2,
    "beta": 0.2,
    "loss_db": 0.3,
    "leak": 0.2,
    "kappa": 0.2,
    "bias": 0.2,
    "gain": 0.3,
    "zero": 0.2,
    "softness": 0.1,
    "memory": 0.1,
    "lo_phase": 0.0,
}

#: What one standard uncertainty is worth where the record gives none.
PRIOR_SIGMA: dict[str, float] = {
    "offset": 0.3,
    "slope": 0.15,
    "curvature": 0.05,
    "crosstalk": 0.02,
    "alpha": 0.05,
    "beta": 0.05,
    "loss_db": 0.1,
    "leak": 0.1,
    "kappa": 0.05,
    "bias": 0.05,
    "gain": 0.05,
    "zero": 0.03,
    "softness": 0.1,
    "memory": 0.05,
    "lo_phase": 0.3,
}


@dataclass(frozen=True)
class _Remembered:
    """Chosen samples of one batch at one setting, gathered by bank.

    `banks[k]` holds (sent, sent before, whether a sample precedes, measured, weight) of all slots
    that used bank k, each (slots of the bank * samples, N) or (…, 1).
    """

    powers: Tensor
    banks: dict[int, tuple[Tensor, ...]]


class OnlineRefit:
    """Keeps a twin true to the bench. `seed` fixes the choice of replayed data."""

    def __init__(self, twin: Twin, settings: RefitSettings, seed: int) -> None:
        self.twin = twin
        self.settings = settings
        self.fallbacks = 0
        self.residual = float("nan")
        self._rng = np.random.default_rng([seed, 0x7EF17])
        self._memory: list[_Remembered] = []
        self._seen = 0
        self._free = {
            name: value.requires_grad_()
            for name, value in copy_parameters(twin.parameters).items()
            if RELATIVE_RATE[name] > 0.0
        }
        self._scale = 1.0
        self._optimiser = self._new_optimiser()
        self._good = copy_parameters(twin.parameters)

    def observe(self, powers: Tensor, trace: Trace) -> float:
        """Remember a batch, judge the twin on it, fit when due. Returns the one-slot residual.

        powers : (n_banks, elements) in units of p_pi, at which `trace` was measured.
        The residual is the rms of (believed - measured) over all slots, in signal units.
        """
        fresh = self._choose(powers, trace)
        self._judge(fresh)
        if len(self._memory) >= self.settings.replay:
            self._memory.pop(int(self._rng.integers(len(self._memory) // 2)))
        self._memory.append(fresh)
        self._seen += 1
        if self._seen % self.settings.every == 0:
            for _ in range(self.settings.steps):
                self._fit()
        return self.residual

    def _choose(self, powers: Tensor, trace: Trace) -> _Remembered:
        count = min(self.settings.samples, trace.batch)
        chosen = np.sort(self._rng.choice(trace.batch, count, replace=False))
        ports = trace.sent.shape[2]
        precedes = np.broadcast_to(~trace.after_dark[chosen, None, None], (count, 1, 1))
        arrays = (
            trace.sent[chosen],
            trace.sent[np.maximum(chosen - 1, 0)],
            precedes,
            trace.measured[chosen],
            ~trace.clipped[chosen],
        )
        banks: dict[int, tuple[Tensor, ...]] = {}
        for bank in sorted(set(trace.banks)):
            slots = [t for t, used in enumerate(trace.banks) if used == bank]
            banks[bank] = tuple(
                torch.from_numpy(
                    np.repeat(array, len(slots), axis=1).reshape(-1, 1).astype(np.float64)
                    if array is precedes
                    else array[:, slots].reshape(-1, ports).astype(np.float64)
                )
                for array in arrays
            )
        return _Remembered(powers.detach().clone(), banks)

    def _error(self, entries: list[_Remembered], parameters: TwinParameters) -> Tensor:
        """Mean square one-slot error over entries, clipped points left out."""
        matrices = self.twin.matrices(torch.stack([e.powers for e in entries]), parameters)
        error, count = matrices.new_zeros(()), 0.0
        for bank in entries[0].banks:
            parts = zip(*(e.banks[bank] for e in entries), strict=True)
            sent, sent_before, precedes, measured, weight = (torch.stack(part) for part in parts)
            before = precedes * self.twin.modulate(sent_before, parameters)
            believed = self.twin.slot(sent, before, matrices[:, bank], parameters)
            error = error + (weight * (believed - measured) ** 2).sum()
            count += float(weight.sum())
        return error / max(count, 1.0)

    @torch.no_grad()
    def _judge(self, fresh: _Remembered) -> None:
        """The trust gate: keep, or fall back to the last good twin, on data not yet fitted."""
        now = float(self._error([fresh], self.twin.parameters))
        good = float(self._error([fresh], self._good))
        trusted = all_finite(self.twin.parameters) and np.isfinite(now)
        if trusted and now <= good:
            self._good = copy_parameters(self.twin.parameters)
        elif not trusted or now > self.settings.gate**2 * good:
            self.fallbacks += 1
            self._scale *= 0.5
            self._adopt(self._good)
            now = good
        self.residual = float(np.sqrt(now))

    def _fit(self) -> None:
        pick = min(self.settings.settings - 1, len(self._memory) - 1)
        older = self._rng.choice(len(self._memory) - 1, pick, replace=False) if pick > 0 else []
        entries = [self._memory[-1], *(self._memory[int(i)] for i in older)]
        self._optimiser.zero_grad()
        self._error(entries, {**self.twin.parameters, **self._free}).backward()
        self._pull()
        self._optimiser.step()
        self.twin.parameters = {
            **self.twin.parameters,
            **{name: value.detach().clone() for name, value in self._free.items()},
        }

    @torch.no_grad()
    def _pull(self) -> None:
        """Add the gradient of pull * mean(((value - prior) / sigma)^2) of every parameter."""
        for name, value in self._free.items():
            if value.grad is not None:
                strength = 2.0 * self.settings.pull / (PRIOR_SIGMA[name] ** 2 * value.numel())
                value.grad.add_(value - self.twin.prior[name], alpha=strength)

    def _new_optimiser(self) -> torch.optim.Adam:
        rate = self.settings.rate * self._scale
        groups = [
            {"params": [value], "lr": rate * RELATIVE_RATE[name]}
            for name, value in self._free.items()
        ]
        return torch.optim.Adam(groups, betas=(0.9, 0.99), foreach=True)

    def _adopt(self, parameters: TwinParameters) -> None:
        self.twin.parameters = copy_parameters(parameters)
        with torch.no_grad():
            for name, value in self._free.items():
                value.copy_(parameters[name])
        self._optimiser = self._new_optimiser()
