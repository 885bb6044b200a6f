"""MEASure:ITEM: what is told of the waveform on the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim_backends.engine.parameters import arguments, choice
from sim_backends.engine.writing import INFINITE

from .models import SCREEN_POINTS
from .notation import sci
from .waveform import CODES_PER_DIVISION, REFERENCE

if TYPE_CHECKING:
    from .scope import RigolDs1000z

ITEMS: dict[str, Callable[[NDArray[np.float64]], float]] = {
    "VMAX": lambda volts: float(volts.max()),
    "VMIN": lambda volts: float(volts.min()),
    "VPP": lambda volts: float(np.ptp(volts)),
    "VAVG": lambda volts: float(volts.mean()),
    "VRMS": lambda volts: float(np.sqrt(np.mean(volts**2))),
}


class Measuring:
    """Items of one source; 9.9E37 where nothing can be measured."""

    def __init__(self, scope: RigolDs1000z) -> None:
        self._scope = scope
        scope.settings.choice("measure source", "MEASure:SOURce", scope.words, "CHANnel1")
        scope.commands.add("MEASure:ITEM?", lambda session, suffixes, text: self._measure(text))
        scope.commands.add("MEASure:ITEM", lambda session, suffixes, text: self._check(text))
        scope.commands.add(
            "MEASure:STATistic:ITEM?", lambda session, suffixes, text: self._statistic(text)
        )

    def _check(self, text: str) -> None:
        self._split(text)

    def _statistic(self, text: str) -> str:
        """Of one acquisition: its deviation is 0, its average, maximum, minimum are its value."""
        kind, *rest = arguments(text, 2, 3)
        words = ("CURRent", "MAXimum", "MINimum", "AVERages", "DEViation")
        value = self._measure(",".join(rest))
        return sci(0.0) if choice(kind, words) == "DEVIATION" else value

    def _split(self, text: str) -> tuple[str, int]:
        words = arguments(text, 1, 2)
        item = choice(words[0], tuple(ITEMS))
        source = self._scope.settings.word("measure source")
        if len(words) == 2:
            source = choice(words[1], self._scope.words)
        return item, int(source[-1])

    def _measure(self, text: str) -> str:
        item, channel = self._split(text)
        scope = self._scope
        scope.acquisition.advance()
        records = scope.acquisition.records
        if not records or not scope.settings.on("display", channel):
            return sci(INFINITE)
        screen = scope.waveform.codes(records[-1], channel, 0, SCREEN_POINTS, memory=False)
        codes = screen.astype(float)
        increment = scope.settings.value("scale", channel) / CODES_PER_DIVISION
        level = round(scope.settings.value("offset", channel) / increment)
        return sci(ITEMS[item]((codes - level - REFERENCE) * increment))
