"""How far readings of a source-measure unit may be off, by range, as its maker says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Accuracy:
    """Accuracy of a meter over a year, 23 C +-5 C.

    full : largest value of each range, ascending; gain : relative, offset : in the meter's unit.
    """

    full: tuple[float, ...]
    gain: tuple[float, ...]
    offset: tuple[float, ...]

    def errors(self, values: Floats) -> Floats:
        """Most that readings (n,) may be off, each on the least range that takes it."""
        size = np.abs(np.asarray(values, dtype=np.float64))
        at = np.minimum(np.searchsorted(self.full, size), len(self.full) - 1)
        return np.array(self.gain)[at] * size + np.array(self.offset)[at]
