"""Gauss-Newton on the whole model: all phases, slopes, splitters, losses and couplings at once.

What was known before enters as a prior with its uncertainty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.mesh import layout
from calibration.model import Tomogram, seen_matrices
from calibration.normal_equations import common_phases, normal_equations, unmixed
from calibration.unknowns import EVERYTHING, Unknowns, unit

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: Shortest decay length of the crosstalk that is believed, pitches.
_LEAST_DECAY = 0.2
#: Shares of a step that are tried, and how much a residual may rise by rounding and the prior.
_SHRINKS, _WORSE = (1.0, 0.5, 0.25, 0.1), 5e-4
#: A fit ends when a step lowers the residual by less than this share.
_GAIN = 2e-3


@dataclass(frozen=True)
class Fit:
    """How a fit ended.

    residual : rms of an entry's real or imaginary part, signal units. expected : the same from
    noise alone. relative : residual over the rms of an entry. step : largest last step, in units
    of its prior uncertainty. settings : used.
    """

    residual: float
    expected: float
    relative: float
    step: float
    settings: int


def refine(
    known: Knowledge,
    tomogram: Tomogram,
    *,
    free: Sequence[str] = EVERYTHING,
    iterations: int = 6,
    tolerance: float = 0.02,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Fit:
    """Fit `free` quantities of `known` to a tomogram, in place, and renew their uncertainties.

    Sigmas of output phases hold what they have in common, which the LO's drift hides.

    Parameters
    ----------
    known : start values; their sigmas are the prior.
    free : names of EVERYTHING.
    tolerance : a step below this share of every prior uncertainty ends it, as does one that
        hardly lowers the residual.
    tell : called with the number of each iteration and how many there are at most.
    """
    unknowns = Unknowns(known, free)
    prior = unknowns.prior(known)
    moved = np.zeros(unknowns.size)
    start = _Start(known)
    sigma = tomogram.sigma
    hessian, gradient, residual = normal_equations(known, tomogram, unknowns)
    largest = np.inf
    for iteration in range(iterations):
        tell(iteration, iterations)
        # What the model cannot explain (drift, for one) is noise to it as well.
        sigma = max(tomogram.sigma, residual)
        whole = hessian / sigma**2 + np.diag(prior**-2)
        pull = gradient / sigma**2 - moved / prior**2
        step = np.linalg.solve(whole, pull)
        for shrink in _SHRINKS:
            start.restore(known)
            _apply(known, unknowns, moved + shrink * step)
            newer = normal_equations(known, tomogram, unknowns)
            if newer[2] <= residual * (1.0 + _WORSE):
                break
        else:  # no step helps any more
            start.restore(known)
            _apply(known, unknowns, moved)
            break
        moved = moved + shrink * step
        gained = residual - newer[2]
        hessian, gradient, residual = newer
        largest = float(np.abs(shrink * step / prior).max())
        if largest < tolerance or gained < _GAIN * residual:
            break
    sigma = max(tomogram.sigma, residual)
    covariance = np.linalg.inv(hessian / sigma**2 + np.diag(prior**-2))
    _renew_sigmas(known, unknowns, np.sqrt(np.maximum(np.diag(covariance), 0.0)))
    if "phase_offset" in free:
        _absorb_lo(known, tomogram)
    size = float(np.sqrt((np.abs(tomogram.seen) ** 2).mean() / 2.0))
    return Fit(residual, tomogram.sigma, residual / size, largest, len(tomogram))


def _absorb_lo(known: Knowledge, tomogram: Tomogram) -> None:
    """Put the LO phase that all settings have in common into the output phases of all banks."""
    believed = seen_matrices(known, tomogram.times, tomogram.levels)
    turn = common_phases(believed, unmixed(tomogram.seen, known.quadrature_error))
    outputs = layout(known.ports).kind == 2
    known.value["phase_offset"][:, outputs] += np.angle(turn.mean())


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


def _apply(known: Knowledge, unknowns: Unknowns, moved: Floats) -> None:
    """Move `known` from its start by `moved`."""
    for k, mine in enumerate(unknowns.bank):
        for name, where in mine.items():
            if name == "crosstalk":
                known.crosstalk[k] += moved[where]
                known.crosstalk[k, 1] = max(known.crosstalk[k, 1], _LEAST_DECAY)
            elif name == "slope":
                known.value[name][k] *= 1.0 + moved[where]
            else:
                known.value[name][k] += moved[where] / unit(known, name)
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


def _renew_sigmas(known: Knowledge, unknowns: Unknowns, sigma: Floats) -> None:
    for k, mine in enumerate(unknowns.bank):
        for name, where in mine.items():
            if name != "crosstalk":
                known.sigma[name][k] = sigma[where] / unit(known, name)
    if "detector_gain" in unknowns.all:
        known.sigma["detector_gain"] = sigma[unknowns.all["detector_gain"]].copy()
