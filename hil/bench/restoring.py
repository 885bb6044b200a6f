"""Putting the settings of a snapshot back: the bench is driven off, and what differs is set.

Outputs go to their safe value first and stay there, unless they are asked for. A setting that is
refused is named with the reason, and stops no other.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.errors import InstrumentError
from drivers.naming import NamingError, write
from drivers.quantity import Quantity
from drivers.transport.link import LinkError
from hil.bench.differing import HEATER, Where, settings_of, shown
from hil.bench.driving_off import unfailing
from hil.bench.heaters_again import bring_back
from hil.bench.opening import OpenBench
from hil.bench.operator_limits import NONE, Limits
from hil.bench.restore_plan import SAMPLES, Plan, Step, plan, unsafe
from hil.bench.restore_rules import is_output
from hil.bench.snapshot import snapshot
from hil.bench.spare_outputs import allow, bring_spares_back
from hil.bench.states import BenchError

Tell = Callable[[str], None]
#: One setting may move or forbid another (a load its amplitude, a start of a sweep its end): what
#: is not as it should be afterwards is set again, so often.
ROUNDS = 3
#: s between the steps of a ramp.
TICK = 0.02
#: What all heaters together are called.
HEATERS = Where("heaters", HEATER)
#: Most settings that are named one by one.
NAMED = 20


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


async def restore(
    bench: OpenBench,
    saved: Mapping[str, Any],
    *,
    outputs: bool,
    tell: Tell,
    limits: Limits = NONE,
) -> Outcome:
    """Drive the bench off, make the settings of a snapshot, read them back.

    Where it is cancelled or fails, it tells what was set and what was not, and whoever opened the
    bench must drive it off.

    Raises
    ------
    BenchError
        When it cannot be driven off: nothing is set then.
    """
    if failed := await bench.off(tell):
        raise BenchError(f"nothing was set, for the bench cannot be driven off: {failed[0]}")
    work = _Work(bench, saved, outputs, limits, tell)
    try:
        await bench.parts.protect()
        await work.make_safe()
        if outputs:
            await work.allow_spares()
        await work.rounds(lambda quantity: not is_output(quantity))
        if outputs:
            await work.bring_levels_back()
            await work.rounds(is_output)
        return await work.ended()
    except BaseException:
        for line in work.stopped():
            unfailing(tell)(line)
        raise


class _Work:
    def __init__(
        self,
        bench: OpenBench,
        saved: Mapping[str, Any],
        outputs: bool,
        limits: Limits,
        tell: Tell,
    ) -> None:
        self.bench, self.saved, self.outputs, self.tell = bench, saved, outputs, tell
        self.limits = limits
        self.outcome = Outcome()
        self.lost: dict[str, str] = {}
        self.kept_off: dict[Where, str] = {}
        """Outputs that their instrument refused, and why."""
        self.due: dict[Where, None] = {}
        """All that was ever to be set, in order."""
        self.waveforms = any("waveforms" in one for one in saved["instruments"].values())

    async def make_safe(self) -> None:
        """Set outputs to their safe values where the driver's `off` switches them off and no more.

        They would stand in the way: of an amplitude its offset, where only their sum is limited.
        """
        now = await self._look()
        values = settings_of(now)
        meant = self._plan(now)
        self.due.update(dict.fromkeys(step.where for step in meant.steps))
        if self.outputs:
            self.due.update({HEATERS: None} if meant.heaters.differ else {})
            self.due.update(dict.fromkeys(one.where for one in meant.spares.driven))
        for one in self.bench.parts.instruments:
            for step in unsafe(one, values):
                if why := await self._set(step):
                    self.outcome.refused[step.where] = f"not at its safe value: {why}"

    async def rounds(self, wanted: Callable[[Quantity], bool]) -> None:
        """Make the settings that are wanted, until nothing is left that can still change."""
        refused, done = self.outcome.refused, self.outcome.done
        for _ in range(ROUNDS):
            steps = self._plan(await self._look()).steps
            progress, settle = False, 0.0
            for step in steps:
                if not wanted(step.quantity):
                    continue
                self.due[step.where] = None
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

    async def allow_spares(self) -> None:
        """The operator's limits, before any other setting: some drivers set others with them."""
        spares = self._plan(await self._look()).spares
        if spares.driven:
            self.kept_off = await allow(spares)

    async def bring_levels_back(self) -> None:
        """Heaters up the ramp, then outputs on which none hangs, within the operator's limits."""
        meant, other = self._plan(await self._look()), self.outcome.not_taken
        if meant.heaters.differ:
            other += await bring_back(self.bench, meant.heaters, self.tell)
            self.outcome.done.append(HEATERS)
        if meant.spares.differ and not self.kept_off:
            refused, read = await bring_spares_back(self.bench, meant.spares, self.tell)
            other += read
            self.outcome.done += [s.where for s in meant.spares.driven if s.where not in refused]
            self.kept_off = refused

    async def _look(self) -> dict[str, Any]:
        return await snapshot(self.bench, waveforms=self.waveforms)

    def _plan(self, now: Mapping[str, Any]) -> Plan:
        return plan(self.bench, self.saved, now, outputs=self.outputs, limits=self.limits)

    async def _set(self, step: Step) -> str:
        """Make one setting; why it was refused."""
        where, value = step.where, step.difference.before
        if why := self.lost.get(where.instrument, ""):
            return why
        try:
            if step.quantity is SAMPLES:
                await step.instrument.write_waveform(where.channel, value.samples)
            else:
                for one in _on_the_way(step):
                    await write(step.instrument, where.name, one, where.channel)
                    await asyncio.sleep(TICK)
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
        left = self._plan(await self._look())
        outcome = self.outcome
        outcome.held = dict(left.held)
        differing = {step.where for step in left.steps}
        # What was refused at first may have come by itself, with another setting.
        kept = {w: y for w, y in outcome.refused.items() if w in differing or w in left.held}
        outcome.refused = {**kept, **self.kept_off, **left.refused}
        outcome.not_taken += [
            f"{step.where}: reads {shown(step.difference.after)}, "
            f"not {shown(step.difference.before)}"
            for step in left.steps
            if step.where not in outcome.refused
        ]
        return outcome

    def stopped(self) -> Iterator[str]:
        """What was set and what was not, for one who stopped it."""
        done = self.outcome.done
        left = [where for where in self.due if where not in done]
        yield f"stopped: {len(done)} set{_named(done)}"
        yield f"NOT set: {len(left)}{_named(left)}; every output goes off"


def _named(places: Iterable[Where]) -> str:
    names = [str(where) for where in places]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f" ({', '.join(names[:NAMED])}{more})" if names else ""


def _on_the_way(step: Step) -> Iterator[float]:
    """What a ramped output is set to, a tick each, before its value; nothing where it may jump."""
    rate, start, end = step.quantity.ramp, step.difference.after, step.difference.before
    if rate is None or not is_output(step.quantity):
        return
    steps = max(1, math.ceil(abs(end - start) / (rate * TICK) - 1e-9))
    for at in range(1, steps):
        yield start + (end - start) * at / steps
