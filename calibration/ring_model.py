"""What a calibration believes microring weight banks do: from levels to the weights seen.

    x_ij = offset + shift p (1 + curvature p) + sum over the other rings of C shift p
    w_ij = 1 - 2 prod over the row's rings m of (1 - A_im / (1 + (x_im + spacing (m - j))^2))
    seen_k = detector gain (w_k + sum over other banks of leak_kj w_j)

Ring j of row i (output i) is element i N + j; x is its detuning from laser j in half-widths, above
it positive, since heat takes a ring that way. C = c1 exp(-(d - 1) / d0) + cg, d in heater pitches,
rows and columns being one pitch apart. Levels in effect hold the slow thermal tail. Same law as the
twin's (`hil.twin.microring`) and docs/calibration-rings.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.model import effective

Floats = NDArray[np.float64]

#: What a ring lets through of its laser is never taken as less: an amplitude of 1 at resonance.
_LEAST_PASSED = 1e-9


@cache
def ring_distances(ports: int) -> Floats:
    """Distances (N^2, N^2) of the heaters in pitches."""
    row, column = np.divmod(np.arange(ports * ports), ports)
    return np.hypot(np.subtract.outer(row, row), np.subtract.outer(column, column))


def near(ports: int, decay: float) -> Floats:
    """exp(-(d - 1) / d0) without its diagonal, (N^2, N^2)."""
    kernel = np.exp(-(ring_distances(ports) - 1.0) / decay)
    np.fill_diagonal(kernel, 0.0)
    return kernel


def couplings(ports: int, law: Floats) -> Floats:
    """C (N^2, N^2) of a law (c1, d0, cg), with an empty diagonal."""
    c1, decay, everywhere = law
    matrix = c1 * near(ports, decay) + everywhere
    np.fill_diagonal(matrix, 0.0)
    return matrix


def driven(knowledge: Knowledge, bank: int, x: Floats) -> Floats:
    """Shift times level, half-widths, for levels x (..., N^2) in units of p_pi."""
    return knowledge.value["shift"][bank] * knowledge.p_pi * x


def detunings(knowledge: Knowledge, bank: int, x: Floats) -> Floats:
    """Detunings (..., N^2) in half-widths, for levels x (..., N^2) in effect, in units of p_pi."""
    heat = driven(knowledge, bank, x)
    bend = knowledge.value["curvature"][bank] * knowledge.p_pi
    own = knowledge.value["resonance_offset"][bank] + heat * (1.0 + bend * x)
    return own + heat @ couplings(knowledge.ports, knowledge.crosstalk[bank])


@dataclass(frozen=True, eq=False)
class Weighted:
    """Weights of a bank, and how they turn with what makes them; each (..., N, N).

    per_detuning, per_amplitude : with the ring's own detuning and amplitude; those of its
    neighbours move a weight a thousand times less. per_spacing : with the spacing of the lasers.
    """

    weights: Floats
    per_detuning: Floats
    per_amplitude: Floats
    per_spacing: Floats


def weigh(detuning: Floats, amplitude: Floats, spacing: float) -> Weighted:
    """Weights for detunings (..., N, N) half-widths, amplitudes (N, N), spacing in half-widths."""
    ports = detuning.shape[-1]
    steps = np.subtract.outer(np.arange(ports), np.arange(ports))
    # [..., i, m, j]: ring m of row i at laser j.
    apart = detuning[..., :, None] + spacing * steps
    line = 1.0 / (1.0 + apart**2)
    dropped = amplitude[..., :, None] * line
    passed = np.maximum(1.0 - dropped, _LEAST_PASSED)
    all_passed = passed.prod(axis=-2)
    # d/dx of A / (1 + x^2)
    falls = -2.0 * apart * line * dropped
    own = np.arange(ports)
    others = 2.0 * all_passed / passed[..., own, own]
    return Weighted(
        weights=1.0 - 2.0 * all_passed,
        per_detuning=others * falls[..., own, own],
        per_amplitude=others * line[..., own, own],
        per_spacing=2.0 * all_passed * (falls * steps / passed).sum(axis=-2),
    )


def bank_weights(knowledge: Knowledge, bank: int, x: Floats) -> Floats:
    """Weights (..., N, N) of a bank for levels x (..., N^2) in effect, in units of p_pi."""
    square = (*x.shape[:-1], knowledge.ports, knowledge.ports)
    detuning = detunings(knowledge, bank, x).reshape(square)
    amplitude = knowledge.value["amplitude"][bank].reshape(square[-2:])
    return weigh(detuning, amplitude, float(knowledge.spacing[bank])).weights


def leaks(knowledge: Knowledge) -> Floats:
    """I + leak (n_banks, n_banks): shares of power."""
    return np.eye(knowledge.n_banks) + knowledge.leak.real


def seen_weights(knowledge: Knowledge, times: Floats | None, levels: Floats) -> Floats:
    """What will be seen (S, n_banks, N, N) at levels (S, n_banks, N^2) in W.

    It is `detector_gain` times the weight, leak included. times : (S,) bench s of the readings;
    None where each setting had been held for long.
    """
    x = levels / knowledge.p_pi if times is None else effective(knowledge, times, levels)
    own = np.stack([bank_weights(knowledge, k, x[:, k]) for k in range(knowledge.n_banks)], axis=1)
    leaked = np.einsum("kj,sjno->skno", leaks(knowledge), own)
    return knowledge.value["detector_gain"][:, None] * leaked
