"""Instruments beside the signal path: what a thermal stage or a laser reads of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hil.monitor.state.part import LARGEST, MOST_NAMES, Facts, Refused, numbers, plain
from hil.monitor.state.trail import Trail
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import Readings

#: Roles that have a place of their own, and the reading of each whose trend is shown.
STAGE, LASER = "thermal stage", "laser"
TRENDS = {STAGE: "actual", LASER: "power"}
#: Numbers that one instrument tells.
MOST_VALUES = 6


@dataclass(frozen=True)
class Reading:
    """What an instrument told last.

    values : name and number, as told; units : by name; ranges : by name, what it may be set to.
    """

    source: str
    role: str
    wall_time: float
    values: tuple[tuple[str, float], ...]
    units: dict[str, str]
    ranges: dict[str, tuple[float, float]]


class Beside:
    """The last readings of each instrument, and a trend of those of which one is shown.

    Attributes
    ----------
    last : by instrument. trends : by role, over bench time in s: the reading that `TRENDS` names,
    of the instrument of this role that told first.
    """

    TAKES: ClassVar[tuple[type[Event], ...]] = (Readings,)

    def __init__(self, facts: Facts) -> None:
        self.last: dict[str, Reading] = {}
        self.trends = {role: Trail(most=1024) for role in TRENDS}

    def take(self, stamped: Stamped) -> None:
        """Fold an event in."""
        told = stamped.event
        if not isinstance(told, Readings):
            return
        source, role = plain(told.source, 40) or "?", plain(told.role, 40).lower()
        values = numbers(told.values, MOST_VALUES)
        if not values:
            raise Refused(f"{source} told no number")
        if source not in self.last and len(self.last) >= MOST_NAMES:
            raise Refused(f"more than {MOST_NAMES} instruments beside the signal path")
        units = {name: plain(str(told.units.get(name, "")), 12) for name in values}
        low, high = numbers(told.lowest, MOST_VALUES), numbers(told.highest, MOST_VALUES)
        ranges = {name: (low[name], high[name]) for name in values if name in low and name in high}
        self.last[source] = Reading(
            source, role, stamped.wall_time, tuple(values.items()), units, ranges
        )
        shown = values.get(TRENDS.get(role, ""))
        if shown is None or self.of(role)[0].source != source:
            return
        if not 0.0 <= stamped.bench_time <= LARGEST:
            raise Refused(f"bench time {stamped.bench_time} is none")
        trail = self.trends[role]
        if len(trail) and stamped.bench_time < trail.x[-1]:  # the run was resumed before this
            trail.cut(stamped.bench_time)
        trail.add(stamped.bench_time, shown)

    def of(self, role: str) -> list[Reading]:
        """The last readings of all instruments of a role, as they first told."""
        return [one for one in self.last.values() if one.role == role]

    @property
    def others(self) -> list[str]:
        """Roles that have no place of their own."""
        return sorted({one.role for one in self.last.values()} - set(TRENDS))

    def unit(self, role: str) -> str:
        """Unit of the trend of a role."""
        told = self.of(role)
        return told[0].units.get(TRENDS[role], "") if told else ""
