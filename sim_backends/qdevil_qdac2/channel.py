"""One output: its DC generator, which slews, and the settings of its current meter."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

FULL = {"LOW": 2.0, "HIGH": 10.0}
"""V that the ranges reach, both ways."""
CURRENT_FULL = {"LOW": 200e-9, "HIGH": 10e-3}
"""A that the current meter's ranges reach, both ways."""
BITS = 25
"""Resolution of the output (the maker's page); a range is divided into so many steps."""


@dataclass
class Channel:
    """State of one output as it is switched on."""

    range: str = "HIGH"
    filter: str = "HIGH"
    enhanced: bool = False
    mode: str = "FIX"
    slew: float = math.inf
    """V/s"""
    last: float = 0.0
    """V that was set last"""
    sense: str = "HIGH"
    aperture: float = 0.02
    delay: float = 0.0
    count: int = 1
    readings: list[float] = field(default_factory=list)
    stuck: float | None = None
    """V that come out whatever is set, for a channel that is broken"""
    _from: float = 0.0
    _since: float = 0.0

    def set(self, volts: float, now: float) -> None:
        """Go to `volts`, at the slew rate from where it is."""
        self._from, self._since = self.wanted(now), now
        self.last = volts

    def hold(self, now: float) -> None:
        """Go on from here with another slew rate."""
        self._from, self._since = self.wanted(now), now

    def wanted(self, now: float) -> float:
        """V that the generator is at."""
        way = self.last - self._from
        done = self.slew * (now - self._since) if now > self._since else 0.0
        if math.isinf(self.slew) or done >= abs(way):
            return self.last
        return self._from + math.copysign(done, way)

    def arrives(self, now: float) -> float:
        """Seconds until it is where it was set."""
        return abs(self.last - self.wanted(now)) / self.slew

    def told(self, now: float) -> float:
        """V of the generator as its converter gives them."""
        step = 2.0 * FULL[self.range] / 2**BITS
        return round(self.wanted(now) / step) * step
