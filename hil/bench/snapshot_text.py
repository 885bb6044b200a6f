"""Snapshots, what differs and what is put back, in lines for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from drivers.quantity import Quantity
from hil.bench.differing import Difference, Untold, Where, settings_of, shown
from hil.bench.restore_plan import Plan
from hil.bench.restore_rules import HELD
from hil.bench.restoring import Outcome


def snapshot_lines(taken: Mapping[str, Any]) -> Iterator[str]:
    """What a snapshot holds, by instrument."""
    kind = " (simulated)" if taken.get("simulated") else ""
    yield f"bench {taken.get('bench', '?')}{kind}, {taken['taken']}, by {taken.get('by', '?')}"
    old = taken.get("version") == 1
    if old:
        yield "a file of version 1: what was measured stands among the settings"
    for name, one in taken["instruments"].items():
        who = one.get("identity") or {}
        told = " ".join(str(who[part]) for part in ("model", "serial", "firmware") if who.get(part))
        yield f"{name}: {told or 'not identified'} at {one.get('resource', '?')}"
        if "settings" not in one:
            yield f"  not read: {one.get('failed', 'it was not open')}"
        alone = {"instruments": {name: one}}
        for part in ("settings", "readings"):
            for line in _grouped(settings_of(alone, part), measured=old or part == "readings"):
                yield f"  {line}{', read' if part == 'readings' else ''}"
        for line in untold_lines(alone, refused=False):
            yield f"  not told: {line.removeprefix(f'{name} ')}"


def untold_lines(taken: Mapping[str, Any], *, refused: bool = True) -> Iterator[str]:
    """What is set in the instruments and no snapshot holds, by name and reason.

    `refused`: also what is asked for, and an instrument refuses to tell.
    """
    alike: dict[tuple[str, str], list[str]] = {}
    for name, one in taken["instruments"].items():
        untold = dict(one.get("untold", {}))
        if refused:
            found = settings_of({"instruments": {name: one}})
            for where, value in found.items():
                if isinstance(value, Untold):
                    place = str(where).removeprefix(f"{name} ")
                    untold[place] = value.why
        for why, group in groupby(untold.items(), lambda item: item[1]):
            alike.setdefault((", ".join(what for what, _ in group), why), []).append(name)
    for (what, why), names in alike.items():
        yield f"{', '.join(names)} {what}: {why}"


def change_lines(
    found: Sequence[Difference],
    second: Mapping[str, Any],
    quantities: Mapping[str, Mapping[str, Quantity]],
) -> Iterator[str]:
    """A line a difference; neighbouring channels that changed alike as one."""

    def change(one: Difference) -> tuple[str, str, str]:
        driver = str(second["instruments"][one.where.instrument].get("driver"))
        declared = quantities.get(driver, {}).get(one.where.name)
        return one.where.instrument, one.where.name, one.change(declared.unit if declared else "")

    for (instrument, name, told), group in groupby(found, change):
        yield f"{instrument} {name}{_channels(one.where for one in group)}: {told}"


def plan_lines(meant: Plan, *, outputs: bool, ramp_time: float) -> Iterator[str]:
    """What would be done, what is held and what is refused."""
    heaters, spares = meant.heaters, meant.spares
    if has_work(meant, outputs=outputs):
        yield from meant.first
        yield "then sets, in this order:"
    for step in meant.steps:
        yield f"  {step.told}"
    if outputs and heaters.differ:
        yield (
            f"  {heaters.driven} heaters, {heaters.levels.sum():.4g} W in all, up the ramp in "
            f"{ramp_time:g} s (before the other outputs)"
        )
    if outputs and spares.differ:
        yield (
            f"  {spares.told}, where no element hangs, within the limits that were given, up the "
            f"ramp in {ramp_time:g} s (behind the heaters)"
        )
    if heaters.driven and not outputs:
        yield f"held: {heaters.driven} heaters that were driven: {HELD}"
    idle = [*(one.where for one in spares.driven), *spares.refused]
    if idle and not outputs:
        yield f"held: {', '.join(map(str, idle))}, where no element hangs: {HELD}"
    for line in _held(meant.held):
        yield f"held: {line}"
    for where, why in meant.refused.items():
        yield f"refused: {where}: {why}"


def has_work(meant: Plan, *, outputs: bool) -> bool:
    """Whether anything would be set."""
    return bool(meant.steps) or (outputs and (meant.heaters.differ or meant.spares.differ))


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """What was held, refused or not taken, and how much was set."""
    for line in _held(outcome.held):
        yield f"held: {line}"
    for where, why in outcome.refused.items():
        yield f"REFUSED {where}: {why}"
    for line in outcome.not_taken:
        yield f"DID NOT TAKE {line}"
    yield (
        f"{len(outcome.done)} set, {len(outcome.refused)} refused, {len(outcome.not_taken)} did "
        f"not take, {len(outcome.held)} held"
    )


def _grouped(found: Mapping[Where, Any], *, measured: bool) -> Iterator[str]:
    """A line a setting; neighbouring channels of one value as one, what is measured as a range."""
    for name, group in groupby(found.items(), lambda one: one[0].name):
        values = dict(group)
        numbers = [v for v in values.values() if isinstance(v, float)]
        if measured and len(numbers) == len(values) and len(set(numbers)) > 1:
            yield f"{name}{_channels(values)} = {min(numbers):.4g} to {max(numbers):.4g}"
            continue
        for value, part in groupby(values.items(), lambda one: shown(one[1])):
            yield f"{name}{_channels(where for where, _ in part)} = {value}"


def _held(found: Mapping[Where, str]) -> Iterator[str]:
    """What is held and why, neighbouring channels as one line."""
    for (instrument, name, why), group in groupby(
        found.items(), lambda one: (one[0].instrument, one[0].name, one[1])
    ):
        yield f"{instrument} {name}{_channels(where for where, _ in group)}: {why}"


def _channels(places: Iterable[Where]) -> str:
    """`[0 to 7]`, `[2]`, `[1, 4 to 6]`, or nothing."""
    runs: list[list[str]] = []
    for channel in (where.channel for where in places):
        before = runs[-1][-1] if runs else ""
        if before.isdecimal() and channel.isdecimal() and int(channel) == int(before) + 1:
            runs[-1].append(channel)
        elif channel:
            runs.append([channel])
    told = (run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
    return f"[{', '.join(told)}]" if runs else ""
