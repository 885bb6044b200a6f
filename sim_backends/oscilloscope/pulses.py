"""What an oscilloscope measures of pulses: top and base, edges, widths, times of an edge.

Thresholds are 10, 50 and 90 % of the way from base to top, as both makers' scopes are switched
on with. What there is not on the screen is NaN. Source: RIGOL MSO1000Z/DS1000Z programming guide,
":MEASure", and InfiniiVision programmer's guides, ":MEASure Commands".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FLAT = 0.05
"""Part of all points that must have one value for it to be a flat top or base."""
LOWER, MIDDLE, UPPER = 0.1, 0.5, 0.9


@dataclass(frozen=True)
class Edge:
    """A way from base to top, or back: when it passes the three thresholds, in steps."""

    rises: bool
    lower: float
    middle: float
    upper: float

    @property
    def duration(self) -> float:
        """Steps between the outer thresholds."""
        return abs(self.upper - self.lower)


class Pulses:
    """A waveform on the screen, volts (points,), `step` s apart."""

    def __init__(self, volts: Floats, step: float) -> None:
        self.volts, self.step = volts, step
        self.maximum, self.minimum = float(volts.max()), float(volts.min())
        middle = 0.5 * (self.maximum + self.minimum)
        self.top = self._flat(volts[volts >= middle], self.maximum)
        self.base = self._flat(volts[volts <= middle], self.minimum)
        self.edges = self._edges() if self.top > self.base else []

    @property
    def amplitude(self) -> float:
        """V from base to top."""
        return self.top - self.base

    @property
    def overshoot(self) -> float:
        """By how much the maximum is above the top, as a part of the amplitude."""
        return self._part(self.maximum - self.top)

    @property
    def preshoot(self) -> float:
        """By how much the minimum is below the base, as a part of the amplitude."""
        return self._part(self.base - self.minimum)

    @property
    def period(self) -> float:
        """Seconds between the first two rises."""
        return self._between(rises=True, then_rises=True)

    @property
    def positive_width(self) -> float:
        """Seconds from the first rise to the fall after it."""
        return self._between(rises=True, then_rises=False)

    @property
    def negative_width(self) -> float:
        """Seconds from the first fall to the rise after it."""
        return self._between(rises=False, then_rises=True)

    def duration(self, rises: bool) -> float:
        """Seconds that the first rise, or the first fall, takes between 10 and 90 %."""
        first = next((edge for edge in self.edges if edge.rises == rises), None)
        return math.nan if first is None else first.duration * self.step

    def edge_time(self, rises: bool, number: int) -> float:
        """Seconds from the first point to the middle of the rise, or fall, of this number (from 1).

        NaN where there are fewer.
        """
        of_this_kind = [edge for edge in self.edges if edge.rises == rises]
        return of_this_kind[number - 1].middle * self.step if number <= len(of_this_kind) else (
            math.nan
        )  # fmt: skip

    def nearest_delay(self, other: Pulses, rises: bool) -> float:
        """Seconds from the first rise (fall) to that one of another waveform, of the same points,
        which comes within a period after it; else within one before it; else the nearest.
        """
        first = self.edge_time(rises, 1)
        period = self._between(rises=rises, then_rises=rises)
        delays = [edge.middle * other.step - first for edge in other.edges if edge.rises == rises]
        if math.isnan(first) or not delays:
            return math.nan
        after = [delay for delay in delays if 0.0 <= delay < period]
        before = [delay for delay in delays if -period < delay < 0.0]
        return min(after) if after else max(before) if before else min(delays, key=abs)

    def phase(self, other: Pulses, rises: bool) -> float:
        """Degrees of this one's period by which another waveform is behind it."""
        period = self._between(rises=rises, then_rises=rises)
        return 360.0 * self.nearest_delay(other, rises) / period

    def count(self, rises: bool) -> int:
        """Rises, or falls, on the screen."""
        return sum(edge.rises == rises for edge in self.edges)

    def _part(self, volts: float) -> float:
        return volts / self.amplitude if self.amplitude else math.nan

    def _between(self, rises: bool, then_rises: bool) -> float:
        for at, edge in enumerate(self.edges):
            if edge.rises == rises:
                later = (one for one in self.edges[at + 1 :] if one.rises == then_rises)
                second = next(later, None)
                return math.nan if second is None else (second.middle - edge.middle) * self.step
        return math.nan

    def _flat(self, half: Floats, extreme: float) -> float:
        """The commonest value of one half, where it is common; else the extreme."""
        values, counts = np.unique(np.round(half, 12), return_counts=True)
        most = int(counts.argmax())
        return float(values[most]) if counts[most] >= FLAT * self.volts.size else extreme

    def _edges(self) -> list[Edge]:
        """Edges that go the whole way from one outer threshold to the other, in order."""
        share = (self.volts - self.base) / self.amplitude
        side = np.where(share >= UPPER, 1, np.where(share <= LOWER, -1, 0))
        known = np.flatnonzero(side)
        turns = np.flatnonzero(np.diff(side[known]))
        return [self._edge(share, int(known[at]), int(known[at + 1])) for at in turns]

    def _edge(self, share: Floats, start: int, end: int) -> Edge:
        rises = bool(share[end] > share[start])
        way = share[start : end + 1] if rises else -share[start : end + 1]
        times: list[float] = []
        for level in (LOWER, MIDDLE, UPPER):
            goal = level if rises else -level
            after = max(1, int(np.flatnonzero(way >= goal)[0]))
            low, high = float(way[after - 1]), float(way[after])
            part = 1.0 if high <= low else min(1.0, max(0.0, (goal - low) / (high - low)))
            times.append(start + after - 1 + part)
        return Edge(rises, *times)
