"""One output: its DC generator, which slews, and the settings of its current meter."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .generator import Generator
from .mixing import Mixed, mixed, next_step
from .waveform import KINDS, Wave

FULL = {"LOW": 2.0, "HIGH": 10.0}
"""V that the ranges reach, both ways."""
CURRENT_FULL = {"LOW": 200e-9, "HIGH": 10e-3}
"""A that the current meter's ranges reach, both ways."""
BITS = 25
"""Resolution of the output (the maker's page); a range is divided into so many steps."""
LONGEST_STEP, END = 1e-3, 1e-9
"""s between the steps in which what goes on is told to the loads; s after a step's own time."""


@dataclass
class Channel:
    """State of one output as it is switched on."""

    range: str = "HIGH"
    filter: str = "HIGH"
    enhanced: bool = False
    mode: str = "FIX"
    generator: Generator = field(default_factory=Generator)
    waves: tuple[Wave, ...] = field(default_factory=lambda: tuple(Wave(kind) for kind in KINDS))
    slew: float = math.inf
    """V/s"""
    last: float = 0.0
    """V that was set last"""
    sense: str = "HIGH"
    aperture: float = 0.02
    delay: float = 0.0
    count: int = 1
    readings: list[float] = field(default_factory=list)
    left: int = 0
    """Readings that are still to be taken."""
    sense_trigger: str = "IMM"
    sense_again: bool = False
    sense_armed: bool = False
    triggered_volts: float = 0.0
    """V that a trigger brings in FIX mode."""
    stuck: float | None = None
    """V that come out whatever is set, for a channel that is broken"""
    _from: float = 0.0
    _since: float = 0.0

    def set(self, volts: float, now: float) -> None:
        """Go to `volts`, at the slew rate from where it is."""
        self._from, self._since = self.wanted(now), now
        self.last = volts

    def follow(self, now: float) -> None:
        """Go to the voltage that a trigger brings, where one has come in FIX mode."""
        if self.generator.stepped_out:
            self.generator.stepped_out = False
            self.set(self.triggered_volts, now)

    def choose(self, mode: str, now: float) -> None:
        """Another mode: what is played ends. FIX goes back to the voltage that was set."""
        self.hold(now)
        self.generator.abort()
        self.mode = mode

    def stop(self, now: float) -> None:
        """What is played ends, where it is."""
        if self.generator.playing is not None:
            self.last = self._from = self.wanted(now)
        self.generator.abort()

    def stop_all(self, now: float) -> None:
        """All generators end; waveforms add nothing more."""
        self.stop(now)
        for wave in self.waves:
            wave.abort()

    def hold(self, now: float) -> None:
        """Go on from here with another slew rate."""
        self._from, self._since = self.wanted(now), now

    def wanted(self, now: float) -> float:
        """V that the generator is at."""
        if self.generator.playing is not None:
            return self.generator.playing.value(now)
        way = self.last - self._from
        done = self.slew * (now - self._since) if now > self._since else 0.0
        if math.isinf(self.slew) or done >= abs(way):
            return self.last
        return self._from + math.copysign(done, way)

    def arrives(self, now: float) -> float:
        """Seconds until it is where it was set."""
        return abs(self.last - self.wanted(now)) / self.slew

    def given(self, now: float) -> Mixed:
        """V that all generators give together, as the converter gives the constant part."""
        if not any(wave.since is not None for wave in self.waves):
            return Mixed(self.told(now))
        return mixed(self.told(now), self.waves, now, FULL[self.range])

    def next_change(self, now: float) -> float | None:
        """Seconds until it should be looked at again, None where it rests."""
        coming = [left for wave in self.waves if (left := next_step(wave, now)) is not None]
        if (left := self._next_constant(now)) is not None:
            coming.append(left)
        return min(coming, default=None)

    def _next_constant(self, now: float) -> float | None:
        if self.generator.playing is not None:
            left = self.generator.playing.next_change(now)
            return None if left is None else max(left + END, LONGEST_STEP)
        left = self.arrives(now)
        # a little beyond the end, which would not be reached for rounding
        return min(left + END, max(LONGEST_STEP, left / 16)) if left > 0.0 else None

    def told(self, now: float) -> float:
        """V of the generator as its converter gives them."""
        step = 2.0 * FULL[self.range] / 2**BITS
        return round(self.wanted(now) / step) * step
