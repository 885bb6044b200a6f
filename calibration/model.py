"""What a calibration believes a bench does: from levels to the complex matrix of each bank.

    phase_i = offset_i + slope_i p_i (1 + curvature_i p_i) + sum_j C_ij slope_j p_j
    seen_k = diag(detector gain) (W_k + sum_j leak_kj W_j)

with C_ij = c1 exp(-(d_ij - 1) / d0) + cg for i != j, and the slow thermal tail of the heaters in p:
of a step a share follows only with the tail's time constant (docs/calibration-record.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.mesh import distances, mesh_matrix

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Tomogram:
    """Complex matrices seen at some settings, in the order of time.

    times : (S,) bench s. levels : (S, n_banks, N^2) W. seen : (S, n_banks, N, N) complex, from
    modulated field to signal, detector offsets and saturation taken out. sigma : rms of the noise
    of its entries (of a complex entry: of real and imaginary part each).
    """

    times: Floats
    levels: Floats
    seen: Complexes
    sigma: float

    def __len__(self) -> int:
        return len(self.times)

    def last(self, count: int) -> Tomogram:
        """The last `count` settings."""
        return replace(
            self, times=self.times[-count:], levels=self.levels[-count:], seen=self.seen[-count:]
        )

    @staticmethod
    def joined(parts: list[Tomogram]) -> Tomogram:
        """Several, in order of time."""
        return Tomogram(
            np.concatenate([part.times for part in parts]),
            np.concatenate([part.levels for part in parts]),
            np.concatenate([part.seen for part in parts]),
            max(part.sigma for part in parts),
        )


def lagging(times: Floats, levels: Floats, tau: float) -> Floats:
    """What a first-order low pass of `tau` s has made of levels (S, ...) by their times (S,).

    The first setting counts as held since ever; each later one as written just before it was
    read: a write takes longer than a reading, and settles last.
    """
    slow = np.empty_like(levels)
    slow[0] = levels[0]
    for s in range(1, len(times)):
        left = np.exp(-(times[s] - times[s - 1]) / tau)
        slow[s] = levels[s - 1] + (slow[s - 1] - levels[s - 1]) * left
    return slow


def effective(knowledge: Knowledge, times: Floats, levels: Floats) -> Floats:
    """Levels in effect, in units of p_pi, with the slow thermal tail: shape of `levels`."""
    share, tau = knowledge.tail
    x = levels / knowledge.p_pi
    return x if share == 0.0 else x - share * (x - lagging(times, x, tau))


def kernel(knowledge: Knowledge, bank: int) -> Floats:
    """exp(-(d - 1) / d0) without its diagonal, (N^2, N^2)."""
    near = np.exp(-(distances(knowledge.ports) - 1.0) / knowledge.crosstalk[bank, 1])
    np.fill_diagonal(near, 0.0)
    return near


def driven(knowledge: Knowledge, bank: int, x: Floats) -> Floats:
    """Slope * level, rad, for levels x (..., N^2) in units of p_pi."""
    return knowledge.value["slope"][bank] * knowledge.p_pi * x


def phases(knowledge: Knowledge, bank: int, x: Floats) -> Floats:
    """Phases (..., N^2) of a bank in rad for levels x (..., N^2) in effect, in units of p_pi."""
    turned = driven(knowledge, bank, x)
    bend = knowledge.value["curvature"][bank] * knowledge.p_pi
    own = knowledge.value["phase_offset"][bank] + turned * (1.0 + bend * x)
    c1, _, cg = knowledge.crosstalk[bank]
    if c1:
        own = own + c1 * (turned @ kernel(knowledge, bank))
    if cg:
        own = own + cg * (turned.sum(axis=-1, keepdims=True) - turned)
    return own


def own_matrices(knowledge: Knowledge, x: Floats) -> Complexes:
    """Matrices W_k (S, n_banks, N, N), no leak, no gain, for levels x (S, n_banks, N^2)."""
    return np.stack(
        [
            mesh_matrix(phases(knowledge, k, x[:, k]), *cells(knowledge, k))
            for k in range(knowledge.n_banks)
        ],
        axis=1,
    )


def cells(knowledge: Knowledge, bank: int) -> tuple[Floats, Floats, Floats]:
    """Splitter errors (rad) and losses (dB) of a bank's cells."""
    value = knowledge.value
    return value["splitter_a"][bank], value["splitter_b"][bank], value["cell_loss_db"][bank]


def seen_matrices(knowledge: Knowledge, times: Floats | None, levels: Floats) -> Complexes:
    """What will be seen (S, n_banks, N, N) at levels (S, n_banks, N^2) in W.

    times : (S,) bench s of the readings; None where each setting had been held for long.
    """
    held = times is None
    x = levels / knowledge.p_pi if held else effective(knowledge, times, levels)
    own = own_matrices(knowledge, x)
    coupling = np.eye(knowledge.n_banks) + knowledge.leak
    leaked = np.einsum("kj,sjno->skno", coupling, own)
    return knowledge.value["detector_gain"][:, None] * leaked
