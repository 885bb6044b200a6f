"""Relative gains of the detectors, from the power that a mesh brings to each of its outputs.

A mesh loses light but makes none: whatever its phases are, each output gets the same from all
inputs together, one by one, but for the losses on its paths. Those of the design are allowed for;
what a chip's own losses differ by stays in the gains, and so does the common loss of all (gauge:
the mean gain is in units of the design's losses).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from calibration.mesh import layout, mesh_matrix

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: Relative spread of a port's path losses from chip to chip, where one bank alone was seen.
_USUAL_SPREAD = 0.015


@lru_cache(maxsize=4)
def _transmission(ports: int, loss_db: float) -> Floats:
    """Mean power (ports,) that reaches each output of a mesh of equal cells from all inputs."""
    rng = np.random.default_rng([ports, 0x10AD])
    phases = rng.uniform(0.0, 2.0 * np.pi, (200, ports**2))
    cells = layout(ports).cells
    none = np.zeros(cells)
    matrix = mesh_matrix(phases, none, none, np.full(cells, loss_db))
    return np.asarray((np.abs(matrix) ** 2).sum(axis=-1).mean(axis=0), dtype=np.float64)


def gains_of_power(power: Floats, loss_db: float) -> Floats:
    """Gains (..., N) of the power (..., N) that each detector sees from all inputs."""
    return np.sqrt(np.maximum(power, 0.0) / _transmission(power.shape[-1], round(loss_db, 4)))


def gains_of_matrices(
    matrices: Complexes, leak: Complexes, noise: float, loss_db: float
) -> tuple[Floats, Floats]:
    """Gains (N,) and their uncertainties from whole matrices, the leak taken out.

    Parameters
    ----------
    matrices : (looks, n_banks, N, N) seen, at any levels. leak : (n_banks, n_banks).
    noise : rms of the real or imaginary part of an entry. loss_db : of a cell, by design.
    """
    _, banks, ports, _ = matrices.shape
    own = np.einsum("kj,sjno->skno", np.linalg.inv(np.eye(banks) + leak), matrices)
    power = (np.abs(own) ** 2).sum(axis=-1).mean(axis=0) - 2.0 * ports * noise**2
    by_bank = gains_of_power(power, loss_db)
    gain = by_bank.mean(axis=0)
    if banks < 2:
        return gain, _USUAL_SPREAD * gain
    # Chips lose differently as a whole, too: that is common to all ports.
    lit = gain > 0.1 * np.median(gain)
    relative = by_bank[:, lit] / gain[lit]
    relative = relative / relative.mean(axis=1, keepdims=True) - 1.0
    spread = float(np.sqrt((relative**2).mean() * banks / (banks - 1)))
    return gain, np.full(ports, spread / np.sqrt(banks)) * gain
