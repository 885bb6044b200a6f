"""Putting the settings of a snapshot back: what would be set, in which order, and doing it.

Outputs go to their safe value first and stay there, unless they are asked for. A setting that is
refused is named with the reason, and stops no other.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.errors import InstrumentError
from drivers.instrument import Instrument
from drivers.naming import NamingError, write
from drivers.quantity import Quantity
from drivers.transport.link import LinkError
from hil.bench.connection import Connection
from hil.bench.differing import Difference, Untold, Where, differences, same, settings_of, shown
from hil.bench.file import BenchFile
from hil.bench.heaters_again import HeaterLevels, bring_back, heater_levels
from hil.bench.opening import OpenBench
from hil.bench.snapshot import snapshot
from hil.bench.states import BenchError
from hil.control.machine import DRIVE_LIMIT

Tell = Callable[[str], None]
#: One setting may move or forbid another (a load its amplitude, a start of a sweep its end): what
#: is not as it should be afterwards is set again, so often.
ROUNDS = 3
#: Why an output is not set.
HELD = "an output, kept at its safe value; --outputs sets it"
KEPT = "an output, kept as it is; --outputs sets it"
IMPOSED = "a limit, kept as the bench file has it"
RAMPED = "a level that must not jump: it is set by what ramps it"


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


@dataclass
class Outcome:
    """What restoring did: `not_taken` was set without complaint, and reads otherwise."""

    done: list[Where] = field(default_factory=list)
    held: dict[Where, str] = field(default_factory=dict)
    refused: dict[Where, str] = field(default_factory=dict)
    not_taken: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether all is as in the snapshot, but for what is held."""
        return not self.refused and not self.not_taken


def quantities_of(bench: Connection) -> dict[str, dict[str, Quantity]]:
    """Declared quantities by the drivers' class names, then by their own."""
    return {
        type(one).__name__: {quantity.name: quantity for quantity in one.quantities}
        for one in bench.parts.instruments
    }


def plan(
    bench: Connection, saved: Mapping[str, Any], now: Mapping[str, Any], *, outputs: bool
) -> Plan:
    """What would be set to come from the bench as it is to the snapshot.

    Ranges come before levels, limits before sources, switches of outputs last. Quantities that an
    instrument moves by itself, as the snapshot has it, are no settings.
    """
    instruments = {one.name: one for one in bench.parts.instruments}
    heaters = heater_levels(bench, saved, now)
    steps: list[Step] = []
    held: dict[Where, str] = {}
    refused = dict(heaters.refused) if outputs else {}
    for name, one in saved["instruments"].items():
        if why := _unreachable(one, now["instruments"].get(name)):
            refused[Where(name, "settings")] = why
    known = quantities_of(bench)
    saved_settings = settings_of(saved)
    for difference in differences(saved, now, known):
        where = difference.where
        instrument = instruments[where.instrument]
        quantity = known[type(instrument).__name__].get(where.name)
        if Where(where.instrument, "settings") in refused:
            continue
        if where.name in instrument.imposed:
            held[where] = IMPOSED
        elif quantity is None or not quantity.writable:
            refused[where] = _not_settable(instrument, quantity)
        elif instrument in bench.parts.chassis and is_output(quantity):
            continue  # by bank, within the limits of all its elements, and ramped
        elif _follows(quantity, where, saved_settings):
            continue
        elif is_output(quantity) and not outputs:
            held[where] = HELD if quantity.safe is not None else KEPT
        elif why := _refusal(bench.file, instrument, difference, saved_settings):
            refused[where] = why
        else:
            steps.append(Step(difference, instrument, quantity))
    steps.sort(key=_order)
    return Plan(_first(bench, now), tuple(steps), held, refused, heaters)


def _first(bench: Connection, now: Mapping[str, Any]) -> tuple[str, ...]:
    """What is done before anything of a snapshot is set, in words and in order."""
    parts, chip = bench.parts, bench.file.chip
    chassis = ", ".join(one.name for one in parts.chassis)
    lines = [f"drives the bench off: signal light off, every line of {parts.switch_name} low"]
    if parts.laser is not None and bench.file.light is not None:
        lines.append(f"  {bench.file.light.laser} off")
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


def is_output(quantity: Quantity) -> bool:
    """Whether it drives something."""
    return quantity.safe is not None or quantity.drives


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


async def restore(
    bench: OpenBench, saved: Mapping[str, Any], *, outputs: bool, tell: Tell
) -> Outcome:
    """Drive the bench off, make the settings of a snapshot, read them back.

    Where it is cancelled or fails, whoever opened the bench must drive it off.

    Raises
    ------
    BenchError
        When it cannot be driven off: nothing is set then.
    """
    if failed := await bench.off(tell):
        raise BenchError(f"nothing was set, for the bench cannot be driven off: {failed[0]}")
    await bench.parts.protect()
    work = _Work(bench, saved, outputs, tell)
    await work.make_safe()
    await work.rounds(lambda quantity: not is_output(quantity))
    if outputs:
        heaters = plan(bench, saved, await snapshot(bench), outputs=True).heaters
        if heaters.differ:
            work.outcome.not_taken += await bring_back(bench, heaters, tell)
        await work.rounds(is_output)
    return await work.ended()


class _Work:
    def __init__(
        self, bench: OpenBench, saved: Mapping[str, Any], outputs: bool, tell: Tell
    ) -> None:
        self.bench, self.saved, self.outputs, self.tell = bench, saved, outputs, tell
        self.outcome = Outcome()
        self.lost: dict[str, str] = {}

    async def make_safe(self) -> None:
        """Set outputs to their safe values where the driver's `off` switches them off and no more.

        They would stand in the way: of an amplitude its offset, where only their sum is limited.
        """
        values = settings_of(await snapshot(self.bench))
        for one in self.bench.parts.instruments:
            for step in unsafe(one, values):
                if why := await self._set(step):
                    self.outcome.refused[step.where] = f"not at its safe value: {why}"

    async def rounds(self, wanted: Callable[[Quantity], bool]) -> None:
        """Make the settings that are wanted, until nothing is left that can still change."""
        refused, done = self.outcome.refused, self.outcome.done
        for _ in range(ROUNDS):
            now = await snapshot(self.bench)
            steps = plan(self.bench, self.saved, now, outputs=self.outputs).steps
            progress, settle = False, 0.0
            for step in steps:
                if not wanted(step.quantity):
                    continue
                if why := await self._set(step):
                    refused[step.where] = why
                    continue
                refused.pop(step.where, None)
                if step.where not in done:
                    done.append(step.where)
                progress, settle = True, max(settle, step.quantity.settle)
            if not progress:
                return
            await asyncio.sleep(settle)

    async def _set(self, step: Step) -> str:
        """Make one setting; why it was refused."""
        where, value = step.where, step.difference.before
        if why := self.lost.get(where.instrument, ""):
            return why
        try:
            await write(step.instrument, where.name, value, where.channel)
        except LinkError as error:
            self.lost[where.instrument] = str(error)
            return str(error)
        except (InstrumentError, NamingError, ValueError, TypeError) as error:
            return str(error)
        self.tell(f"set {step.told}")
        return ""

    async def ended(self) -> Outcome:
        """What is left, by a last look."""
        left = plan(self.bench, self.saved, await snapshot(self.bench), outputs=self.outputs)
        outcome = self.outcome
        outcome.held = dict(left.held)
        differing = {step.where for step in left.steps}
        # What was refused at first may have come by itself, with another setting.
        kept = {w: y for w, y in outcome.refused.items() if w in differing or w in left.held}
        outcome.refused = {**kept, **left.refused}
        outcome.not_taken += [
            f"{step.where}: reads {shown(step.difference.after)}, "
            f"not {shown(step.difference.before)}"
            for step in left.steps
            if step.where not in outcome.refused
        ]
        return outcome


def _unreachable(saved: Mapping[str, Any], now: Mapping[str, Any] | None) -> str:
    """Why nothing of an instrument can be restored; empty where it can."""
    if now is None:
        return "the bench has no such instrument"
    if "settings" not in saved:
        return f"it was not read: {saved.get('failed', 'it was not open')}"
    if "settings" not in now:
        return str(now.get("failed", "it is not open"))
    if saved.get("driver") != now.get("driver"):
        return f"the snapshot was taken by {saved.get('driver')}, the bench has {now.get('driver')}"
    return ""


def _not_settable(instrument: Instrument, quantity: Quantity | None) -> str:
    if quantity is None:
        return f"{type(instrument).__name__} declares no such setting; its driver sets it when due"
    return f"it can only be read ({quantity.doc})"


def _follows(quantity: Quantity, where: Where, saved: Mapping[Where, Any]) -> bool:
    """Whether the snapshot has the switch on that lets the instrument move it by itself."""
    switch = quantity.follows
    places = (Where(where.instrument, switch, where.channel), Where(where.instrument, switch))
    return bool(switch) and any(saved.get(place) is True for place in places)


def _refusal(
    file: BenchFile, instrument: Instrument, difference: Difference, saved: Mapping[Where, Any]
) -> str:
    """Why a value may not be set, as far as that can be told before it is tried."""
    where, value = difference.where, difference.before
    quantity = {one.name: one for one in instrument.quantities}[where.name]
    if isinstance(value, Untold):
        return f"the snapshot has no value: {value.why}"
    if is_output(quantity) and quantity.ramp is not None:
        return RAMPED
    try:
        quantity.check(value, instrument=where.instrument, channel=where.channel)
    except (ValueError, TypeError) as error:
        return str(error)
    return _beyond(file, where, quantity, value, _reach(instrument, where, value, saved))


def _beyond(file: BenchFile, where: Where, quantity: Quantity, value: Any, reach: float) -> str:
    """Which limit of the bench file, if any, a value exceeds that its driver would let through."""
    light = file.light
    most = math.inf if light is None or where.instrument != light.laser else light.power_dbm
    if quantity.name == "power_dbm" and value > most:
        return f"{value:g} dBm is more than {most:g} dBm, light.power_dbm of the bench file"
    for port in file.wiring.ports:
        if not is_output(quantity) or (port.plays, str(port.output)) != (
            where.instrument,
            where.channel,
        ):
            continue
        limit = DRIVE_LIMIT * port.v_pi / port.drive_gain
        most = abs(value) if quantity.unit == "V" else reach
        if most > limit * (1.0 + 1e-9):
            return f"{most:g} V is beyond +-{limit:.4g} V, {DRIVE_LIMIT:g} V_pi of its port"
    return ""


def _reach(instrument: Instrument, where: Where, value: Any, saved: Mapping[Where, Any]) -> float:
    """V that an output of a snapshot reaches once it is switched on: its offset and waveform."""
    if where.name != "output" or value is not True:
        return 0.0

    def told(name: str) -> Any:
        return saved.get(Where(where.instrument, name, where.channel))

    offset, amplitude = told("offset"), told("amplitude")
    if not (isinstance(offset, int | float) and isinstance(amplitude, int | float)):
        return math.inf
    # A peak-to-peak amplitude reaches half as far; a box's waveform of 1 V reaches 1 V, and no
    # output more than the largest offset that it can have.
    most = max((one.high for one in instrument.quantities if one.name == "offset"), default=0.0)
    peak = amplitude / 2.0 if told("unit") == "VPP" else amplitude
    return min(abs(offset) + peak, most)


def _order(step: Step) -> tuple[int, int]:
    """Words (functions, units), ranges, limits, the rest, outputs: in the order they are declared.

    Outputs in the reverse of it, which is the order in which they are made safe; their switches
    after their levels. What switches an output that has no safe value comes before those.
    """
    quantity = step.quantity
    at = step.instrument.quantities.index(quantity)
    if is_output(quantity):
        return (6 if isinstance(quantity.safe, bool) else 5), -at
    if quantity.name.startswith("output"):
        return 4, at
    if quantity.kind is str:
        return 0, at
    if "range" in quantity.name:
        return 1, at
    if any(word in quantity.name for word in ("limit", "max", "error")):
        return 2, at
    return 3, at
