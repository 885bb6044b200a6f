"""Thermal crosstalk as the twin sees it: an exponential law over the chip's geometry.

C_ij = c1 exp(-(d_ij - 1) / d0) + cg between any two heaters of a chip, with d_ij in heater pitches
from the positions that docs/calibration-record.md lays down.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from hil.bench.layout import places, upper_mode

#: Pitches between two heaters of one cell along the light, and between neighbouring modes.
ALONG, ACROSS = 1.0, 1.0


def element_positions(ports: int) -> np.ndarray:
    """Positions (elements, 2) of a bank's heaters in pitches, element order."""
    positions = []
    for column, row, kind in places(ports):
        x = 2 * column + (1 if kind == "phi" else 0)
        y = row if kind == "out" else upper_mode(column, row)
        positions.append((ALONG * x, ACROSS * y))
    return np.array(positions)


def crosstalk_kernel(ports: int, decay: float) -> Tensor:
    """exp(-(d_ij - 1) / d0) without its diagonal, (elements, elements)."""
    return kernel_of(element_positions(ports), decay)


def kernel_of(positions: np.ndarray, decay: float) -> Tensor:
    """The same for heaters at positions (elements, 2) in pitches."""
    where = torch.tensor(positions)
    distance = torch.cdist(where, where)
    apart = 1.0 - torch.eye(len(where), dtype=torch.float64)
    return torch.exp(-(distance - 1.0) / decay) * apart
