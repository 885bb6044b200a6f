"""A continuous wavelength sweep, as asked of any laser that has one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

Begin = Literal["at once", "software", "hardware"]
"""What a prepared sweep waits for: nothing, `trigger()`, or an edge at the trigger input."""
BEGINS: tuple[Begin, ...] = get_args(Begin)


@dataclass(frozen=True)
class WavelengthSweep:
    """From `start` to `stop` (m) at `speed` (m/s), with an output trigger and a logged wavelength
    every `step` (m); `both_ways` goes back to the start, too.
    """

    start: float
    stop: float
    speed: float
    step: float
    both_ways: bool = False

    def __post_init__(self) -> None:
        for name in ("start", "stop", "speed", "step"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0.0):
                raise ValueError(f"sweep {name}: {value!r} must be positive and finite")
        if self.start == self.stop:
            raise ValueError(f"a sweep from {self.start:g} m to itself has no way to go")
        if self.step > abs(self.stop - self.start):
            raise ValueError(f"sweep step: {self.step:g} m is longer than the sweep")

    @property
    def duration(self) -> float:
        """Seconds that the light moves."""
        return abs(self.stop - self.start) / self.speed * (2 if self.both_ways else 1)

    @property
    def points(self) -> int:
        """Triggers of one way, both ends included."""
        return int(abs(self.stop - self.start) / self.step + 1e-6) + 1
