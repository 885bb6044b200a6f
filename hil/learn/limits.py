"""What trained powers are held within before the bench is asked for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hil.bench.file import BenchFile

#: A chip's sum may exceed its limit by this share: that is rounding, not a demand.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Limits:
    """Limits of powers, all in one unit: (n_banks, elements) each, and of a chip's sum.

    smallest : the idle bias: at 0 V a heater's power has no slope in its voltage.
    """

    smallest: Tensor
    largest: Tensor
    total: float

    @classmethod
    def of(cls, file: BenchFile, n_banks: int) -> Limits:
        """Limits of a bench's first banks, in units of its p_pi."""
        p_pi = file.chip.p_pi
        held = [file.bank_elements(bank) for bank in range(n_banks)]

        def stacked(rows: list[NDArray[np.float64]]) -> Tensor:
            return torch.from_numpy(np.stack(rows) / p_pi)

        idle = [np.minimum(file.chip.idle_voltage**2 / h.r_nom, h.level_max) for h in held]
        return cls(stacked(idle), stacked([h.level_max for h in held]), file.chip.power_max / p_pi)

    @torch.no_grad()
    def clamp(self, powers: Tensor) -> int:
        """Hold powers (n_banks, elements) within the limits, in place.

        Powers are clamped, never wrapped by 2 pi: a jump would heat every neighbour. Returns how
        many elements had asked for what they may not have.
        """
        outside = int(((powers < self.smallest) | (powers > self.largest)).sum())
        powers.copy_(torch.minimum(torch.maximum(powers, self.smallest), self.largest))
        over = powers.sum(dim=1, keepdim=True) - self.total
        hot = over > ROUNDING * self.total
        if bool(hot.any()):
            outside += int(hot.sum()) * powers.shape[1]
            above = powers - self.smallest
            share = over.clamp_min(0.0) / above.sum(dim=1, keepdim=True)
            powers.sub_(share.clamp_max(1.0) * above)
        return outside
