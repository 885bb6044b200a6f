"""Gauss-Newton on the whole model: all phases, slopes, splitters, losses and couplings at once.

The normal equations are built setting by setting from the mesh's own derivatives. Offset, slope
and curvature of an element act through one derivative, that of its phase, so their blocks are one
product scaled three ways: that is what makes a thousand unknowns a bank cheap. What was known
before enters as a prior with its uncertainty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import CELL_QUANTITIES, ELEMENT_QUANTITIES, Knowledge
from calibration.mesh import derivatives, distances
from calibration.model import Tomogram, cells, driven, effective, kernel, lagging, phases

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: What can be fitted, in the order of the unknowns of a bank, then of all banks together.
OF_A_BANK = (*ELEMENT_QUANTITIES, *CELL_QUANTITIES, "crosstalk")
OF_ALL = ("detector_gain", "leak", "quadrature_error", "tail")
EVERYTHING = (*OF_A_BANK, *OF_ALL)

#: Prior uncertainties of what a record gives none for.
_PRIOR = {"c1": 0.02, "d0": 0.3, "cg": 1e-3, "leak": 0.1, "quadrature_error": 0.1, "tail": 0.02}
#: Shortest decay length of the crosstalk that is believed, pitches.
_LEAST_DECAY = 0.2
#: Settings whose derivatives are held at a time: 1 MB each at 16 ports.
_CHUNK = 8


@dataclass(frozen=True)
class Fit:
    """How a fit ended.

    residual : rms of an entry's real or imaginary part, signal units. expected : the same from
    noise alone. step : largest last step, in units of its prior uncertainty. settings : used.
    """

    residual: float
    expected: float
    step: float
    settings: int


class _Unknowns:
    """Where each unknown lies in the vector."""

    def __init__(self, known: Knowledge, free: Sequence[str]) -> None:
        sizes: dict[str, int] = dict.fromkeys(ELEMENT_QUANTITIES, known.elements)
        sizes |= dict.fromkeys(CELL_QUANTITIES, known.cells)
        sizes["crosstalk"] = 3
        self.bank: list[dict[str, slice]] = []
        place = 0
        for _ in range(known.n_banks):
            mine: dict[str, slice] = {}
            for name in OF_A_BANK:
                if name in free:
                    mine[name] = slice(place, place + sizes[name])
                    place += sizes[name]
            self.bank.append(mine)
        self.all: dict[str, slice] = {}
        pairs = known.n_banks * (known.n_banks - 1)
        counts = {"detector_gain": known.ports, "leak": 2 * pairs, "quadrature_error": 1, "tail": 1}
        for name in OF_ALL:
            if name in free and counts[name]:
                self.all[name] = slice(place, place + counts[name])
                place += counts[name]
        self.size = place

    def prior(self, known: Knowledge) -> Floats:
        """Prior uncertainty of each unknown, in the unknowns' own units."""
        sigma = np.empty(self.size)
        for k, mine in enumerate(self.bank):
            for name, where in mine.items():
                if name == "crosstalk":
                    sigma[where] = _PRIOR["c1"], _PRIOR["d0"], _PRIOR["cg"]
                else:
                    sigma[where] = known.sigma[name][k] * _unit(known, name)
        for name, where in self.all.items():
            sigma[where] = known.sigma[name] if name == "detector_gain" else _PRIOR[name]
        return np.maximum(sigma, 1e-9)


def _unit(known: Knowledge, name: str) -> float:
    """Factor from a quantity's sigma to that of its unknown: curvature is fitted per p_pi."""
    return known.p_pi if name == "curvature" else 1.0


def refine(
    known: Knowledge,
    tomogram: Tomogram,
    *,
    free: Sequence[str] = EVERYTHING,
    iterations: int = 6,
    tolerance: float = 0.02,
) -> Fit:
    """Fit `free` quantities of `known` to a tomogram, in place, and renew their uncertainties.

    Parameters
    ----------
    known : start values; their sigmas are the prior.
    free : names of EVERYTHING.
    tolerance : a step below this share of every posterior uncertainty ends it.
    """
    unknowns = _Unknowns(known, free)
    prior = unknowns.prior(known)
    moved = np.zeros(unknowns.size)
    start = _Start(known)
    sigma = tomogram.sigma
    hessian, gradient, residual = _normal(known, tomogram, unknowns)
    step = np.zeros(unknowns.size)
    largest = np.inf
    for _ in range(iterations):
        # What the model cannot explain (drift, for one) is noise to it as well.
        sigma = max(tomogram.sigma, residual)
        whole = hessian / sigma**2 + np.diag(prior**-2)
        pull = gradient / sigma**2 - moved / prior**2
        step = np.linalg.solve(whole, pull)
        for shrink in (1.0, 0.5, 0.25, 0.1):
            start.restore(known)
            _apply(known, unknowns, moved + shrink * step)
            newer = _normal(known, tomogram, unknowns)
            if newer[2] <= residual * 1.0005:
                break
        moved = moved + shrink * step
        hessian, gradient, residual = newer
        largest = float(np.abs(shrink * step / prior).max())
        if largest < tolerance:
            break
    sigma = max(tomogram.sigma, residual)
    covariance = np.linalg.inv(hessian / sigma**2 + np.diag(prior**-2))
    _renew_sigmas(known, unknowns, np.sqrt(np.maximum(np.diag(covariance), 0.0)))
    return Fit(residual, tomogram.sigma, largest, len(tomogram))


class _Start:
    """A copy of what a fit changes."""

    def __init__(self, known: Knowledge) -> None:
        self._value = {name: array.copy() for name, array in known.value.items()}
        self._crosstalk = known.crosstalk.copy()
        self._leak = known.leak.copy()
        self._rest = (known.quadrature_error, known.tail)

    def restore(self, known: Knowledge) -> None:
        """Put it back."""
        known.value = {name: array.copy() for name, array in self._value.items()}
        known.crosstalk, known.leak = self._crosstalk.copy(), self._leak.copy()
        known.quadrature_error, known.tail = self._rest


def _apply(known: Knowledge, unknowns: _Unknowns, moved: Floats) -> None:
    """Move `known` from its start by `moved`."""
    for k, mine in enumerate(unknowns.bank):
        for name, where in mine.items():
            if name == "crosstalk":
                known.crosstalk[k] += moved[where]
                known.crosstalk[k, 1] = max(known.crosstalk[k, 1], _LEAST_DECAY)
            elif name == "slope":
                known.value[name][k] *= 1.0 + moved[where]
            else:
                known.value[name][k] += moved[where] / _unit(known, name)
    for name, where in unknowns.all.items():
        if name == "detector_gain":
            known.value[name] = known.value[name] * (1.0 + moved[where])
        elif name == "leak":
            pairs = moved[where].reshape(-1, 2)
            known.leak[~np.eye(known.n_banks, dtype=bool)] += pairs[:, 0] + 1j * pairs[:, 1]
        elif name == "quadrature_error":
            known.quadrature_error += float(moved[where][0])
        else:
            known.tail = (known.tail[0] + float(moved[where][0]), known.tail[1])


def _renew_sigmas(known: Knowledge, unknowns: _Unknowns, sigma: Floats) -> None:
    for k, mine in enumerate(unknowns.bank):
        for name, where in mine.items():
            if name != "crosstalk":
                known.sigma[name][k] = sigma[where] / _unit(known, name)
    if "detector_gain" in unknowns.all:
        known.sigma["detector_gain"] = sigma[unknowns.all["detector_gain"]].copy()


def common_phases(believed: Complexes, seen: Complexes) -> Complexes:
    """e^{-i psi} (S, 1, 1, 1) of the local oscillator in each setting: what all banks share."""
    overlap = (believed.conj() * seen).sum(axis=(1, 2, 3), keepdims=True)
    return np.exp(1j * np.angle(overlap))


def _normal(
    known: Knowledge, tomogram: Tomogram, unknowns: _Unknowns
) -> tuple[Floats, Floats, float]:
    """J^T J, J^T (seen - believed) and the rms residual of a real entry."""
    hessian = np.zeros((unknowns.size, unknowns.size))
    gradient = np.zeros(unknowns.size)
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
        )
    entries = 2 * tomogram.seen.size
    return hessian, gradient, float(np.sqrt(square / entries))


def _add(
    known: Knowledge,
    unknowns: _Unknowns,
    x: Floats,
    lag: Floats,
    seen: Complexes,
    kernels: list[Floats],
    hessian: Floats,
    gradient: Floats,
) -> float:
    """Add a chunk of settings to the normal equations; returns the sum of squared residuals."""
    banks = range(known.n_banks)
    gain = known.value["detector_gain"][:, None]
    cells_free = any(name in unknowns.bank[0] for name in CELL_QUANTITIES)
    parts = [
        derivatives(phases(known, k, x[:, k]), *cells(known, k), cells_too=cells_free)
        for k in banks
    ]
    own = np.stack([part.matrix for part in parts], axis=1)
    field = np.einsum("kj,sjno->skno", np.eye(known.n_banks) + known.leak, own)
    error = known.quadrature_error
    # A quarter-wave step that is too long by `error` mixes the real part into the imaginary one.
    believed = gain * (field.real + 1j * (field.imag * np.cos(error) - field.real * np.sin(error)))
    turn = common_phases(believed, seen)
    left = seen / turn - believed
    for k in banks:
        columns = _shared_columns(known, unknowns, k, own, field, believed, lag, parts, x)
        _add_bank(known, unknowns, k, parts[k], x[:, k], left[:, k], columns, kernels[k], hessian,
                  gradient)  # fmt: skip
    return float((np.abs(left) ** 2).sum())


def _flat(array: Complexes) -> Floats:
    """(S, n, N, N) complex as (S, n, 2 N N) real."""
    flat = array.reshape(*array.shape[:-2], -1)
    return np.concatenate([flat.real, flat.imag], axis=-1)


def _shared_columns(
    known: Knowledge,
    unknowns: _Unknowns,
    bank: int,
    own: Complexes,
    field: Complexes,
    believed: Complexes,
    lag: Floats,
    parts: list,
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
        mixed = np.asarray(-1j * gain * field[:, bank].real, dtype=np.complex128)
        columns.append(mixed[:, None])
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
    unknowns: _Unknowns,
    bank: int,
    part,
    x: Floats,
    left: Complexes,
    shared: tuple[list[int], Floats],
    near: Floats,
    hessian: Floats,
    gradient: Floats,
) -> None:
    """Add one bank of a chunk. A derivative through the leak is small and left out."""
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
    residual = _flat(left)
    named = [name for name in ELEMENT_QUANTITIES if name in mine]
    index = np.array(where_other, dtype=np.intp)
    for s in range(len(x)):
        a, b, r = by_phase[s], rest[s], residual[s]
        gram, cross, pulled = a @ a.T, a @ b.T, a @ r
        for one in named:
            row = scale[one][s]
            gradient[mine[one]] += row * pulled
            hessian[mine[one], index] += row[:, None] * cross
            for two in named:
                hessian[mine[one], mine[two]] += row[:, None] * gram * scale[two][s]
        gradient[index] += b @ r
        hessian[np.ix_(index, index)] += b @ b.T
    for one in named:
        hessian[index, mine[one]] = hessian[mine[one], index].T
