"""A box's own clock, and when it hears an external trigger."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

TICK = 8e-9
"""s, nominal period of the 125 MHz clock."""

NextEdge = Callable[[float, bool], float | None]
"""(after, rising) -> bench time of the next edge at DIO0_P strictly after `after`, or None."""


@dataclass(frozen=True)
class BoxClock:
    """Grid on which a box starts: free-running, of its own rate and phase.

    `error` is relative (positive: slow), `phase` in s, `latency` from the edge at DIO0_P to the
    first sample in s; with `grid` False a start follows its edge at exactly the latency.
    """

    error: float = 0.0
    phase: float = 0.0
    latency: float = 100e-9
    grid: bool = True

    @property
    def tick(self) -> float:
        """True period of the sample clock, s."""
        return TICK * (1.0 + self.error)

    def start_after(self, edge: float) -> float:
        """Bench time (s) of the first sample after a trigger edge at bench time `edge`."""
        ready = edge + self.latency
        if not self.grid:
            return ready
        return self.phase + math.ceil((ready - self.phase) / self.tick) * self.tick


class Debouncer:
    """Hears edges, then is deaf for a while: 0.5 ms by default (Red Pitaya OS 2.00 and later)."""

    def __init__(self) -> None:
        self.dead_time = 0.5e-3
        self._heard = -math.inf
        self._seen = -math.inf

    def skip(self, until: float) -> None:
        """Edges up to bench time `until` (s) are nobody's."""
        self._seen = max(self._seen, math.nextafter(until, -math.inf))

    def hear(self, next_edge: NextEdge, rising: bool, until: float) -> list[float]:
        """Bench times (s) of the edges heard up to `until` that have not been given before."""
        heard: list[float] = []
        if until <= self._seen:
            return heard
        while True:
            deaf = math.nextafter(self._heard + self.dead_time, -math.inf)
            after = max(self._seen, self._heard, deaf)
            edge = next_edge(after, rising)
            if edge is None or edge > until:
                break
            self._heard = self._seen = edge
            heard.append(edge)
        # An edge at this very instant may still be on its way.
        self._seen = max(self._seen, math.nextafter(until, -math.inf))
        return heard


class TriggerInput:
    """Both edges at DIO0_P, each deaf for a while after its own (red_pitaya_scope and _asg)."""

    def __init__(self) -> None:
        self._rising, self._falling = Debouncer(), Debouncer()

    @property
    def dead_time(self) -> float:
        """How long it is deaf after an edge, s."""
        return self._rising.dead_time

    @dead_time.setter
    def dead_time(self, seconds: float) -> None:
        self._rising.dead_time = self._falling.dead_time = seconds

    def hear(self, next_edge: NextEdge, falling: bool, until: float) -> list[tuple[float, bool]]:
        """(bench time in s, rising) of the edges heard up to `until` that have not been given
        before, in order; falling ones only where somebody waits for one.
        """
        edges = [(edge, True) for edge in self._rising.hear(next_edge, True, until)]
        if not falling:
            self._falling.skip(until)
            return edges
        return sorted(
            edges + [(edge, False) for edge in self._falling.hear(next_edge, False, until)]
        )
