"""Where bench time went: the ledger's differences between two tellings of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import ClassVar

from hil.monitor.state.part import Facts, numbers
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import Spent

#: Intervals that are kept.
KEPT = 12


@dataclass(frozen=True)
class Interval:
    """Bench seconds by category between two steps."""

    first: int
    last: int
    seconds: dict[str, float]

    @property
    def a_step(self) -> dict[str, float]:
        """Seconds a step, by category."""
        steps = max(self.last - self.first, 1)
        return {name: value / steps for name, value in self.seconds.items()}


class Spending:
    """The ledger, and its last differences.

    Attributes
    ----------
    seconds : bench s by category, so far. passes, counts : so far, by name. bench_seconds : in all.
    intervals : the last ones, oldest first.
    """

    TAKES: ClassVar[tuple[type[Event], ...]] = (Spent,)

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.seconds: dict[str, float] = {}
        self.passes: dict[str, float] = {}
        self.counts: dict[str, float] = {}
        self.bench_seconds = 0.0
        self.intervals: deque[Interval] = deque(maxlen=KEPT)
        self._told_at = 0

    def take(self, stamped: Stamped) -> None:
        """Fold an event in."""
        spent = stamped.event
        if not isinstance(spent, Spent):
            return
        seconds, step = numbers(spent.seconds), self._facts.step
        if self.seconds and step > self._told_at:
            since = {
                name: max(value - self.seconds.get(name, 0.0), 0.0)
                for name, value in seconds.items()
            }
            self.intervals.append(Interval(self._told_at, step, since))
        self.seconds, self._told_at = seconds, step
        self.passes, self.counts = numbers(spent.device_passes), numbers(spent.counts)
        self.bench_seconds = spent.bench_seconds

    @property
    def categories(self) -> list[str]:
        """All categories that cost anything lately, the dearest first."""
        total: dict[str, float] = {}
        for interval in self.intervals:
            for name, value in interval.seconds.items():
                total[name] = total.get(name, 0.0) + value
        return sorted((name for name in total if total[name] > 0.0), key=lambda n: -total[n])
