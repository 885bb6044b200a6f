"""Outputs of chassis on which no element of the bench file hangs: held at 0 V, unless allowed.

A bench file gives them no limit but 0 V, for it does not know what hangs there. An operator who
does may give a largest voltage and current; they are brought back within these, by the ramp.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from drivers.errors import InstrumentError
from drivers.roles import VoltageOutputs
from drivers.transport.link import LinkError
from hil.bench.connection import Connection
from hil.bench.differing import Where, settings_of
from hil.bench.heaters_again import MEASURED, channel_place, volts_of
from hil.bench.operator_limits import AMPS, Limits

#: V by which an output may be off where it is told, not measured.
TOLD = 1e-3


@dataclass(frozen=True)
class Spare:
    """An output that is to be driven: `channel` from 0, `volts`, and the operator's limits."""

    where: Where
    chassis: VoltageOutputs
    channel: int
    volts: float
    v_max: float
    i_max: float

    @property
    def tolerance(self) -> float:
        """V by which it may read otherwise."""
        return TOLD if self.chassis.layout.volts == "set" else MEASURED


@dataclass(frozen=True)
class SpareOutputs:
    """Outputs of a snapshot that the bench may have; `refused` stay at 0 V. `differ`: whether any
    of those is not as the bench has it now.
    """

    driven: tuple[Spare, ...]
    refused: Mapping[Where, str]
    differ: bool

    @property
    def told(self) -> str:
        """Which and how many volts, in words."""
        return ", ".join(f"{one.where} {one.volts:.6g} V" for one in self.driven)


def spare_outputs(
    bench: Connection, saved: Mapping[str, Any], now: Mapping[str, Any], limits: Limits
) -> SpareOutputs:
    """The spare outputs that a snapshot has driven; those that nothing allows are refused."""
    levels_by = {one.name: one.layout.level for one in bench.parts.chassis}
    was, present = volts_of(saved, levels_by), volts_of(now, levels_by)
    functions = settings_of(saved)
    driven: list[Spare] = []
    refused: dict[Where, str] = {}
    for chassis, channel, where in _places(bench):
        volts = was.get(where, 0.0)
        v_max, i_max = limits.get(where), limits.get(_amps(where))
        spare = Spare(where, chassis, channel, volts, v_max or 0.0, i_max or 0.0)
        if abs(volts) <= spare.tolerance:
            continue
        if functions.get(Where(where.instrument, "function")) == "CURR":
            refused[where] = "it was a source of amperes; set it by hand"
        elif v_max is None or i_max is None:
            refused[where] = (
                f"{volts:.4g} V where no element of the bench file hangs, so its limit is 0 V: "
                f"wire it there, or allow it by {_option(where, 'VOLTS')} "
                f"{_option(_amps(where), 'AMPERES')}"
            )
        elif not abs(volts) <= min(v_max, chassis.layout.v_full):  # NaN, too
            most = min(v_max, chassis.layout.v_full)
            refused[where] = f"{volts:.4g} V is more than {most:.4g} V, the limit that was given"
        else:
            driven.append(spare)
    differ = any(
        not abs(one.volts - present.get(one.where, 0.0)) <= one.tolerance for one in driven
    )
    return SpareOutputs(tuple(driven), refused, differ)


async def allow(spares: SpareOutputs) -> dict[Where, str]:
    """Give chassis the operator's limits for these outputs; why not, by output.

    They hold until a bench is opened the next time, which writes those of its file.
    """
    refused: dict[Where, str] = {}
    for chassis, ones in _by_chassis(spares):
        v_max, i_max = np.array(chassis.v_max), np.array(chassis.i_max)
        for one in ones:
            v_max[one.channel], i_max[one.channel] = one.v_max, one.i_max
        try:
            chassis.set_limits(v_max, i_max)
            await chassis.apply_limits()
        except (InstrumentError, LinkError, ValueError) as error:
            refused.update({one.where: str(error) for one in ones})
    return refused


async def bring_spares_back(
    bench: Connection, spares: SpareOutputs, tell: Callable[[str], None]
) -> tuple[dict[Where, str], list[str]]:
    """Ramp outputs from 0 V to their volts in the steps of the bench's ramp.

    Returns those that were refused, with the reason, and a line for each that reads otherwise.
    """
    refused: dict[Where, str] = {}
    other: list[str] = []
    for one in spares.driven:  # one by one: what one may not, others may
        try:
            await _ramp(bench, one, tell)
            read = float((await one.chassis.read_volts())[one.channel])
        except (InstrumentError, LinkError, ValueError) as error:
            refused[one.where] = str(error)
            continue
        if not abs(read - one.volts) <= one.tolerance:
            other.append(f"{one.where}: reads {read:.4g} V, not {one.volts:.4g} V")
    return refused, other


async def _ramp(bench: Connection, one: Spare, tell: Callable[[str], None]) -> None:
    steps, seconds = bench.file.chip.ramp_steps, bench.file.chip.ramp_time
    tell(f"{one.where} 0 -> {one.volts:.4g} V in {steps} steps over {seconds:g} s")
    channel = np.array([one.channel], dtype=np.intp)
    for step in range(1, steps + 1):
        await one.chassis.write_volts(channel, np.array([one.volts * (step / steps)]))
        await asyncio.sleep(seconds / steps)


def _places(bench: Connection) -> Iterator[tuple[VoltageOutputs, int, Where]]:
    """Chassis, channel from 0, and name of every output on which no element hangs."""
    wired = {
        (str(chassis), int(channel))
        for bank in range(bench.file.n_banks)
        for elements in (bench.file.bank_elements(bank),)
        for chassis, channel in zip(elements.chassis, elements.channel, strict=True)
    }
    instruments = {one.name: one for one in bench.parts.instruments}
    for chassis in bench.parts.chassis:
        for channel in range(chassis.channels):
            if (chassis.name, channel) not in wired:
                yield chassis, channel, channel_place(instruments[chassis.name], channel)


def _by_chassis(spares: SpareOutputs) -> Iterator[tuple[VoltageOutputs, list[Spare]]]:
    for _, group in groupby(spares.driven, lambda one: one.chassis.name):
        ones = list(group)
        yield ones[0].chassis, ones


def _amps(where: Where) -> Where:
    return Where(where.instrument, AMPS, where.channel)


def _option(where: Where, value: str) -> str:
    return f"--limit {where.instrument}:{where.name}:{where.channel}={value}"
