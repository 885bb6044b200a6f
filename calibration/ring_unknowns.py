"""The unknowns of a fit of microring banks: which there are, where each lies, its prior.

Of each ring: offset, shift, curvature and amplitude. Shared: detector gains; of each bank
crosstalk (c1, d0, cg), spacing of the lasers and leak of the other banks; slow thermal tail.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Prior uncertainties of what rings share: gain (relative), c1, d0 (pitches), cg, spacing
#: (relative), tail's share and time constant (relative), leak.
GAIN, C1, DECAY, EVERYWHERE, SPACING, SHARE, TAU, LEAK = 0.1, 0.03, 0.5, 2e-3, 0.3, 0.02, 0.5, 0.02
#: Unknowns of a ring: offset, shift, curvature, amplitude.
LOCAL = 4


class RingUnknowns:
    """Where each unknown lies, and the prior: what was known before the fit.

    moves : (n_banks, N^2) whether a ring's own heater moves it.
    """

    def __init__(self, knowledge: Knowledge, moves: Bools) -> None:
        self.moves = moves
        self.banks, self.ports = knowledge.n_banks, knowledge.ports
        self.prior = deepcopy(knowledge)
        elements = knowledge.elements
        bank = np.repeat(np.arange(self.banks), elements)
        row = np.tile(np.repeat(np.arange(self.ports), self.ports), self.banks)
        own = self.ports + bank * (4 + self.banks)
        tail = self.ports + self.banks * (4 + self.banks)
        #: (rings, columns) which shared unknown each shared column of a ring is.
        self.index = np.stack(
            [row, own, own + 1, own + 2, own + 3]
            + [own + 4 + j for j in range(self.banks)]
            + [np.full_like(own, tail), np.full_like(own, tail + 1)],
            axis=1,
        )
        self.count = tail + 2
        one = np.array([C1, DECAY, EVERYWHERE, SPACING * 12.0] + [LEAK] * self.banks)
        gains = np.full(self.ports, GAIN)
        spread = np.concatenate([gains, np.tile(one, self.banks), [SHARE, TAU]])
        self.weight_shared = 1.0 / spread**2
        sigma = knowledge.sigma
        spreads = [
            sigma["resonance_offset"],
            sigma["shift"],
            sigma["curvature"] * knowledge.p_pi,
            sigma["amplitude"],
        ]
        local = np.stack(spreads, axis=-1).reshape(-1, LOCAL)
        #: A heater that moves nothing has no law: its ring stands somewhere.
        local[~moves.ravel(), 1:3] = 1e-9
        self.weight_local = 1.0 / np.maximum(local, 1e-9) ** 2

    def shared_of(self, knowledge: Knowledge) -> Floats:
        """The shared unknowns (count,)."""
        parts = [knowledge.value["detector_gain"]]
        for k in range(self.banks):
            parts += [knowledge.crosstalk[k], knowledge.spacing[k : k + 1], knowledge.leak[k].real]
        return np.concatenate([*parts, knowledge.tail])

    def local_of(self, knowledge: Knowledge) -> Floats:
        """The rings' unknowns (rings, 4): offset, ln shift, curvature a p_pi, amplitude."""
        value = knowledge.value
        shift = np.log(np.where(self.moves, np.maximum(value["shift"], 1e-9), 1.0))
        parts = [
            value["resonance_offset"],
            shift,
            value["curvature"] * knowledge.p_pi,
            value["amplitude"],
        ]
        return np.stack(parts, axis=-1).reshape(-1, LOCAL)

    def with_unknowns(self, knowledge: Knowledge, local: Floats, shared: Floats) -> Knowledge:
        """A copy of the knowledge with other values."""
        new = deepcopy(knowledge)
        offset, shift, bend, amplitude = np.moveaxis(local.reshape(*self.moves.shape, LOCAL), -1, 0)
        new.value["resonance_offset"] = offset
        new.value["shift"] = np.where(self.moves, np.exp(shift), 0.0)
        new.value["curvature"] = bend / knowledge.p_pi
        new.value["amplitude"] = np.clip(amplitude, 0.05, 1.0)
        new.value["detector_gain"] = np.maximum(shared[: self.ports], 0.1)
        width = 4 + self.banks
        for k in range(self.banks):
            own = shared[self.ports + k * width : self.ports + (k + 1) * width]
            new.crosstalk[k] = own[0], np.clip(own[1], 0.2, 10.0), own[2]
            new.spacing[k] = max(float(own[3]), 1.0)
            new.leak[k] = own[4:]
        np.fill_diagonal(new.leak, 0.0)
        new.tail = (float(np.clip(shared[-2], 0.0, 0.2)), float(np.clip(shared[-1], 0.02, 5.0)))
        return new

    def penalty(self, local: Floats, shared: Floats) -> float:
        """Twice the prior's cost."""
        off_local = local - self.local_of(self.prior)
        off_shared = shared - self.shared_of(self.prior)
        return float(
            (self.weight_local * off_local**2).sum() + (self.weight_shared * off_shared**2).sum()
        )
