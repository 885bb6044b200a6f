"""An open bench: its states, and the ways from one to another.

The bench is a small state machine. `off` is safe: light off, inputs dark, heaters at 0 V. `idle`
is warm: heaters at their mean operating power. `armed` is as warm, with levels and frames by hand.
`running` is everything after the first frame.
Whatever happens, `close` drives to `off` and reports each step that failed.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.concurrently import all_to_the_end
from drivers.errors import InstrumentError
from hil.bench.beside import lit, readings, steady
from hil.bench.by_hand import Done, Nobody, Operator, done_by_hand, tasks_of
from hil.bench.connection import Connection, raise_first
from hil.bench.driving_off import drive_off, unfailing
from hil.bench.loop_thread import end_works, to_the_end
from hil.bench.pausing import pause
from hil.bench.slot_bench import SlotBench
from hil.bench.states import BenchError, BenchState
from hil.control.ledger import Ledger
from hil.control.sequencer import Sequencer
from hil.telemetry.commands import Stopped
from hil.telemetry.events import Fault, Noted, StateChanged

logger = logging.getLogger(__name__)

#: s that work may take to wind down when the guardian is lost.
WIND_DOWN = 10.0
#: s of bench time from one word of the instruments beside the signal path to the next.
READINGS_EVERY = 10.0


class Record(Protocol):
    """Keeps what is published on a bench's bus."""

    def close(self) -> None:
        """Write what waits; no more is kept."""
        ...


class OpenBench(Connection):
    """A bench: built without I/O, opened by `open`, made safe by `close`.

    Parameters as those of `Connection`.
    """

    operator: Operator = Nobody()
    _by_hand: tuple[Done, ...] = ()
    _beside_told = _well = -math.inf
    #: Bench time of the last look at stage and laser before one of them failed; None: none has.
    doubtful_since: float | None = None
    _record: Record | None = None
    _state = BenchState.OFF
    _lit = False
    _winding_down: asyncio.Task[None] | None = None
    #: Why the bench was driven off from within, its guardian lost; empty: it was not.
    forsaken = ""

    @cached_property
    def _closing(self) -> asyncio.Lock:
        return asyncio.Lock()

    @property
    def state(self) -> BenchState:
        """The state that the bench is in; changes are published on its bus."""
        return self._state

    def _enter(self, state: BenchState, why: str = "") -> None:
        """Be in a state from now on; a change is published."""
        changed, self._state = state is not self._state, state
        if changed:
            self.tell_state(why)

    async def open(self, tell: Callable[[str], None] = logger.info) -> None:
        """Open and identify every instrument, then bring the bench to `idle`.

        On any failure everything is driven to `off` and closed again.
        """
        await self.connect(tell)
        if self.path == "wire":
            async with self._closed_on_failure(tell):
                await self.warm(tell)

    async def connect(self, tell: Callable[[str], None] = logger.info) -> None:
        """Open and identify every instrument and write the limits; drive nothing: state `off`.

        On any failure everything is driven to `off` and closed again.
        """
        self.begin()
        self.forsaken = ""
        if self.path == "slot":
            assert self.simulation is not None  # refused in the constructor otherwise
            slots = self.simulation.slots()
            self.ledger = Ledger(lambda: slots.time)
            self._machine = SlotBench(slots, self.parts, self.file.timing.settle, self.ledger)
            self._lit = True
            self._enter(BenchState.IDLE)
            return
        if self.simulation is not None and not self.all_simulated:
            real = [i.name for i in self.file.instruments if (i.backend or self.backend) == "real"]
            tell(f"mixed bench: the simulation sees the wires of {', '.join(real)} (real) as idle")
        async with self._closed_on_failure(tell):
            with self.ledger.span("state"):
                failed = await self.open_instruments(tell)
                raise_first(failed)
                await self.parts.protect()

    @asynccontextmanager
    async def _closed_on_failure(self, tell: Callable[[str], None]) -> AsyncIterator[None]:
        try:
            yield
        except BaseException:
            for line in await self.close(tell):
                tell(f"FAILED to make safe: {line}")
            raise

    async def warm(self, tell: Callable[[str], None] = logger.info) -> None:
        """To `idle`: what is done by hand, the thermal stage stable, heaters to the idle levels by
        the ramp, then delay generators, the way of the light, laser, local oscillator and light on.
        """
        if self.forsaken:
            raise BenchError(f"{self.forsaken}; open the bench again")
        machine = self.machine
        assert isinstance(machine, Sequencer)  # the slot path is idle from the first
        with self.ledger.span("state"):
            await self.carry(tell)
            await self.ramp(machine.levels, self.idle_levels(), tell)
            await machine.settled()
            await self.light_up(tell)
            if self.parts.lo is not None:
                tell("local oscillator on")
                await self.parts.lo.on()
            tell("signal light on")
            await self.parts.light.on()
        self._lit = True
        self._enter(BenchState.IDLE)

    async def carry(self, tell: Callable[[str], None]) -> None:
        """The first of all: what is named as done by hand, then the thermal stage on and stable, by
        its instrument or by hand.
        """
        for one in self.file.by_hand:
            await self._do_by_hand(one.name, tell)
        stage = self.file.stage
        if stage is None:
            return
        if self.parts.stage is not None:
            await steady(self.parts.stage, stage, tell)
        else:
            await self._do_by_hand(stage.controller, tell)

    async def light_up(self, tell: Callable[[str], None]) -> None:
        """Delay generators set up, the way of the light, then the laser on, each by its instrument
        or by hand; the gates are another matter.
        """
        for one in self.parts.delays:
            await one.set_up(tell)
        for route in self.parts.routes:
            if route.switch is None:
                await self._do_by_hand(route.table.switch, tell)
            else:
                await route.make(tell)
        light = self.file.light
        if light is None:
            return
        for tap in self.parts.taps:
            await tap.watch(light)
        if self.parts.laser is not None:
            await lit(self.parts.laser, light, tell)
        else:
            await self._do_by_hand(light.laser, tell)

    async def _do_by_hand(self, name: str, tell: Callable[[str], None]) -> None:
        if all(done.task.name != name for done in self._by_hand):
            done = await done_by_hand(self.operator, tasks_of(self.file)[name], tell)
            self._by_hand = (*self._by_hand, done)

    async def arm(self, tell: Callable[[str], None] = logger.info) -> None:
        """Enter `armed`, for levels and frames by hand; a bench that is off is warmed first.

        Raises
        ------
        BenchError
            When the bench has tripped.
        """
        if self.state is BenchState.TRIPPED:
            raise BenchError(
                f"bench {self.file.name} has tripped: see what failed, then drive it off again"
            )
        if self.state is BenchState.OFF:
            await self.warm(tell)
        self._enter(BenchState.ARMED)

    async def ramp(
        self, start: NDArray[np.float64], end: NDArray[np.float64], tell: Callable[[str], None]
    ) -> None:
        """Heaters from `start` to `end`, (n_banks, elements) W, in equal steps of power."""
        chip = self.file.chip
        tell(
            f"heaters {start.sum():.3g} -> {end.sum():.3g} W in {chip.ramp_steps} steps over "
            f"{chip.ramp_time:g} s"
        )
        for step in range(1, chip.ramp_steps + 1):
            await self.machine.program(start + (end - start) * (step / chip.ramp_steps))
            await asyncio.sleep(chip.ramp_time / chip.ramp_steps)

    def end_running(self) -> None:
        """Back to `armed`, after a frame by hand."""
        self._enter(BenchState.ARMED)

    def keep_record(self, begin: Callable[[], Record], folder: Path) -> None:
        """Have a record hear of this bench until another one does, or until the bench is closed.

        So what happens on the way to `off` is in the record, too. It is begun when the one before
        has ended: that may be of the same run. folder : where it lies.
        """
        self._end_record()
        self._record = begin()
        self.keep_in(folder)
        for done in self._by_hand:
            self.bus.publish(Noted(text=done.note, author=done.who))

    def _end_record(self) -> None:
        record, self._record = self._record, None
        if record is not None:
            record.close()

    def begin_running(self) -> None:
        """Enter `running`: the first frame is about to fire."""
        self._enter(BenchState.RUNNING)

    async def between_steps(self) -> None:
        """Obey commands: hold while a pause is asked for (state `idle`; see `pausing`), or end.

        Raises
        ------
        Stopped
            Where a command asks for the end.
        """
        if self.desk.paused:
            before = self.state
            self._enter(BenchState.IDLE, "paused by a command; levels are held")
            await pause(self)
            self._enter(before, "goes on")
        if self.desk.end:
            raise Stopped(self.desk.end)
        await self.tell_beside()

    async def tell_beside(self) -> None:
        """See to heaters, stage and laser, and publish what these and taps measure, every few
        seconds of bench time; on the slot path there are none. Raises as `check_held`.
        """
        if self._due():
            await self.check_heaters(every=False)
            await self.check_beside()

    async def see_beside(self) -> None:
        """The same, less the heaters: while they are swept, what is seen of them is looked into."""
        if self._due():
            await self.check_beside()

    def _due(self) -> bool:
        """Whether it is time for another look."""
        now = self.now()
        if self.path == "slot" or now - self._beside_told < READINGS_EVERY:
            return False
        self._beside_told = now
        return True

    async def check_held(self) -> None:
        """Before figures are believed: see that all that they were measured with was so to the end.

        Raises
        ------
        InstrumentError
            Where heaters have given up, or an error has stopped the thermal stage.
        BenchError
            Where the laser gives another power than it should.
        """
        await self.check_heaters()
        await self.check_beside()

    async def check_beside(self) -> None:
        """Have stage and laser see that they still are as asked for; raises as `check_held`."""
        if self.path == "slot":
            return
        now = self.now()
        with self.ledger.span("state"):
            try:
                async for event in readings(self.file, self.parts):
                    self.bus.publish(event)
            except (InstrumentError, BenchError):
                self.doubtful_since = self._well
                raise
        self._well = now

    async def check_heaters(self, *, every: bool = True) -> None:
        """Have the heaters' instruments see that their outputs still give the levels that are held.

        `every`: all outputs, before figures that were measured with them are believed; else as many
        as cost little. On the slot path there are none.

        Raises
        ------
        InstrumentError
            Where one does not: it has lost power, tripped, or was set by hand.
        """
        if self.path == "slot":
            return
        with self.ledger.span("state"):
            await all_to_the_end([one.check_held(every=every) for one in self.parts.chassis])

    def tell_state(self, why: str) -> None:
        """Publish the state as it is, and why it is told."""
        self.bus.publish(StateChanged(state=str(self.state), light=self._lit, why=why))

    def unguarded(self, why: str) -> None:
        """The guardian is lost: end what is under way and close, whoever waits for it or nobody."""
        if self.forsaken:
            return
        self.forsaken = f"{why}; unguarded, the bench was driven off"
        unfailing(self._tell)(f"UNGUARDED: {why}; ending the work, driving the bench off")
        self.bus.publish(Fault(source="guardian", text=why))
        self._winding_down = asyncio.get_running_loop().create_task(self._wind_down())

    async def _wind_down(self) -> None:
        await end_works(BenchError(f"{self.forsaken}: start again"), WIND_DOWN)
        for line in await self.close(self._tell):
            unfailing(self._tell)(f"FAILED to make safe: {line}")

    async def off(self, tell: Callable[[str], None] = logger.info) -> list[str]:
        """Drive to the safe state: light, inputs, heaters down their ramp, outputs off.

        Idempotent; neither a failing step nor a cancellation stops the rest. Returns what failed,
        a line each.
        """
        return await to_the_end(asyncio.ensure_future(self._off(tell)))

    async def _off(self, tell: Callable[[str], None]) -> list[str]:
        tell = unfailing(tell)
        failed = await drive_off(
            self.parts, self._machine, lambda start, end: self.ramp(start, end, tell)
        )
        # Of a light that may not have gone off, nobody is told that it is.
        self._lit = any(line.startswith("light off") for line in failed)
        for line in failed:
            self.bus.publish(Fault(source="driving off", text=line))
        self._enter(BenchState.TRIPPED if failed else BenchState.OFF, "; ".join(failed))
        return failed

    async def close(self, tell: Callable[[str], None] = logger.info) -> list[str]:
        """Drive to `off`, then close every link, to the end as `off`. Returns what failed."""
        return await to_the_end(asyncio.ensure_future(self._close(tell)))

    async def _close(self, tell: Callable[[str], None]) -> list[str]:
        async with self._closing:  # two at once would ramp against each other
            return await self._close_alone(unfailing(tell))

    async def _close_alone(self, tell: Callable[[str], None]) -> list[str]:
        failed = await self.off(tell)
        failed += await self.close_instruments()
        await self.unguard(failed)
        try:
            self._end_record()
        except Exception as error:  # the bench is off; what was not kept must not hide that
            tell(f"FAILED to keep the record: {error}")
        for line in self.bus.close():
            tell(line)
        if not self.all_simulated:
            for done in self._by_hand:
                tell(f"BY HAND, now that the bench is off: {done.task.name}: {done.task.undo}")
        self._by_hand = ()
        self.end()
        return failed
