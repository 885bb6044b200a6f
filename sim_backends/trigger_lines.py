"""What leads to trigger inputs: a line of the pattern, or an output of a delay generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .srs_dg645 import Dg645
    from .wiring import Wiring

Floats = NDArray[np.float64]
HIGH = 3.3
"""V of a line of the pattern generator that is high."""
LOGIC_LOW, LOGIC_HIGH = 0.8, 2.0
"""V that a logic input takes for low, and for high (TTL)."""
SOURCE_OHMS = 50.0
"""Of an output of a delay generator: its levels hold into as many."""


class TriggerWire(Protocol):
    """What leads to a trigger input."""

    def next_edge(self, after: float, rising: bool, level: float | None = None) -> float | None:
        """Bench time (s) of the first edge later than `after` through `level` V, or through the
        levels of a logic input; None while none is known.
        """
        ...

    def volts(self, times: Floats) -> Floats:
        """V (n,) at bench times (n,) in order."""
        ...

    def quiet(self) -> bool:
        """Whether no edge is to come until the lines play something else."""
        ...


class PatternLine:
    """The trigger line itself."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def next_edge(self, after: float, rising: bool, level: float | None = None) -> float | None:
        """As the pattern plays."""
        if level is not None and not 0.0 < level < HIGH:
            return None
        return self._wiring.playback.next_edge(self._wiring.trigger_line, after, rising)

    def volts(self, times: Floats) -> Floats:
        """0 or 3.3 V."""
        wiring, playback = self._wiring, self._wiring.playback
        since = times - playback.start
        edges, masks = playback.transitions(float(since[0]), float(since[-1]))
        high = (masks >> wiring.trigger_line) & 1
        return HIGH * high[np.searchsorted(edges, since, side="right")].astype(np.float64)

    def quiet(self) -> bool:
        """Once the pattern has ended."""
        return self._wiring.now() > self._wiring.playback.end


class DelayedLine:
    """An output of a delay generator, into so many ohms."""

    def __init__(self, generator: Dg645, output: int, ohms: float) -> None:
        self._generator = generator
        self._output = output
        self._gain = 2.0 * ohms / (SOURCE_OHMS + ohms)

    def next_edge(self, after: float, rising: bool, level: float | None = None) -> float | None:
        """Of the pulses of all triggers that have come so far."""
        self._generator.advance()
        found: float | None = None
        for cycle in reversed(self._generator.cycles):
            (on, off), (rest, active) = self._pulse(cycle.pulses, cycle.levels)
            edge = on if rising == (active > rest) else off
            if edge <= after:
                break  # cycles come one after the other
            if on < off and self._passes(min(rest, active), max(rest, active), level):
                found = edge
        return found

    def volts(self, times: Floats) -> Floats:
        """At rest, or active."""
        self._generator.advance()
        volts = np.full(times.shape, self._gain * self._generator.volts(self._output, False))
        for cycle in self._generator.cycles:
            (on, off), (_, active) = self._pulse(cycle.pulses, cycle.levels)
            volts[(times >= on) & (times < off)] = active
        return volts

    def quiet(self) -> bool:
        """Never: it may be triggered otherwise than by the lines."""
        return False

    def _pulse(
        self,
        pulses: tuple[tuple[float, float], ...],
        levels: tuple[tuple[float, float], ...],
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        rest, active = levels[self._output]
        return pulses[self._output], (self._gain * rest, self._gain * active)

    @staticmethod
    def _passes(low: float, high: float, level: float | None) -> bool:
        if level is None:
            return low <= LOGIC_LOW and high >= LOGIC_HIGH
        return low < level < high


class OpenWire:
    """What nothing simulated leads to."""

    def next_edge(self, after: float, rising: bool, level: float | None = None) -> float | None:
        """Never."""

    def volts(self, times: Floats) -> Floats:
        """0 V."""
        return np.zeros(times.shape)

    def quiet(self) -> bool:
        """Always."""
        return True
