"""The MATH subsystem: the sum, the difference, the product or the quotient of two inputs.

It is worked out, point by point, of what the screen shows of both, and is read in the mode NORMal
alone. Source: RIGOL MSO1000Z/DS1000Z programming guide, ":MATH Commands". A choice here: what is
divided by 0 V is at the end of the screen, both sources are acquired though they are not shown, and
the sources after *RST (input 1 twice).
Spectra, logic, filters and functions of one input are not simulated, and refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim_backends.oscilloscope.acquisition import Record

from .notation import sci

if TYPE_CHECKING:
    from .scope import RigolDs1000z

Volts = NDArray[np.float64]
MATH = -1
"""It, among the sources, where inputs count from 1."""


def _quotient(first: Volts, second: Volts) -> Volts:
    safe = np.where(second == 0.0, 1.0, second)
    return np.where(second == 0.0, np.copysign(1e30, first), first / safe)


OPERATORS: dict[str, Callable[[Volts, Volts], Volts]] = {
    "ADD": lambda first, second: first + second,
    "SUBTract": lambda first, second: first - second,
    "MULTiply": lambda first, second: first * second,
    "DIVision": _quotient,
}


class Math:
    """The one waveform that is worked out of others."""

    def __init__(self, scope: RigolDs1000z) -> None:
        self._scope = scope
        settings = scope.settings
        settings.boolean("math display", "MATH:DISPlay", False)
        settings.choice("math operator", "MATH:OPERator", tuple(OPERATORS), "ADD")
        for n in (1, 2):
            settings.choice(f"math source {n}", f"MATH:SOURce{n}", scope.words, "CHANnel1")
        settings.number("math scale", "MATH:SCALe", 1e-12, 5e12, 1.0, unit="V", form=sci)
        settings.number("math offset", "MATH:OFFSet", -1e9, 1e9, 0.0, unit="V", form=sci)
        settings.boolean("math invert", "MATH:INVert", False)
        scope.action("MATH:RESet", self._fit)

    @property
    def shown(self) -> bool:
        """Whether it is on the screen."""
        return self._scope.settings.on("math display")

    def _fit(self) -> None:
        """MATH:RESet: a scale that suits the operator and the scales of the sources."""
        settings = self._scope.settings
        first, second = (
            settings.value("scale", int(settings.word(f"math source {n}")[-1])) for n in (1, 2)
        )
        operator = settings.word("math operator")
        fitting = {"MULT": first * second, "DIV": first / second}
        settings["math scale"] = fitting.get(operator, max(first, second))
        settings["math offset"] = 0.0

    def volts(self, record: Record, first: int, count: int) -> Volts:
        """Points (count,) of the screen, from a point (from 0) on."""
        scope, settings = self._scope, self._scope.settings
        both = [
            scope.waveform.volts(
                record, int(settings.word(f"math source {n}")[-1]), first, count, memory=False
            )
            for n in (1, 2)
        ]
        word = settings.word("math operator")
        of = next(of for name, of in OPERATORS.items() if name.upper().startswith(word))
        volts = of(*both)
        return -volts if settings.on("math invert") else volts
