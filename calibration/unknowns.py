"""The unknowns of a whole-model fit: which there are, where each lies, how well it was known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import CELL_QUANTITIES, ELEMENT_QUANTITIES, Knowledge

Floats = NDArray[np.float64]

#: What can be fitted, in the order of the unknowns of a bank, then of all banks together.
OF_A_BANK = (*ELEMENT_QUANTITIES, *CELL_QUANTITIES, "crosstalk")
OF_ALL = ("detector_gain", "leak", "quadrature_error", "tail")
EVERYTHING = (*OF_A_BANK, *OF_ALL)

#: Prior uncertainties of what a record gives none for.
_PRIOR = {"c1": 0.02, "d0": 0.3, "cg": 1e-3, "leak": 0.1, "quadrature_error": 0.1, "tail": 0.02}


class Unknowns:
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
                    sigma[where] = known.sigma[name][k] * unit(known, name)
        for name, where in self.all.items():
            sigma[where] = known.sigma[name] if name == "detector_gain" else _PRIOR[name]
        return np.maximum(sigma, 1e-9)


def unit(known: Knowledge, name: str) -> float:
    """Factor from a quantity's sigma to that of its unknown: curvature is fitted per p_pi."""
    return known.p_pi if name == "curvature" else 1.0
