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
from hil.twin.flat import FlatView
from hil.twin.machine import Twin
from hil.twin.parameters import TwinParameters, copy_parameters


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


#: Step of each parameter relative to that of a phase offset; 0 keeps it as it is.
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
        # Entries are fitted together, so each holds as many samples: a small batch repeats its own.
        count = self.settings.samples
        chosen = self._rng.choice(trace.batch, min(count, trace.batch), replace=False)
        chosen = np.sort(np.resize(chosen, count))
        ports = trace.sent.shape[2]
        sent, before = trace.sent[chosen], trace.sent[np.maximum(chosen - 1, 0)]
        measured = trace.measured[chosen]
        # Not only clipped points: one NaN would otherwise stay in the replay and in the twin.
        sound = np.all(np.isfinite(sent) & np.isfinite(before), axis=2, keepdims=True)
        usable = ~trace.clipped[chosen] & np.isfinite(measured) & sound
        precedes = np.broadcast_to(~trace.after_dark[chosen, None, None], (count, 1, 1))
        arrays = (
            np.where(np.isfinite(sent), sent, 0.0),
            np.where(np.isfinite(before), before, 0.0),
            precedes,
            np.where(np.isfinite(measured), measured, 0.0),
            usable,
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
        """Mean square one-slot error over entries, unusable points left out."""
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
        if not any(bool(weight.any()) for *_, weight in fresh.banks.values()):
            return  # nothing usable was measured: no evidence for or against
        now = float(self._error([fresh], self._with(self._free)))
        good = float(self._error([fresh], self._with(self._good)))
        trusted = np.isfinite(now) and bool(torch.isfinite(self._free).all())
        if trusted and now <= good:
            self._good = self._free.detach().clone()
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
        error = self._error(entries, self._with(self._free))
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
