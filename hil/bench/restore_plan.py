"""What putting a snapshot back would do: which settings, in which order, and why some are left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drivers.instrument import Instrument
from drivers.quantity import Quantity
from hil.bench.connection import Connection
from hil.bench.differing import HEATER, Difference, Where, differences, same, settings_of
from hil.bench.heaters_again import HeaterLevels, heater_levels
from hil.bench.operator_limits import NONE, Limits
from hil.bench.restore_rules import (
    BY_VOLTS,
    HELD,
    IMPOSED,
    KEPT,
    POINTS,
    another_waveform,
    follows,
    is_output,
    not_settable,
    refusal,
    unreachable,
    waveform_refusal,
)
from hil.bench.spare_outputs import SpareOutputs, spare_outputs
from hil.bench.waveforms import WAVEFORM

#: In the place of a declared quantity: samples, which drivers take by a method of their own.
SAMPLES = Quantity(WAVEFORM, "", "Control the samples in a waveform memory.")


@dataclass(frozen=True)
class Step:
    """One setting to make."""

    difference: Difference
    instrument: Instrument
    quantity: Quantity

    @property
    def where(self) -> Where:
        """Which setting."""
        return self.difference.where

    @property
    def told(self) -> str:
        """One line: what it is, and what it is to be."""
        turned = Difference(self.where, self.difference.after, self.difference.before)
        return turned.told(self.quantity.unit)


@dataclass(frozen=True)
class Plan:
    """What restoring a snapshot would do: steps in order; what it keeps and refuses, and why.

    `first`: what goes before the steps, in words.
    """

    first: tuple[str, ...]
    steps: tuple[Step, ...]
    held: Mapping[Where, str]
    refused: Mapping[Where, str]
    heaters: HeaterLevels
    spares: SpareOutputs


def quantities_of(bench: Connection) -> dict[str, dict[str, Quantity]]:
    """Declared quantities by the drivers' class names, then by their own."""
    return {
        type(one).__name__: {quantity.name: quantity for quantity in one.quantities}
        for one in bench.parts.instruments
    }


def plan(
    bench: Connection,
    saved: Mapping[str, Any],
    now: Mapping[str, Any],
    *,
    outputs: bool,
    limits: Limits = NONE,
) -> Plan:
    """What would be set to come from the bench as it is to the snapshot.

    Ranges come before levels, limits before sources, switches of outputs last. Quantities that an
    instrument moves by itself, as the snapshot has it, are no settings.
    """
    instruments = {one.name: one for one in bench.parts.instruments}
    heaters = heater_levels(bench, saved, now)
    spares = spare_outputs(bench, saved, now, limits)
    steps: list[Step] = []
    held: dict[Where, str] = {}
    refused = {**heaters.refused, **spares.refused} if outputs else {}
    for name, one in saved["instruments"].items():
        if why := unreachable(one, now["instruments"].get(name)):
            refused[Where(name, "settings")] = why
    known = quantities_of(bench)
    saved_settings = settings_of(saved)
    by_volts = {one.name: {HEATER, "output", one.layout.level} for one in bench.parts.chassis}
    found = differences(saved, now, known)
    # Waveforms first: whether an output may play hangs on them.
    for difference in sorted(found, key=lambda one: one.where.name != WAVEFORM):
        where = difference.where
        instrument = instruments[where.instrument]
        quantity = known[type(instrument).__name__].get(where.name)
        if Where(where.instrument, "settings") in refused:
            continue
        if where.name == WAVEFORM:
            why = waveform_refusal(difference)
            if why == POINTS:
                held[where] = why
            elif why:
                refused[where] = why
            else:
                steps.append(Step(difference, instrument, SAMPLES))
        elif where.name in instrument.imposed:
            held[where] = IMPOSED
        elif quantity is None or not quantity.writable:
            refused[where] = not_settable(instrument, quantity)
        elif where.instrument in by_volts and is_output(quantity):
            # By bank, within the limits of all its elements, and ramped.
            if where.name not in by_volts[where.instrument] and outputs:
                held[where] = BY_VOLTS
        elif follows(quantity, where, saved_settings):
            continue
        elif is_output(quantity) and not outputs:
            if same(quantity.safe, difference.before, quantity):
                continue  # off is what it goes to
            held[where] = HELD if quantity.safe is not None else KEPT
        elif why := refusal(
            bench.file, instrument, quantity, difference, saved_settings, limits
        ) or another_waveform(where, difference.before, saved_settings, held):
            refused[where] = why
        else:
            steps.append(Step(difference, instrument, quantity))
    steps.sort(key=_order)
    return Plan(_first(bench, now), tuple(steps), held, refused, heaters, spares)


def unsafe(instrument: Instrument, values: Mapping[Where, Any]) -> list[Step]:
    """Outputs of an instrument that are not at their safe value, as steps to it."""
    return [
        Step(Difference(where, quantity.safe, value), instrument, quantity)
        for quantity in instrument.quantities
        if quantity.safe is not None
        for where, value in values.items()
        if (where.instrument, where.name) == (instrument.name, quantity.name)
        and not same(quantity.safe, value, quantity)
    ]


def _first(bench: Connection, now: Mapping[str, Any]) -> tuple[str, ...]:
    """What is done before anything of a snapshot is set, in words and in order."""
    parts, chip = bench.parts, bench.file.chip
    chassis = ", ".join(one.name for one in parts.chassis)
    lines = [f"drives the bench off: signal light off, every line of {parts.switch_name} low"]
    if parts.laser is not None and bench.file.light is not None:
        lines.append(f"  {bench.file.light.laser} off")
    lines += [f"  {one.table.generator}: no triggers, outputs at 0 V" for one in parts.delays]
    lines += [
        f"  {', '.join(one.name for one in parts.signal_instruments)}: outputs off",
        f"  heaters down in {chip.ramp_time:g} s, then every channel of {chassis} to 0 V",
        f"writes the bench file's limits to {chassis}",
    ]
    values = settings_of(now)
    safe = [step for one in parts.instruments for step in unsafe(one, values)]
    if safe:
        lines.append("sees that these are at their safe values:")
    return (*lines, *(f"  {step.told}" for step in safe))


def as_off(bench: Connection, now: Mapping[str, Any]) -> dict[str, Any]:
    """A snapshot of the bench as it will be once it is off: what a restore begins with."""
    instruments: dict[str, Any] = {}
    chassis = {one.name for one in bench.parts.chassis}
    for one in bench.parts.instruments:
        entry = dict(now["instruments"][one.name])
        safe: dict[str, Any] = {q.name: q.safe for q in one.quantities if q.safe is not None}
        if one.name in chassis:
            safe[HEATER] = 0.0
        for part in ("settings", "readings"):
            if part in entry:
                entry[part] = {
                    name: _all(value, safe[name]) if name in safe else value
                    for name, value in entry[part].items()
                }
        if HEATER in entry:
            entry[HEATER] = [0.0] * len(entry[HEATER])
        instruments[one.name] = entry
    return {**now, "instruments": instruments}


def _all(value: Any, safe: Any) -> Any:
    """The safe value in the place of every channel's, but for a refusal."""
    if isinstance(value, Mapping) and "refused" not in value:
        return {channel: _all(part, safe) for channel, part in value.items()}
    if isinstance(value, list):
        return [safe] * len(value)
    return value if isinstance(value, Mapping) else safe


def _order(step: Step) -> tuple[int, int]:
    """Words (functions, units), ranges, limits, the rest, outputs: in the order they are declared.

    Outputs in the reverse of it, which is the order in which they are made safe; their switches
    after their levels. What switches an output that has no safe value comes before those.
    """
    quantity = step.quantity
    if quantity is SAMPLES:
        return 4, -1
    at = step.instrument.quantities.index(quantity)
    if is_output(quantity):
        switch = isinstance(quantity.safe, bool) or quantity.name.startswith("output")
        return (6 if switch else 5), -at
    if quantity.name.startswith("output"):
        return 4, at
    if quantity.kind is str:
        return 0, at
    if "range" in quantity.name:
        return 1, at
    if any(word in quantity.name for word in ("limit", "max", "error")):
        return 2, at
    return 3, at
