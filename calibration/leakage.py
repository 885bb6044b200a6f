"""What of the other banks' light leaks through the bank switch, told by moving their heaters.

With bank k selected a detector sees W_k + sum_j leak_kj W_j. When only the heaters of bank j move,

    change of seen_k = leak_kj * change of W_j = leak_kj * change of seen_j,

whatever the meshes are and whatever gain each detector has: nothing of them has to be known. What
else has changed meanwhile (drift, noise) is the misfit, and tells the uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Leakage:
    """leak : (n_banks, n_banks) complex, as in the record. sigma : same, of real and of imaginary
    part; NaN where bank j was not moved or does not change.
    """

    leak: Complexes
    sigma: Floats


class LeakageFit:
    """Collects pairs of looks between which one bank has moved.

    real : leaks are shares of power (microring banks), without a phase.
    """

    def __init__(self, n_banks: int, *, real: bool = False) -> None:
        self._real = real
        shape = (n_banks, n_banks)
        self._power = np.zeros(n_banks)
        self._overlap = np.zeros(shape, dtype=np.complex128)
        self._square = np.zeros(shape)
        self._entries = np.zeros(shape)

    def add(self, moved: int, before: Complexes, after: Complexes) -> None:
        """Matrices (n_banks, N, N) seen before and after bank `moved` went to other levels."""
        change = after - before
        own = change[moved]
        self._power[moved] += float((np.abs(own) ** 2).sum())
        for bank in range(len(change)):
            self._overlap[bank, moved] += complex((own.conj() * change[bank]).sum())
            self._square[bank, moved] += float((np.abs(change[bank]) ** 2).sum())
            self._entries[bank, moved] += change[bank].size * (1 if self._real else 2)

    def found(self) -> Leakage:
        """The leak so far."""
        known = self._power > 0.0
        # By a complex number that is not one, numpy would divide with a warning.
        power = np.where(known, self._power, 1.0)
        leak = self._overlap / power
        if self._real:
            leak = leak.real.astype(np.complex128)
        left = self._square - np.abs(leak) ** 2 * power
        sigma = np.sqrt(np.maximum(left, 0.0) / np.maximum(self._entries - 2, 1) / power)
        sigma[:, ~known] = np.nan
        np.fill_diagonal(leak, 0.0)
        np.fill_diagonal(sigma, 0.0)
        return Leakage(leak, sigma)

    @property
    def moved(self) -> Floats:
        """(n_banks,) sum of squares of what each bank's own matrix has changed by."""
        return self._power


def extinction_db(leak: Complexes, sigma: Floats, *, power: bool) -> tuple[Floats, Floats]:
    """Extinction of each pair in dB, and its uncertainty.

    A leak below three times its uncertainty counts as that much, its uncertainty being NaN: the
    extinction is at least so good. power : the leak is a share of power, not of field.
    """
    size = leak.real if power else np.abs(leak)
    factor = 10.0 if power else 20.0
    seen = size > 3.0 * sigma
    least = np.maximum(np.where(seen, size, 3.0 * sigma), 1e-12)
    decibel = -factor * np.log10(least)
    error = np.where(seen, factor / np.log(10.0) * sigma / least, np.nan)
    return decibel, error
