"""How well a weight bank weighs, in bits.

N_b = log2((w_max - w_min) / sigma), with sigma of the errors about their mean (precision), or of
the errors whole (accuracy): arXiv 2104.01164.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.ring_faults import moving_rings
from calibration.ring_model import bank_weights
from calibration.setup import Setup
from calibration.step import Gate

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Least distance of the highest weight from what the poorest ring reaches.
_MARGIN = 0.03


@dataclass(frozen=True)
class Bits:
    """Precision and accuracy in bits, and the rms errors of weights behind them.

    scatter : about each ring's mean error. error : whole.
    """

    precision: float
    accuracy: float
    scatter: float
    error: float


def bits(errors: Floats, counted: Bools, span: float) -> Bits:
    """Of errors (S, n_banks, N, N) where counted (same shape), with weights over `span`."""
    held = np.where(counted, errors, np.nan)
    many = counted.sum(axis=0) >= 2
    if not many.any():
        return Bits(*(float("nan"),) * 4)
    one = held[:, many]
    mean = np.nanmean(one, axis=0)
    count = np.isfinite(one).sum(axis=0)
    # Each ring's mean takes one degree of freedom.
    scatter = float(np.sqrt(np.nansum((one - mean) ** 2) / (count - 1).sum()))
    error = float(np.sqrt(np.nanmean(one**2)))
    return Bits(float(np.log2(span / scatter)), float(np.log2(span / error)), scatter, error)


#: Least span of weights for which bits mean something; sound rings reach over 1.5.
LEAST_SPAN = 0.2


def common_range(setup: Setup, knowledge: Knowledge) -> tuple[float, float]:
    """Least and highest weight that all rings reach, the others being set in the middle.

    The same twice where no ring moves; the wrong way round where a poor model has them never meet.
    """
    moves = moving_rings(knowledge)
    if not moves.any():
        return 0.0, 0.0
    middle = np.clip(0.6 * setup.p_pi, setup.level_idle, setup.level_max)
    low = []
    for k in range(knowledge.n_banks):
        # One ring cold at a time: all settings at once.
        elements = np.flatnonzero(moves[k])
        levels = np.tile(middle[k], (len(elements), 1))
        number = np.arange(len(elements))
        levels[number, elements] = setup.level_idle[k, elements]
        cold = bank_weights(knowledge, k, levels / knowledge.p_pi)
        low.append(cold.reshape(len(elements), -1)[number, elements])
    highest = 2.0 * float(knowledge.value["amplitude"][moves].min()) - 1.0 - _MARGIN
    return float(np.concatenate(low).max()), highest


def span_gate(low: float, high: float) -> Gate:
    """Whether there are weights that all rings reach: without, nothing can be asked of them."""
    return Gate("span of weights that every ring reaches", high - low, LEAST_SPAN, "", least=True)
