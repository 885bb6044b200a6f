"""The heaters: what each is at, how much is left to its limit, and what a chip burns in all."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from hil.monitor.state.part import (
    MOST_BANKS,
    MOST_ELEMENTS,
    MOST_PORTS,
    Facts,
    Refused,
    check_shape,
    finite,
)
from hil.monitor.state.trail import Floats, Trail
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import BenchDescribed, Levels, RunResumed

#: W, what rounding may leave below nothing.
ROUNDING = 1e-9
#: Shares of a limit that single precision does not tell from nothing.
ROUNDED = 1e-6


class Heaters:
    """Levels of all banks, and what follows from them and the nominal resistances.

    V = sqrt(P R), I = sqrt(P / R), with R nominal: what is written, not what a warm heater draws.

    Attributes
    ----------
    levels, before : (n_banks, elements) W, the last ones and those before; None: not told.
    chip_power : trail over steps of W, (n_banks,).
    """

    TAKES: ClassVar[tuple[type[Event], ...]] = (BenchDescribed, RunResumed, Levels)

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.levels: Floats | None = None
        self.before: Floats | None = None
        self.step = 0
        self.chip_power = Trail()

    def take(self, stamped: Stamped) -> None:
        """Fold an event in."""
        match stamped.event:
            case BenchDescribed() as bench:
                _check_bench(bench)
                before, self._facts.bench = self._facts.bench, bench
                if before is None or before.level_max.shape != bench.level_max.shape:
                    self.levels = self.before = None
                    self.chip_power = Trail(bench.n_banks)
            case RunResumed(step=step):
                self.chip_power.cut(step)
            case Levels() as told:
                self._take_levels(told)
            case _:
                pass

    def _take_levels(self, told: Levels) -> None:
        bench = self._facts.bench
        if bench is None:
            raise Refused("levels of a bench that has not been described")
        check_shape("levels", told.levels, bench.level_max.shape)
        levels = finite("levels", told.levels)
        if levels.min() < -ROUNDING:
            raise Refused("levels below zero")
        levels = levels.clip(0.0)
        self.before, self.levels = self.levels, levels
        self.step = told.step
        self.chip_power.add(told.step, levels.sum(axis=1))

    @property
    def volts(self) -> Floats:
        """V of each, (n_banks, elements)."""
        levels, bench = self._told()
        return np.sqrt(levels * bench.resistance)

    @property
    def amperes(self) -> Floats:
        """A of each, (n_banks, elements)."""
        levels, bench = self._told()
        return np.sqrt(levels / bench.resistance)

    @property
    def margin(self) -> Floats:
        """What is left to the highest level, as a share of it, (n_banks, elements)."""
        levels, bench = self._told()
        left = 1.0 - levels / bench.level_max
        return np.where(np.abs(left) < ROUNDED, 0.0, left)

    @property
    def change(self) -> Floats:
        """W by which each has changed since the step before, (n_banks, elements)."""
        levels, _ = self._told()
        return np.zeros_like(levels) if self.before is None else levels - self.before

    def _told(self) -> tuple[Floats, BenchDescribed]:
        if self.levels is None or self._facts.bench is None:
            raise LookupError("no levels were told yet")
        return self.levels, self._facts.bench


def _check_bench(bench: BenchDescribed) -> None:
    shape = bench.level_max.shape
    if not (0 < shape[0] <= MOST_BANKS and 0 < shape[1] <= MOST_ELEMENTS):
        raise Refused(f"{shape} elements; up to {MOST_BANKS} banks of {MOST_ELEMENTS} can be shown")
    if bench.n_banks != shape[0]:
        raise Refused(f"{bench.n_banks} banks, but limits of {shape[0]}")
    if not 0 < bench.ports <= MOST_PORTS:
        raise Refused(f"{bench.ports} ports; 1 to {MOST_PORTS} can be shown")
    check_shape("resistances", bench.resistance, shape)
    check_shape("full scales", bench.full_scale, (bench.ports,))
    for name, values in (
        ("highest levels", bench.level_max),
        ("resistances", bench.resistance),
        ("full scales", bench.full_scale),
    ):
        if finite(name, values).min() <= 0.0:
            raise Refused(f"{name} are not all above zero")
    if not bench.power_max > 0.0:
        raise Refused("the most power of a chip is not above zero")
