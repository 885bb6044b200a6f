"""Whole matrices of all banks in one frame, of a mesh or of a weight bank.

Signs and their opposites on all ports: what does not change with them (a modulator's light when it
is not driven, the power that microrings are sent at rest) is told apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.setup import Detection, Observation, Shot
from calibration.tally import Tally
from calibration.tomography import AMPLITUDE, amplitudes, drives, linear, sign_patterns

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Glance:
    """matrix : (n_banks, N, N) complex, from modulation to signal, gains included; its imaginary
    part is the other quadrature, zero where there is none. constant : (n_banks, N), what arrives
    with no modulation. sigma : rms noise of the real or imaginary part of an entry. clipped :
    share of samples at a converter's end.
    """

    matrix: Complexes
    constant: Complexes
    sigma: float
    clipped: float


async def glance(tally: Tally, knowledge: Knowledge, repeats: int = 1) -> Glance:
    """Look at all banks at the present levels; each sign pattern is sent 2 * `repeats` times."""
    setup = tally.setup
    both = Detection.QUADRATURE in setup.detections
    signs = sign_patterns(setup.ports)
    wanted = np.tile(np.concatenate([signs, -signs]), (repeats, 1))
    values = np.clip(drives(knowledge, AMPLITUDE * wanted), -1.5, 1.5)
    modes = [Detection.HOMODYNE, Detection.QUADRATURE][: 1 + both]
    shots = [Shot(bank, values, mode) for bank in range(setup.n_banks) for mode in modes]
    read = await tally.observe(shots)
    matrices, constants = [], []
    for bank in range(setup.n_banks):
        parts = [_solve(knowledge, one) for one in read[bank * len(modes) :][: len(modes)]]
        whole = parts[0] + 1j * (parts[1] if both else 0.0)
        matrices.append(whole[:, 1:])
        constants.append(whole[:, 0])
    clipped = max(float(one.clipped.mean()) for one in read)
    sigma = usual_noise(knowledge) / (AMPLITUDE * np.sqrt(len(wanted)))
    return Glance(np.array(matrices), np.array(constants), sigma, clipped)


def usual_noise(knowledge: Knowledge) -> float:
    """Read noise of a sample, median of the ports; zero where it was not measured."""
    known = knowledge.noise[np.isfinite(knowledge.noise)]
    return float(np.median(known)) if known.size else 0.0


def _solve(knowledge: Knowledge, seen: Observation) -> Floats:
    """(N, 1 + N) of one bank and quadrature: constant, then the matrix."""
    sent = amplitudes(knowledge, seen.sent)
    before = np.roll(sent, 1, axis=0)
    before[0] = np.sin(knowledge.value["modulator_bias"])  # the lead sample: no drive
    share = knowledge.memory
    constant = np.full((len(sent), 1), 1.0 + share)
    design = np.column_stack([constant, sent + share * before])
    signal = linear(knowledge, seen.measured)
    return np.asarray(np.linalg.lstsq(design, signal, rcond=None)[0].T, dtype=np.float64)
