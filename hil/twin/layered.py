"""The layered refit of a mesh's twin: each kind of parameter by the method that suits it.

1. detector gains, offsets and memory in closed form (`port_filter`);
2. phases and splitters by an extended Kalman filter of each bank (`bank_filter`);
3. losses, leak, modulators and saturation by slow Adam with a prior (`slow`);
4. if asked for, a small neural residual for what these do not explain (`neural`).

As in `OnlineRefit` a trust gate judges the twin on each batch BEFORE it is fitted to it.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hil.control.trace import Trace
from hil.twin.bank_filter import BankFilter, Innovation
from hil.twin.machine import Twin
from hil.twin.moments import slot_moments
from hil.twin.neural import NeuralResidual
from hil.twin.parameters import TwinParameters, copy_parameters
from hil.twin.port_filter import PortFilter
from hil.twin.refit import RECOVERY, RefitSettings
from hil.twin.replay import Remembered, remember, slot_error
from hil.twin.slow import SlowRefit, pick

#: The kind of refit that has a neural residual as well.
NEURAL = "layered-neural"


class LayeredRefit:
    """Keeps a mesh's twin true to the bench. `seed` fixes the choice of replayed data.

    sigma : standard uncertainty of each of the twin's start values, by name.
    """

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = (
        "fallbacks",
        "residual",
        "innovation",
        "banks",
        "ports",
        "slow",
        "neural",
        "_rng",
        "_memory",
        "_seen",
        "_rested",
        "_good",
        "_caution",
    )
    HEAVY: ClassVar = ("_memory",)

    def __init__(
        self, twin: Twin, settings: RefitSettings, seed: int, sigma: TwinParameters
    ) -> None:
        self.twin = twin
        self.settings = settings
        self.fallbacks = 0
        self.residual = float("nan")
        self.innovation: Innovation | None = None
        self._rng = np.random.default_rng([seed, 0x7EF17])
        self._memory: list[Remembered] = []
        self._seen = 0
        self._rested = False
        self._good = copy_parameters(twin.parameters)
        self._caution = 1.0
        self.banks = BankFilter(twin, sigma, settings.banks)
        gain = twin.parameters["gain"]
        self.ports = PortFilter(
            twin, sigma["gain"].expand_as(gain), sigma["zero"].expand_as(gain), settings.ports
        )
        self.slow = SlowRefit(twin, sigma, settings.slow_rate, settings.slow_pull)
        asked = settings.kind == NEURAL
        self.neural = NeuralResidual(twin, settings.neural, seed) if asked else None

    @property
    def drift(self) -> float:
        """How far a phase walks from one batch to the next, rad rms."""
        return self.banks.gone

    def observe(self, powers: Tensor, trace: Trace) -> float:
        """Judge the twin on a batch, then refit it. Returns the one-slot residual.

        powers : (n_banks, elements) in units of p_pi, at which `trace` was measured.
        The residual is the rms of (believed - measured) over all slots, in signal units.
        """
        powers = powers.detach()
        samples = self.settings.samples
        fresh = remember(powers, trace, self.twin.n_banks, samples, self._rng)
        self._judge(fresh)
        self._seen += 1
        if self._seen % self.settings.every or self._may_rest():
            return self.residual
        moments = slot_moments(self.twin, trace)
        self.innovation = self.banks.update(powers, moments, float(trace.times[0]))
        self.ports.update(powers, trace)
        self._remember(fresh)
        for _ in range(self.settings.slow_steps):
            self.slow.fit(pick(self._memory, self.settings.settings, self._rng))
        if self.neural is not None:
            self.neural.fit(pick(self._memory, self.settings.settings, self._rng))
        return self.residual

    def adopt(self, parameters: TwinParameters) -> None:
        """Go on from these parameters; what was measured before is of another bench."""
        self.twin.parameters = copy_parameters(parameters)
        self._good = copy_parameters(parameters)
        self._caution = 1.0
        self._memory.clear()
        self.ports.forget()
        self.slow.restart()

    def reset_phases(self, sigma: float) -> None:
        """Doubt all phases by sigma, rad."""
        self.banks.doubt(sigma)

    def _may_rest(self) -> bool:
        """Whether this batch need not be fitted: the last one was, and had little to say."""
        said, self._rested = self.innovation, not self._rested
        if said is None or not self._rested:
            return False
        self._rested = bool((said.residual < self.settings.enough * said.floor).all())
        return self._rested

    def _remember(self, fresh: Remembered) -> None:
        if len(self._memory) >= self.settings.replay:
            self._memory.pop(int(self._rng.integers(len(self._memory) // 2)))
        place = self.twin.parameters["offset"].clone()
        self._memory.append(Remembered(**{**vars(fresh), "place": place}))

    @torch.no_grad()
    def _judge(self, fresh: Remembered) -> None:
        """The trust gate: keep, or fall back to the last good twin, on data not yet fitted."""
        if not bool(fresh.weight.any()):
            return  # nothing usable was measured: no evidence for or against
        now = float(slot_error(self.twin, [fresh], self.twin.parameters))
        good = float(slot_error(self.twin, [fresh], self._good))
        if np.isfinite(now) and now <= good:
            self._good = copy_parameters(self.twin.parameters)
            self._caution = min(self._caution * RECOVERY, 1.0)
            self.slow.set_rate(self._caution)
        elif not np.isfinite(now) or now > self.settings.gate**2 * good:
            self.fallbacks += 1
            self._caution *= 0.5
            gone = self._good["offset"] - self.twin.parameters["offset"]
            self.twin.parameters = copy_parameters(self._good)
            # The filter had been as sure of what is dropped now.
            self.banks.doubt(float(gone.square().mean().sqrt()))
            self.slow.restart()
            self.slow.set_rate(self._caution)
            now = good
        self.residual = float(np.sqrt(now))
