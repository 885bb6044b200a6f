"""MEASure:ITEM: what is told of the waveform on the screen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sim_backends.engine.parameters import arguments, choice
from sim_backends.engine.writing import INFINITE
from sim_backends.oscilloscope.pulses import Pulses

from .models import DIVISIONS, SCREEN_POINTS
from .notation import sci
from .waveform import CODES_PER_DIVISION, REFERENCE

if TYPE_CHECKING:
    from .scope import RigolDs1000z

ITEMS: dict[str, Callable[[Pulses], float]] = {
    "VMAX": lambda shown: shown.maximum,
    "VMIN": lambda shown: shown.minimum,
    "VPP": lambda shown: shown.maximum - shown.minimum,
    "VTOP": lambda shown: shown.top,
    "VBASe": lambda shown: shown.base,
    "VAMP": lambda shown: shown.amplitude,
    "VUPper": lambda shown: shown.base + 0.9 * shown.amplitude,
    "VMID": lambda shown: shown.base + 0.5 * shown.amplitude,
    "VLOWer": lambda shown: shown.base + 0.1 * shown.amplitude,
    "VAVG": lambda shown: float(shown.volts.mean()),
    "VRMS": lambda shown: float(np.sqrt(np.mean(shown.volts**2))),
    "VARIance": lambda shown: float(shown.volts.var()),
    "MARea": lambda shown: float(shown.volts.sum()) * shown.step,
    "OVERshoot": lambda shown: shown.overshoot,
    "PREShoot": lambda shown: shown.preshoot,
    "PERiod": lambda shown: shown.period,
    "FREQuency": lambda shown: 1.0 / shown.period,
    "RTIMe": lambda shown: shown.duration(rises=True),
    "FTIMe": lambda shown: shown.duration(rises=False),
    "PSLEWrate": lambda shown: 0.8 * shown.amplitude / shown.duration(rises=True),
    "NSLEWrate": lambda shown: -0.8 * shown.amplitude / shown.duration(rises=False),
    "PWIDth": lambda shown: shown.positive_width,
    "NWIDth": lambda shown: shown.negative_width,
    "PDUTy": lambda shown: shown.positive_width / shown.period,
    "NDUTy": lambda shown: shown.negative_width / shown.period,
    "PEDGes": lambda shown: shown.count(rises=True),
    "NEDGes": lambda shown: shown.count(rises=False),
}
"""Ratios are parts of 1, as the guide's own: an overshoot of 5 % is 5.000000e-02."""


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
        return next(one for one in ITEMS if one.upper() == item), int(source[-1])

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
        step = DIVISIONS * scope.settings.value("time scale") / SCREEN_POINTS
        value = ITEMS[item](Pulses((codes - level - REFERENCE) * increment, step))
        return sci(value if math.isfinite(value) else INFINITE)
