"""What an oscilloscope's inputs see: volts at times, and edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sim_backends.edges import next_periodic

Volts = NDArray[np.float64]
EXTERNAL = 0
"""The external trigger input among the sources of a trigger; inputs count from 1."""


class Inputs(Protocol):
    """What is joined to an oscilloscope; times are bench time in s."""

    def volts(self, channel: int, times: Volts) -> Volts:
        """Volts at the connector of an input at these times, (n,) in order."""
        ...

    def next_edge(self, source: int, level: float, rising: bool, after: float) -> float | None:
        """When the source (`EXTERNAL`, or an input) first crosses `level` V upwards (downwards)
        later than `after`; None while no such edge is known.
        """
        ...


class DecayingSine:
    """A pulse at EXT every `period`; with each, a sine that decays at every input.

    `amplitude` (V) and `frequency` (Hz) are those of input 1; input n has 1/n of the amplitude.
    The pulse is of 3.3 V and a tenth of the period. `pulsed` is the input that has it instead of a
    sine, where there is no external trigger (0: none has).
    """

    HIGH = 3.3
    SCANNED = 4000
    """Points in which a period is searched for crossings."""

    def __init__(
        self,
        now: Callable[[], float],
        *,
        period: float = 0.01,
        amplitude: float = 1.0,
        frequency: float = 2000.0,
        decay: float = 1e-3,
        pulsed: int = 0,
    ) -> None:
        """`decay`: s in which the sine falls to 1/e."""
        self._now = now
        self.period = period
        self.amplitude = amplitude
        self.frequency = frequency
        self.decay = decay
        self.pulsed = pulsed

    def volts(self, channel: int, times: Volts) -> Volts:
        """The decaying sine of an input, or the pulse."""
        since = np.mod(times, self.period)
        if channel == self.pulsed:
            return np.where(since < 0.1 * self.period, self.HIGH, 0.0)
        swing = np.sin(2.0 * math.pi * self.frequency * since) * np.exp(-since / self.decay)
        return self.amplitude / channel * swing

    def next_edge(self, source: int, level: float, rising: bool, after: float) -> float | None:
        """Edges of the pulse, or crossings of the sine; those of over a second ago are over."""
        after = max(after, self._now() - 1.0)
        if source in (EXTERNAL, self.pulsed):
            if not 0.0 < level < self.HIGH:
                return None
            shift = 0.0 if rising else 0.1 * self.period
            return next_periodic(after, self.period, shift)
        times = after + np.linspace(0.0, self.period, self.SCANNED)
        above = self.volts(source, times) >= level
        before, later = (~above[:-1], above[1:]) if rising else (above[:-1], ~above[1:])
        crossings = np.flatnonzero(before & later)
        return float(times[crossings[0] + 1]) if crossings.size else None
