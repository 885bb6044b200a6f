"""The normal equations of a whole-model fit, setting by setting from the mesh's own derivatives.

Offset, slope and curvature of an element act through one derivative, that of its phase, so their
blocks are one product scaled three ways: that is what makes a thousand unknowns a bank cheap. The
phase of the local oscillator is free in every setting, and projected out (Kaufman, BIT 15, 49
(1975)): what all banks' output phases have in common is left as it was.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import CELL_QUANTITIES, ELEMENT_QUANTITIES, Knowledge
from calibration.mesh import Derivatives, derivatives, distances
from calibration.model import Tomogram, cells, driven, effective, kernel, lagging, phases
from calibration.unknowns import Unknowns

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: Settings whose derivatives are held at a time: 1 MB each at 16 ports.
_CHUNK = 8


def unmixed(seen: Complexes, error: float) -> Complexes:
    """What two true quadratures would have shown: the LO's quarter wave was longer by `error`.

    A step too long by `error` rad shows Im E cos(error) - Re E sin(error) for Im E.
    """
    return seen.real + 1j * (seen.imag + seen.real * np.sin(error)) / np.cos(error)


def common_phases(believed: Complexes, seen: Complexes) -> Complexes:
    """e^{-i psi} (S, 1, 1, 1) of the local oscillator in each setting: what all banks share."""
    overlap = (believed.conj() * seen).sum(axis=(1, 2, 3), keepdims=True)
    return np.exp(1j * np.angle(overlap))


def normal_equations(
    known: Knowledge, tomogram: Tomogram, unknowns: Unknowns
) -> tuple[Floats, Floats, float]:
    """J^T J, J^T (seen - believed) and the rms residual of a real entry."""
    hessian = np.zeros((unknowns.size, unknowns.size))
    gradient = np.zeros(unknowns.size)
    along = np.zeros((len(tomogram), unknowns.size))
    square = 0.0
    x_all = effective(known, tomogram.times, tomogram.levels)
    nominal = tomogram.levels / known.p_pi
    lag = nominal - lagging(tomogram.times, nominal, known.tail[1])
    kernels = [kernel(known, k) for k in range(known.n_banks)]
    for first in range(0, len(tomogram), _CHUNK):
        part = slice(first, first + _CHUNK)
        square += _add(
            known,
            unknowns,
            x_all[part],
            lag[part],
            tomogram.seen[part],
            kernels,
            hessian,
            gradient,
            along[part],
        )
    hessian -= along.T @ along
    entries = 2 * tomogram.seen.size
    return hessian, gradient, float(np.sqrt(square / entries))


def _add(
    known: Knowledge,
    unknowns: Unknowns,
    x: Floats,
    lag: Floats,
    seen: Complexes,
    kernels: list[Floats],
    hessian: Floats,
    gradient: Floats,
    along: Floats,
) -> float:
    """Add a chunk of settings to the normal equations; returns the sum of squared residuals.

    along : (S, unknowns), filled with the derivatives' parts along a turn of the LO.
    """
    banks = range(known.n_banks)
    gain = known.value["detector_gain"][:, None]
    cells_free = any(name in unknowns.bank[0] for name in CELL_QUANTITIES)
    parts = [
        derivatives(phases(known, k, x[:, k]), *cells(known, k), cells_too=cells_free)
        for k in banks
    ]
    own = np.stack([part.matrix for part in parts], axis=1)
    field = np.einsum("kj,sjno->skno", np.eye(known.n_banks) + known.leak, own)
    believed = gain * field
    error = known.quadrature_error
    turn = common_phases(believed, unmixed(seen, error))
    left = unmixed(seen, error) / turn - believed
    mixing = (seen.real + seen.imag * np.sin(error)) / np.cos(error) ** 2
    by_error = np.asarray(-1j * mixing / turn, dtype=np.complex128)
    for k in banks:
        columns = _shared_columns(known, unknowns, k, own, by_error, believed, lag, parts, x)
        _add_bank(known, unknowns, k, parts[k], x[:, k], left[:, k], believed[:, k], columns,
                  kernels[k], hessian, gradient, along)  # fmt: skip
    along /= np.sqrt((np.abs(believed) ** 2).sum(axis=(1, 2, 3)))[:, None]
    return float((np.abs(left) ** 2).sum())


def _flat(array: Complexes) -> Floats:
    """(S, n, N, N) complex as (S, n, 2 N N) real."""
    flat = array.reshape(*array.shape[:-2], -1)
    return np.concatenate([flat.real, flat.imag], axis=-1)


def _shared_columns(
    known: Knowledge,
    unknowns: Unknowns,
    bank: int,
    own: Complexes,
    by_error: Complexes,
    believed: Complexes,
    lag: Floats,
    parts: list[Derivatives],
    x: Floats,
) -> tuple[list[int], Floats]:
    """Derivatives of a bank's matrices in what all banks share: places and (S, n, 2 N N)."""
    ports, settings = known.ports, len(own)
    gain = known.value["detector_gain"][:, None]
    places: list[int] = []
    columns: list[Complexes] = []
    if "detector_gain" in unknowns.all:
        where = unknowns.all["detector_gain"]
        each = np.zeros((settings, ports, ports, ports), dtype=complex)
        port = np.arange(ports)
        each[:, port, port] = believed[:, bank]
        columns.append(each)
        places += range(where.start, where.stop)
    if "leak" in unknowns.all:
        start = unknowns.all["leak"].start
        others = [j for j in range(known.n_banks) if j != bank]
        for number, j in enumerate(others):
            place = start + 2 * (bank * (known.n_banks - 1) + number)
            leaked = gain * own[:, j]
            columns.append(np.stack([leaked, 1j * leaked], axis=1))
            places += [place, place + 1]
    if "quadrature_error" in unknowns.all:
        columns.append(by_error[:, bank, None])
        places.append(unknowns.all["quadrature_error"].start)
    if "tail" in unknowns.all:
        bend = known.value["curvature"][bank] * known.p_pi
        per_x = known.value["slope"][bank] * known.p_pi * (1.0 + 2.0 * bend * x[:, bank])
        change = np.einsum("se,seno->sno", -per_x * lag[:, bank], parts[bank].phase)
        crept = np.asarray(gain * change, dtype=np.complex128)
        columns.append(crept[:, None])
        places.append(unknowns.all["tail"].start)
    if not columns:
        return places, np.zeros((settings, 0, 2 * ports * ports))
    return places, _flat(np.concatenate(columns, axis=1))


def _add_bank(
    known: Knowledge,
    unknowns: Unknowns,
    bank: int,
    part: Derivatives,
    x: Floats,
    left: Complexes,
    believed: Complexes,
    shared: tuple[list[int], Floats],
    near: Floats,
    hessian: Floats,
    gradient: Floats,
    along: Floats,
) -> None:
    """Add one bank of a chunk. A derivative through the leak is small and left out.

    along : (S, unknowns), to which the parts of all derivatives along a turn of the LO are added.
    """
    mine = unknowns.bank[bank]
    gain = known.value["detector_gain"][:, None]
    turn = driven(known, bank, x)
    bend = known.value["curvature"][bank] * known.p_pi
    scale = {
        "phase_offset": np.ones_like(turn),
        "slope": turn * (1.0 + bend * x),
        "curvature": turn * x,
    }
    by_phase = _flat(gain * part.phase)  # (S, N^2, 2 N N)
    other: list[Floats] = []
    where_other: list[int] = []
    for name, array in (
        ("splitter_a", part.alpha),
        ("splitter_b", part.beta),
        ("cell_loss_db", part.loss),
    ):
        if name in mine:
            other.append(_flat(gain * array))
            where_other += range(mine[name].start, mine[name].stop)
    if "crosstalk" in mine:
        total = turn.sum(axis=-1, keepdims=True) - turn
        c1, decay, _ = known.crosstalk[bank]
        longer = near * (distances(known.ports) - 1.0) * (c1 / decay**2)
        three = np.stack([turn @ near, turn @ longer, total], axis=1)  # (S, 3, N^2)
        other.append(three @ by_phase)
        where_other += range(mine["crosstalk"].start, mine["crosstalk"].stop)
    other.append(shared[1])
    where_other += shared[0]
    rest = np.concatenate(other, axis=1)
    residual, turned = _flat(left), _flat(np.asarray(1j * believed, dtype=np.complex128))
    named = [name for name in ELEMENT_QUANTITIES if name in mine]
    index = np.array(where_other, dtype=np.intp)
    for s in range(len(x)):
        a, b, r = by_phase[s], rest[s], residual[s]
        gram, cross, pulled = a @ a.T, a @ b.T, a @ r
        slid = a @ turned[s]
        for one in named:
            row = scale[one][s]
            gradient[mine[one]] += row * pulled
            along[s, mine[one]] += row * slid
            hessian[mine[one], index] += row[:, None] * cross
            for two in named:
                hessian[mine[one], mine[two]] += row[:, None] * gram * scale[two][s]
        gradient[index] += b @ r
        along[s, index] += b @ turned[s]
        hessian[np.ix_(index, index)] += b @ b.T
    for one in named:
        hessian[index, mine[one]] = hessian[mine[one], index].T
