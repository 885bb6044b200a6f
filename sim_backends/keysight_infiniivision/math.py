"""The FUNCtion subsystem: the sum, the difference or the product of two inputs, point by point.

It is worked out of what the ADC gave for both, and has a scale and an offset of its own: what is
read of it and measured on it is clipped at its own screen. A source that is not shown is acquired
all the same. Source: InfiniiVision programmer's guides, ":FUNCtion Commands". A choice here: after
*RST the operation is ADD, of inputs 1 and 2, at 1 V (or V squared) a division. Spectra and the
other operations are not simulated, and refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import choice
from sim_backends.oscilloscope.acquisition import Record
from sim_backends.oscilloscope.device import number_of

from .notation import SHORT, add_pair

if TYPE_CHECKING:
    from .scope import KeysightInfiniivision

Words = NDArray[np.uint16]
Volts = NDArray[np.float64]
MATH = -1
"""The function among the sources, where inputs count from 1."""
NAMES = ("FUNCtion", "MATH")
"""What it is called; it is told by the first."""
OPERATIONS: dict[str, Callable[[Volts, Volts], Volts]] = {
    "ADD": lambda first, second: first + second,
    "SUBTract": lambda first, second: first - second,
    "MULTiply": lambda first, second: first * second,
}
DIVISIONS = 8.0
LEAST, MOST = 1e-6, 1e6
"""V a division."""


def source_of(scope: KeysightInfiniivision, text: str) -> int:
    """The number of an input that is named, or `MATH`. Raises `ScpiError` for another word."""
    word = choice(text, (*scope.words, *NAMES))
    return MATH if word in ("FUNCTION", "MATH") else number_of(word)


def name_of(source: int) -> str:
    """How a source is told."""
    return "FUNC" if source == MATH else f"CHAN{source}"


class Math:
    """The one waveform that is worked out of others."""

    def __init__(self, scope: KeysightInfiniivision) -> None:
        self._scope = scope
        settings = scope.settings
        settings.boolean("math display", "FUNCtion:DISPlay", False)
        settings.choice("math operation", "FUNCtion:OPERation", tuple(OPERATIONS), "ADD")
        for n, default in ((1, "CHANnel1"), (2, "CHANnel2")):
            settings.choice(f"math source {n}", f"FUNCtion:SOURce{n}", scope.words, default)
        settings.number("math scale", "FUNCtion:SCALe", LEAST, MOST, 1.0, unit="V", form=SHORT)
        settings.number("math offset", "FUNCtion:OFFSet", -MOST, MOST, 0.0, unit="V", form=SHORT)
        add_pair(
            scope.commands, "FUNCtion:RANGe", "V", (),
            lambda suffixes: DIVISIONS * settings.value("math scale"),
            lambda suffixes, volts: self._span(volts),
        )  # fmt: skip

    def _span(self, volts: float) -> None:
        if not LEAST <= volts / DIVISIONS <= MOST:
            raise ScpiError(-222)
        self._scope.settings["math scale"] = volts / DIVISIONS

    @property
    def shown(self) -> bool:
        """Whether it is on the screen."""
        return self._scope.settings.on("math display")

    @property
    def axis(self) -> tuple[float, float]:
        """V a division, and V at the middle of the screen."""
        settings = self._scope.settings
        return settings.value("math scale"), settings.value("math offset")

    def words(self, record: Record, points: int) -> Words:
        """Points (points,) of the whole record, as those of an input: 1 and 0xFFFF are clipped."""
        waveform, settings = self._scope.waveform, self._scope.settings
        both = [
            waveform.volts(record, number_of(settings.word(f"math source {n}")), points)
            for n in (1, 2)
        ]
        word = settings.word("math operation")
        of = next(of for name, of in OPERATIONS.items() if name.upper().startswith(word))
        scale, offset = self.axis
        words = np.round((of(*both) - offset) / (DIVISIONS * scale / 65536.0)) + 32768.0
        return np.clip(words, 1, 0xFFFF).astype(np.uint16)
