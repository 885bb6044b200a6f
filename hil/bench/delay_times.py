"""When triggers arrive that go through delay generators, and what that means for a frame.

All times are counted from the rising edge of the trigger line, in s.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drivers.roles import DelayFacts
from hil.bench.catalogue import delays
from hil.bench.delay_tables import Delay, DelayedOutput
from hil.control.demultiplex import EARLIEST
from hil.control.frame import HEADER, TAIL, TRIGGER_WIDTH

#: Points by which samples may come early in a record and are still found: what demultiplexing
#: allows for, less one for what no file states (a box's grid, cables).
FREE_POINTS = -EARLIEST - 1
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Timed:
    """A delay generator's table with what its driver states."""

    table: Delay
    facts: DelayFacts

    @property
    def begins(self) -> float:
        """When a cycle begins: T0."""
        edge = TRIGGER_WIDTH if self.table.edge == "falling" else 0.0
        return edge + self.facts.insertion

    @property
    def ready(self) -> float:
        """When it takes another trigger: after the last edge of all outputs."""
        longest = max(one.delay + (one.width or 0.0) for one in self.table.outputs)
        return self.begins + longest + self.facts.recovery

    def arrives(self, output: DelayedOutput) -> float:
        """When the pulse of an output begins."""
        return self.begins + output.delay


def timed(
    tables: Iterable[Delay], instruments: Mapping[str, tuple[str, Mapping[str, Any]]]
) -> Iterator[Timed]:
    """Those tables whose instrument is one, given drivers and options by the instruments' names."""
    for table in tables:
        driver, options = instruments.get(table.generator, ("", {}))
        facts = delays(driver, options) if driver else None
        if facts is not None:
            yield Timed(table, facts)


def arrivals(of: Iterable[Timed]) -> dict[str, float]:
    """When triggers reach what is fed by delay generators, by name."""
    return {
        name: one.arrives(output)
        for one in of
        for output in one.table.outputs
        for name in output.feeds
    }


def early_points(first_sample: float, arrival: float, point: float) -> int:
    """Whole points that a readout records before the first sample comes."""
    return max(0, math.floor((first_sample - arrival) / point + _ROUNDING))


def shortest_frame(first_sample: float, dwell: float) -> float:
    """Seconds from one trigger to the next at least: a frame of one sample."""
    return first_sample + (HEADER + 1 + TAIL) * dwell
