"""CALCulate2 of a 2400: readings less a null, and the tests whether they lie within limits.

READ? and FETCh? tell readings as they were measured; CALCulate2:DATA? those of one element less the
null. Limit 1 is compliance, limits 2 and 3 have two ends. Each test is of every reading by itself.
Source: 2400S-900-01, sections 8, 12, 15 and 18. Not simulated, and refused: CALCulate1 as the feed,
and the patterns of the digital output (SOURce2), so that the modes of grading and sorting differ
in nothing and bits 8 and 9 of a reading's status tell no result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from sim_backends.engine.common import plain
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.session import Command
from sim_backends.engine.settings import Settings
from sim_backends.engine.status import EventRegister

from .readings import DataFormat, Reading, value_text

MOST = 9.999999e20
NULLED, TESTED = 1 << 6, 1 << 7
"""Bits of a reading's status: a null, a limit test is switched on."""
LIMIT_1, ALL_PASS = 1 << 0, 1 << 5
LOW = {2: 1 << 1, 3: 1 << 3}
HIGH = {2: 1 << 2, 3: 1 << 4}
"""Bits of the measurement event register."""


class Limits:
    """The null, and what the tests say of the last readings. `events` is told of each."""

    def __init__(
        self,
        commands: CommandTable[Command],
        settings: Settings,
        data_format: DataFormat,
        events: EventRegister,
        sampled: Callable[[], list[Reading]],
    ) -> None:
        self._settings, self._format = settings, data_format
        self._events, self._sampled = events, sampled
        self._failed = {1: False, 2: False, 3: False}
        root = "CALCulate2"
        settings.choice("feed", f"{root}:FEED", ("VOLTage", "CURRent", "RESistance"), "VOLTage")
        settings.number("null", f"{root}:NULL:OFFSet", -MOST, MOST, 0, form=value_text)
        settings.boolean("null on", f"{root}:NULL:STATe", False)
        commands.add(f"{root}:NULL:ACQuire", plain(lambda session: self._acquire()))
        commands.add(f"{root}:DATA?", plain(lambda session: self._data()))
        settings.choice("compliance fails", f"{root}:LIMit[1]:COMPliance:FAIL", ("IN", "OUT"), "IN")
        for n in (2, 3):
            for end, default in (("UPPer", 1.0), ("LOWer", -1.0)):
                settings.number(
                    f"{end} {n}", f"{root}:LIMit{n}:{end}[:DATA]", -MOST, MOST, default,
                    form=value_text,
                )  # fmt: skip
        for n, place in ((1, "LIMit[1]"), (2, "LIMit2"), (3, "LIMit3")):
            settings.boolean(f"limit {n}", f"{root}:{place}:STATe", False)
            commands.add(
                f"{root}:{place}:FAIL?", plain(lambda session, n=n: str(int(self._failed[n])))
            )
        commands.add(f"{root}:CLIMits:CLEar[:IMMediate]", plain(lambda session: self.reset()))
        settings.boolean("limits clear", f"{root}:CLIMits:CLEar:AUTO", True)

    def reset(self) -> None:
        """Nothing has failed."""
        self._failed = dict.fromkeys(self._failed, False)

    def begin(self) -> None:
        """Readings begin anew: what has failed is forgotten, unless it is to be kept."""
        if self._settings.on("limits clear"):
            self.reset()

    def judge(self, reading: Reading, in_compliance: bool) -> Reading:
        """Test a reading; returns it with what is switched on in its status."""
        settings = self._settings
        tested = [n for n in self._failed if settings.on(f"limit {n}")]
        value = self._high(self.value(reading))
        bits = 0
        if 1 in tested and in_compliance == (settings.word("compliance fails") == "IN"):
            bits |= LIMIT_1
            self._failed[1] = True
        for n in (2, 3):
            if n not in tested:
                continue
            bits |= LOW[n] * (value < settings.value(f"LOWer {n}"))
            bits |= HIGH[n] * (value > settings.value(f"UPPer {n}"))
            self._failed[n] |= bool(bits & (LOW[n] | HIGH[n]))
        bits |= ALL_PASS * (bool(tested) and not bits)
        for bit in (LIMIT_1, *LOW.values(), *HIGH.values(), ALL_PASS):
            self._events.set(bit, False)
            self._events.set(bit, bool(bits & bit))
        status = reading.status | NULLED * settings.on("null on") | TESTED * bool(tested)
        return replace(reading, status=status)

    def value(self, reading: Reading) -> float:
        """The element that is tested, less the null."""
        settings = self._settings
        value = reading.element(settings.word("feed"))
        return value - settings.value("null") if settings.on("null on") else value

    @staticmethod
    def _high(value: float) -> float:
        """What has not been measured is told as +9.91E37, and as such is above any limit."""
        return math.inf if math.isnan(value) else value

    def _acquire(self) -> None:
        readings = self._sampled()
        if not readings:
            raise ScpiError(-230)
        value = readings[-1].element(self._settings.word("feed"))
        if not math.isfinite(value):
            raise ScpiError(-230)
        self._settings["null"] = value

    def _data(self) -> str | bytes:
        readings = self._sampled()
        if not readings:
            raise ScpiError(-230)
        return self._format.write_values([self.value(reading) for reading in readings])
