"""A small bench whose powers wander as in training, for the tests of refits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

import hil
from hil.bench.file import from_document
from hil.control import Electronics, Schedule, Trace
from hil.twin.machine import Twin
from sim_backends.plant import Plant
from tests.hil.twin.plants import OUTSIDE_THE_LAW, document, exact_twin

PORTS, BANKS = 4, 2
P_PI = 0.020
SCHEDULE = Schedule(BANKS, 4)
GAIN = Electronics(np.full(BANKS, 1.5), np.zeros((BANKS, PORTS)))
#: The bench holds still and to the twin's law, so that there is a truth to be found.
STILL = tuple(name for name in OUTSIDE_THE_LAW if name not in ("noise", "quantisation"))
Observation = tuple[torch.Tensor, Trace]


class Walk:
    """A bench at powers that wander as in training: a new setting and batch each time."""

    def __init__(self, folder: Path, seed: int, off: tuple[str, ...] = STILL, **plant: Any) -> None:
        decoded = document(PORTS, BANKS, seed=seed, off=off, **plant)
        self.bench = hil.open(from_document(decoded, source="tiny"), path="slot")
        self.plant = Plant.from_document(decoded)
        self.truth = exact_twin(self.plant)
        self.record = folder / "rough.json"
        self.bench.core.write_as_built("rough", self.record)
        self._rng = np.random.default_rng(seed)
        self._powers = self._rng.uniform(0.4, 1.6, (BANKS, PORTS**2))
        self._unseen = torch.tensor(self._rng.uniform(0.4, 1.6, (20, BANKS, PORTS**2)))

    def twin(self) -> Twin:
        """A new one from the as-built file."""
        return hil.twin_from_record(self.bench, self.record)

    def step(self, batch: int = 32) -> Observation:
        """Powers and what was measured there."""
        walked = self._powers + self._rng.normal(0.0, 0.05, self._powers.shape)
        self._powers = np.clip(walked, 0.2, 1.8)
        x = self._rng.uniform(-1.0, 1.0, (batch, PORTS))
        trace = self.bench.run(self._powers * P_PI, x, schedule=SCHEDULE, electronics=GAIN)
        return torch.tensor(self._powers), trace

    def errors(self, twin: Twin) -> tuple[float, float]:
        """Rms errors against the truth at settings never seen: phases in rad, matrix entries."""
        phases = twin.phases(self._unseen) - self.truth.phases(self._unseen)
        matrices = twin.matrices(self._unseen) - self.truth.matrices(self._unseen)
        return float(phases.pow(2).mean().sqrt()), float(matrices.pow(2).mean().sqrt())
