"""The analogue side of a source-measure unit: what it gives to its load, and what it reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .load import Load, OperatingPoint, Resistor, meet
from .ranges import Imperfections, Range, least_range


@dataclass(frozen=True)
class Drive:
    """What the source is told: V or A, how much, on which range, with which limit (A or V)."""

    volts: bool
    level: float
    source_range: int
    limit: float
    remote_sense: bool = False
    clamp: float = 210.0
    """Most volts at all (over-voltage protection)."""


@dataclass(frozen=True)
class Reading:
    """What is read at one time: V, A; infinite beyond the range."""

    volts: float
    amperes: float
    limited: bool
    clamped: bool
    overflow: bool


class SourceMeasureUnit:
    """Source, meters and leads; `load` may be exchanged at any time.

    `lead_ohms` is the resistance of both force leads; without remote sense it is in what is sourced
    and measured.
    """

    def __init__(
        self,
        load: Load,
        volts: tuple[Range, ...],
        amperes: tuple[Range, ...],
        seed: int,
        lead_ohms: float = 0.2,
    ) -> None:
        generator = np.random.default_rng([seed, 2400])
        self.load = self.own_load = load
        self.lead_ohms = lead_ohms
        self.volts = volts
        self.amperes = amperes
        self._volts = Imperfections(volts, generator)
        self._amperes = Imperfections(amperes, generator)

    def load_fault(self, value: str) -> Callable[[], None]:
        """What joins another load: `open`, `short`, or ohms. Raises `ValueError`."""
        words = {"open": math.inf, "short": 0.0}
        ohms = words[value] if value in words else float(value)
        if not ohms >= 0.0:
            raise ValueError("ohms are 0 or more")

        def change() -> None:
            self.load.driven(0.0)
            self.load = Resistor(ohms)

        return change

    def mend(self) -> None:
        """The load that it was made with is back."""
        self.load = self.own_load

    def apply(self, drive: Drive) -> OperatingPoint:
        """Drive the load; where it settles."""
        return self._drive(drive)[0]

    def idle(self) -> None:
        """The output is off: no voltage over the load."""
        self.load.driven(0.0)

    def _drive(self, drive: Drive) -> tuple[OperatingPoint, bool]:
        point, clamped = self._meet(drive)
        leads = 0.0 if drive.remote_sense else self.lead_ohms
        self.load.driven(point.volts - leads * point.amperes)
        return point, clamped

    def _meet(self, drive: Drive) -> tuple[OperatingPoint, bool]:
        """Where source and load meet, and whether the over-voltage protection holds them there."""
        leads = 0.0 if drive.remote_sense else self.lead_ohms
        imperfect = self._volts if drive.volts else self._amperes
        level = imperfect.sourced(drive.source_range, drive.level)
        limit = drive.limit if drive.volts else min(drive.limit, drive.clamp)
        clamped = drive.volts and abs(level) > drive.clamp
        if clamped:
            level = math.copysign(drive.clamp, level)
        point = meet(self.load, leads, sources_volts=drive.volts, level=level, limit=limit)
        return point, clamped or (point.limited and limit < drive.limit)

    def limited(self, drive: Drive) -> bool:
        """Whether the source is at its limit."""
        return self._meet(drive)[0].limited

    def clamped(self, drive: Drive) -> bool:
        """Whether the over-voltage protection holds the volts."""
        return self._meet(drive)[1]

    def read(
        self,
        drive: Drive,
        nplc: float,
        volts_range: int | None = None,
        amperes_range: int | None = None,
    ) -> Reading:
        """Measure while driving; a range of None is the least that takes the value."""
        point, clamped = self._drive(drive)
        at_volts = least_range(self.volts, point.volts) if volts_range is None else volts_range
        at_amperes = (
            least_range(self.amperes, point.amperes) if amperes_range is None else amperes_range
        )
        volts = self._volts.measured(at_volts, point.volts, nplc)
        amperes = self._amperes.measured(at_amperes, point.amperes, nplc)
        overflow = math.isinf(volts) or math.isinf(amperes)
        return Reading(volts, amperes, point.limited, clamped, overflow)
