"""Heaters of a snapshot brought back: as levels of the banks, within every limit, by the ramp.

A snapshot has their volts as measured, so they come back to within what the chassis measure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.instrument import Instrument
from hil.bench.connection import Connection
from hil.bench.differing import HEATER, Where, settings_of
from hil.bench.opening import OpenBench
from hil.control.sequencer import Sequencer

#: V that a chassis may measure of a channel that is at rest, or off what was set.
MEASURED = 0.1
#: Relative: what is measured of a level at its limit may be more by so much.
ROUNDING = 0.03


@dataclass(frozen=True)
class HeaterLevels:
    """Levels (n_banks, elements) in W of a snapshot that the bench may have; `refused` stay at 0.

    `driven`: how many of them are not 0. `differ`: whether any is not as the bench has it now.
    """

    levels: NDArray[np.float64]
    refused: Mapping[Where, str]
    differ: bool

    @property
    def driven(self) -> int:
        """How many elements are heated."""
        return int(np.count_nonzero(self.levels))


def heater_levels(
    bench: Connection, saved: Mapping[str, Any], now: Mapping[str, Any]
) -> HeaterLevels:
    """The levels that the measured volts of a snapshot make, those beyond a limit refused."""
    levels = np.zeros_like(bench.level_max)
    levels_by = {one.name: one.layout.level for one in bench.parts.chassis}
    was, present = volts_of(saved, levels_by), volts_of(now, levels_by)
    places = {one.name: one for one in bench.parts.instruments}
    refused: dict[Where, str] = {}
    differ = False
    for bank, limits in enumerate(bench.level_max):
        elements = bench.file.bank_elements(bank)
        for at, limit in enumerate(limits):
            where = channel_place(places[elements.chassis[at]], int(elements.channel[at]))
            volts = was.get(where, 0.0)
            level = volts**2 / elements.r_nom[at]
            if volts < -MEASURED:
                refused[where] = f"{volts:.4g} V: a level is set by volts that are not negative"
                continue
            if not level <= limit * (1.0 + ROUNDING):  # NaN, too
                refused[where] = f"{volts:.4g} V makes {level:.4g} W, the limit is {limit:.4g} W"
                continue
            if volts > MEASURED:
                levels[bank, at] = min(level, limit)
            differ |= not abs(volts - present.get(where, 0.0)) <= MEASURED
    total, most = float(levels.sum()), bench.file.chip.power_max
    if total > most:
        why = f"{total:.4g} W in all, the limit is {most:.4g} W (power_max of the chip)"
        return HeaterLevels(np.zeros_like(levels), {Where("heaters", HEATER): why}, False)
    return HeaterLevels(levels, refused, differ)


async def bring_back(
    bench: OpenBench, heaters: HeaterLevels, tell: Callable[[str], None]
) -> list[str]:
    """Ramp the heaters of a bench that is off to their levels; tell which read otherwise."""
    machine = bench.machine
    assert isinstance(machine, Sequencer)  # only the wire path has settings
    await bench.ramp(machine.levels, heaters.levels, tell)
    await machine.settled()
    told: list[str] = []
    places = {one.name: one for one in bench.parts.instruments}
    for number, bank in enumerate(bench.parts.banks):
        elements = bench.file.bank_elements(number)
        asked = elements.volts(heaters.levels[number])
        read = elements.volts(await bank.read_back())
        told += [
            f"{channel_place(places[elements.chassis[at]], int(elements.channel[at]))}: "
            f"reads {read[at]:.4g} V, not {asked[at]:.4g} V"
            for at in np.flatnonzero(~(np.abs(read - asked) <= MEASURED))
        ]
    return told


def volts_of(taken: Mapping[str, Any], levels_by: Mapping[str, str]) -> dict[Where, float]:
    """Volts by channel of every chassis, set or measured.

    `levels_by`: by what name a chassis' volts are set. What was set and is measured counts as set.
    """
    found = {**settings_of(taken), **settings_of(taken, "readings")}
    for name, one in taken["instruments"].items():
        for channel, value in enumerate(one.get(HEATER, ())):
            given = found.get(Where(name, levels_by.get(name, HEATER)))
            near = isinstance(given, int | float) and abs(given - value) <= MEASURED
            found[Where(name, HEATER, str(channel))] = given if near else value
    return {
        where: float(value)
        for where, value in found.items()
        if where.name == HEATER and isinstance(value, int | float)
    }


def channel_place(chassis: Instrument, channel: int) -> Where:
    """A chassis' channel, counted from 0, by the name that its quantity has for it."""
    for quantity in chassis.quantities:
        if quantity.name == HEATER and quantity.channels:
            return Where(chassis.name, HEATER, str(quantity.channels[channel]))
    return Where(chassis.name, HEATER, str(channel))
