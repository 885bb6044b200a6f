"""From weights to levels: the calibrated law turned round, crosstalk and neighbours cancelled.

A weight can be had on either side of its laser; here rings always stay below it, where they need
less power. What the other banks leak, what the neighbours' tails drop, and what all heaters of the
chip do to a ring are taken into account, by iteration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.ring_model import couplings, leaks

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Iterations; each gains a factor of ten or more.
_ITERATIONS = 12
#: A ring is not asked to come nearer to its laser than where it drops this share of its most.
_TOP = 0.999


@dataclass(frozen=True, eq=False)
class Setting:
    """Levels for weights.

    levels : (n_banks, N^2) W. reached : (n_banks, N, N) whether the weight is within the ring's
    range and its heater's.
    """

    levels: Floats
    reached: Bools


def wanted_detunings(knowledge: Knowledge, weights: Floats) -> tuple[Floats, Bools]:
    """Detunings (n_banks, N^2) half-widths, below the laser, for weights (n_banks, N, N).

    The weights are those of the machine: own bank's plus what leaks in from the others. Also
    whether each is within its ring's range.
    """
    ports, banks = knowledge.ports, knowledge.n_banks
    own = np.einsum("kj,jno->kno", np.linalg.inv(leaks(knowledge)), weights)
    amplitude = knowledge.value["amplitude"].reshape(banks, ports, ports)
    passed = 0.5 * (1.0 - own)
    steps = np.subtract.outer(np.arange(ports), np.arange(ports))
    apart = knowledge.spacing[:, None, None, None] * steps
    number = np.arange(ports)
    detuning = np.full_like(weights, -1.0)
    share = np.zeros_like(weights)
    for _ in range(_ITERATIONS):
        line = amplitude[..., None] / (1.0 + (detuning[..., None] + apart) ** 2)
        line[..., number, number] = 0.0
        # [k, i, m, j]: what the other rings of a row leave of laser j
        share = 1.0 - passed / (1.0 - line).prod(axis=-2)
        within = np.clip(share, 1e-4, _TOP * amplitude)
        detuning = -np.sqrt(amplitude / within - 1.0)
    reached = (share <= amplitude) & (share > 1e-4)
    return detuning.reshape(banks, -1), reached


def levels_for_detunings(
    knowledge: Knowledge, detuning: Floats, low: Floats, high: Floats
) -> tuple[Floats, Bools]:
    """Levels (n_banks, N^2) W in low..high that bring rings to detunings (n_banks, N^2).

    Also which of them the limits allow. Rings without a law stay at `low`.
    """
    levels = np.empty_like(detuning)
    allowed = np.empty(detuning.shape, dtype=np.bool_)
    for k in range(knowledge.n_banks):
        shift = knowledge.value["shift"][k]
        bend = knowledge.value["curvature"][k]
        coupling = couplings(knowledge.ports, knowledge.crosstalk[k])
        alive = shift > 0.0
        p = np.clip(np.where(alive, 0.5 * (low[k] + high[k]), low[k]), low[k], high[k])
        asked = p
        for _ in range(2 * _ITERATIONS):
            rest = detuning[k] - knowledge.value["resonance_offset"][k] - coupling @ (shift * p)
            heat = np.where(alive, rest / np.where(alive, shift, 1.0), 0.0)
            # p (1 + bend p) = heat
            root = np.maximum(1.0 + 4.0 * bend * heat, 0.01)
            asked = np.where(alive, 2.0 * heat / (1.0 + np.sqrt(root)), low[k])
            p = np.clip(asked, low[k], high[k])
        levels[k] = p
        allowed[k] = np.abs(asked - p) <= 1e-6 * knowledge.p_pi
    return levels, allowed


def setting_for(knowledge: Knowledge, weights: Floats, low: Floats, high: Floats) -> Setting:
    """Levels in low..high, (n_banks, N^2) W, for weights (n_banks, N, N)."""
    detuning, inside = wanted_detunings(knowledge, weights)
    levels, allowed = levels_for_detunings(knowledge, detuning, low, high)
    return Setting(levels, inside & allowed.reshape(inside.shape))
