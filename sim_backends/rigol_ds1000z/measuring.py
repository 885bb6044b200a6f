"""MEASure:ITEM: what is told of the waveform on the screen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, choice
from sim_backends.engine.writing import INFINITE
from sim_backends.oscilloscope.pulses import Pulses

from .math import MATH
from .models import DIVISIONS, SCREEN_POINTS
from .notation import sci

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
PAIRS: dict[str, Callable[[Pulses, Pulses], float]] = {
    "RDELay": lambda first, second: first.nearest_delay(second, rises=True),
    "FDELay": lambda first, second: first.nearest_delay(second, rises=False),
    "RPHase": lambda first, second: first.phase(second, rises=True),
    "FPHase": lambda first, second: first.phase(second, rises=False),
}
"""What is between two sources: s and degrees, negative where source 1 is behind. The guide does not
say which edges it takes; here the first of source 1, and that of source 2 which comes within a
period after it.
"""
TIMES: dict[str, Callable[[Pulses], int]] = {
    "TVMAX": lambda shown: int(shown.volts.argmax()),
    "TVMIN": lambda shown: int(shown.volts.argmin()),
}
"""The point of the screen that an extreme is at first; its time counts from the trigger."""


class Measuring:
    """Items of one source or two; 9.9E37 where nothing can be measured."""

    def __init__(self, scope: RigolDs1000z) -> None:
        self._scope = scope
        self._sources = (*scope.words, "MATH")
        scope.settings.choice("measure source", "MEASure:SOURce", self._sources, "CHANnel1")
        for what in "PD":  # of phases, of delays
            for place, default in (("A", "CHANnel1"), ("B", "CHANnel2")):
                name = f"{what}S{place}"
                scope.settings.choice(name, f"MEASure:SETup:{name}", self._sources, default)
        scope.commands.add("MEASure:ITEM?", lambda session, suffixes, text: self._measure(text))
        scope.commands.add("MEASure:ITEM", lambda session, suffixes, text: self._check(text))
        scope.commands.add(
            "MEASure:STATistic:ITEM?", lambda session, suffixes, text: self._statistic(text)
        )

    def _check(self, text: str) -> None:
        self._split(text)

    def _statistic(self, text: str) -> str:
        """Of one acquisition: its deviation is 0, its average, maximum, minimum are its value."""
        kind, *rest = arguments(text, 2, 4)
        words = ("CURRent", "MAXimum", "MINimum", "AVERages", "DEViation")
        value = self._measure(",".join(rest))
        return sci(0.0) if choice(kind, words) == "DEVIATION" else value

    def _split(self, text: str) -> tuple[str, list[int]]:
        """The item and its sources, one or two."""
        words = arguments(text, 1, 3)
        every = (*ITEMS, *TIMES, *PAIRS)
        found = choice(words[0], every)
        item = next(one for one in every if one.upper() == found)
        settings = self._scope.settings
        if item in PAIRS:
            kept = [settings.word(f"{item[1]}S{place}") for place in "AB"]
        elif len(words) == 3:
            raise ScpiError(-108)
        else:
            kept = [settings.word("measure source")]
        named = [choice(word, self._sources) for word in words[1:]]
        every_word = (*named, *kept[len(named) :])
        return item, [MATH if word == "MATH" else int(word[-1]) for word in every_word]

    def _measure(self, text: str) -> str:
        item, channels = self._split(text)
        shown = [found for one in channels if (found := self._shown(one)) is not None]
        if len(shown) < len(channels):
            return sci(INFINITE)
        if item in PAIRS:
            value = PAIRS[item](*shown)
        elif item in TIMES:
            step = shown[0].step
            origin = self._scope.settings.value("time offset") - step * SCREEN_POINTS / 2
            value = origin + TIMES[item](shown[0]) * step
        else:
            value = ITEMS[item](shown[0])
        return sci(value if math.isfinite(value) else INFINITE)

    def _shown(self, channel: int) -> Pulses | None:
        """What the screen shows of an input, if it does."""
        scope = self._scope
        scope.acquisition.advance()
        records = scope.acquisition.records
        if not records or not scope.waveform.shows(channel):
            return None
        screen = scope.waveform.volts(records[-1], channel, 0, SCREEN_POINTS, memory=False)
        step = DIVISIONS * scope.settings.value("time scale") / SCREEN_POINTS
        return Pulses(screen, step)
