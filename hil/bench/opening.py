"""Opening a bench: from a checked file to instruments, roles, and a machine that runs frames.

The bench is a small state machine. `off` is safe: light off, inputs dark, heaters at 0 V. `idle`
is warm: heaters at their mean operating power. `armed` is as warm, with levels and frames by hand.
`running` is everything after the first frame.
Whatever happens, `close` drives to `off` and reports each step that failed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from calibration.record import CalibrationRecord, check_fits
from calibration.record_reading import read_record
from drivers.transport.link import Connector
from drivers.transport.real import RealConnector
from hil.bench.assembly import Assembled, assemble
from hil.bench.cores import MICRORING
from hil.bench.driving_off import drive_off, unfailing
from hil.bench.file import BenchFile
from hil.bench.loop_thread import to_the_end
from hil.bench.pausing import pause
from hil.bench.simulated import Simulation, virtual_loop
from hil.bench.slot_bench import SlotBench
from hil.bench.states import Backend, BenchError, BenchState, Path_
from hil.control.first_banks import FirstBanks
from hil.control.ledger import Ledger
from hil.control.machine import Machine
from hil.control.plan import StepPlan, plan_step
from hil.control.referenced import Referenced
from hil.control.schedule import Schedule
from hil.control.sequencer import Sequencer
from hil.telemetry.bus import Bus
from hil.telemetry.commands import CommandDesk, Stopped
from hil.telemetry.events import Fault, StateChanged

logger = logging.getLogger(__name__)


class Record(Protocol):
    """Keeps what is published on a bench's bus."""

    def close(self) -> None:
        """Write what waits; no more is kept."""
        ...


class OpenBench:
    """A bench: built without I/O, opened by `open`, made safe by `close`.

    Parameters
    ----------
    file : the checked bench file.
    backend : for instruments whose table does not say.
    path : `wire` (drivers and bytes) or `slot` (the simulated plant with declared converters).
    start_time : s, bench time at which a simulated bench begins.
    """

    def __init__(
        self,
        file: BenchFile,
        *,
        backend: Backend = "sim",
        path: Path_ = "wire",
        start_time: float = 0.0,
    ) -> None:
        self.file = file
        self.backend: Backend = backend
        self.path: Path_ = path
        self.start_time = start_time
        self.bus = Bus(self.now)
        self.desk = CommandDesk(self.bus)
        self._record: Record | None = None
        self._state = BenchState.OFF
        self._lit = False
        simulated = {i.name for i in file.instruments if (i.backend or backend) == "sim"}
        self.all_simulated = len(simulated) == len(file.instruments)
        if path == "slot" and not self.all_simulated:
            raise BenchError("path slot has no instruments; use path wire with real ones")
        self.simulation: Simulation | None = None
        if simulated:
            only = None if self.all_simulated else simulated
            self.simulation = Simulation(file.document, only=only, start_time=start_time)
        memory: Connector | None = self.simulation.network() if self.simulation else None
        real = RealConnector()
        connectors: dict[str, Connector] = {
            i.name: memory if memory is not None and i.name in simulated else real
            for i in file.instruments
        }
        self.parts: Assembled = assemble(file, connectors)
        self.level_max: NDArray[np.float64] = np.stack(
            [file.bank_elements(k).level_max for k in range(file.n_banks)]
        )
        self.ledger = Ledger(lambda: 0.0)
        self._machine: Machine | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began = 0.0
        self._threads: threadpool_limits | None = None

    @property
    def state(self) -> BenchState:
        """The state that the bench is in; changes are published on its bus."""
        return self._state

    def _enter(self, state: BenchState, why: str = "") -> None:
        """Be in a state from now on; a change is published."""
        changed, self._state = state is not self._state, state
        if changed:
            self.tell_state(why)

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """The loop this bench wants: virtual when every link is in memory."""
        if self.all_simulated:
            return virtual_loop(self.start_time)
        return asyncio.new_event_loop()

    def now(self) -> float:
        """Bench time, s."""
        if isinstance(self._machine, SlotBench):
            return self._machine.now()
        if self._loop is None:
            return self.start_time
        if self.all_simulated:
            return self._loop.time()
        return self.start_time + self._loop.time() - self._began

    @property
    def machine(self) -> Machine:
        """What runs frames.

        Raises
        ------
        BenchError
            Before `open`.
        """
        if self._machine is None:
            raise BenchError(f"bench {self.file.name} is not open")
        return self._machine

    def first_banks(self, n_banks: int) -> Machine:
        """The machine restricted to its first banks; the others stay at their idle levels.

        What undriven modulators read, where they are bright, is subtracted: see `Referenced`.
        """
        machine = self.machine
        if self.file.core == MICRORING:
            machine = Referenced(machine, self.parts.form.most_samples)
        if n_banks == machine.n_banks:
            return machine
        return FirstBanks(machine, n_banks, self.idle_levels())

    def idle_levels(self) -> NDArray[np.float64]:
        """Levels (n_banks, elements) in W of the warm chip: one p_pi, within every limit."""
        file = self.file
        share = 0.9 * file.chip.power_max / file.elements_per_bank
        return np.minimum(self.level_max, min(file.chip.p_pi, share))

    def plan(self, schedule: Schedule, batch: int) -> StepPlan:
        """Planned bench time of one training step."""
        return plan_step(self.parts, schedule, batch, self.file.timing.settle)

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
                for error in failed.values():
                    raise error
                await self.parts.protect()

    def begin(self) -> None:
        """Take the running loop and its clock for this bench's own. Nothing is opened yet."""
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        # Several BLAS threads stall small products for milliseconds on a busy machine.
        self._threads = threadpool_limits(1, "blas")
        self.ledger = Ledger(self.now)
        if self.path == "wire":
            settle = self.file.timing.settle
            self._machine = Sequencer(self.parts, settle, self.ledger, self.now)

    async def open_instruments(
        self, tell: Callable[[str], None] = logger.info
    ) -> dict[str, BaseException]:
        """Open and identify every instrument, driving nothing; give the errors by instrument."""
        instruments = self.parts.instruments
        done = await asyncio.gather(*(i.open() for i in instruments), return_exceptions=True)
        failed: dict[str, BaseException] = {}
        for instrument, outcome in zip(instruments, done, strict=True):
            if isinstance(outcome, BaseException):
                failed[instrument.name] = outcome
            elif (who := instrument.identity) is not None:
                told = " ".join(part for part in (who.model, who.serial) if part)
                tell(f"{instrument.name}: {told} at {instrument.resource}")
        return failed

    @asynccontextmanager
    async def _closed_on_failure(self, tell: Callable[[str], None]) -> AsyncIterator[None]:
        try:
            yield
        except BaseException:
            for line in await self.close(tell):
                tell(f"FAILED to make safe: {line}")
            raise

    async def warm(self, tell: Callable[[str], None] = logger.info) -> None:
        """Heaters to the idle levels by the ramp, then local oscillator and light on: `idle`."""
        machine = self.machine
        assert isinstance(machine, Sequencer)  # the slot path is idle from the first
        with self.ledger.span("state"):
            await self.ramp(machine.levels, self.idle_levels(), tell)
            await machine.settled()
            if self.parts.lo is not None:
                tell("local oscillator on")
                await self.parts.lo.on()
            tell("signal light on")
            await self.parts.light.on()
        self._lit = True
        self._enter(BenchState.IDLE)

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

    def keep_record(self, begin: Callable[[], Record]) -> None:
        """Have a record hear of this bench until another one does, or until the bench is closed.

        So what happens on the way to `off` is in the record, too. It is begun when the one before
        has ended: that may be of the same run.
        """
        self._end_record()
        self._record = begin()

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

    def tell_state(self, why: str) -> None:
        """Publish the state as it is, and why it is told."""
        self.bus.publish(StateChanged(state=str(self.state), light=self._lit, why=why))

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
        tell = unfailing(tell)
        failed = await self.off(tell)
        for instrument in self.parts.instruments:
            try:
                await instrument.close()
            except Exception as error:
                failed.append(f"{instrument.name} close: {error}")
        try:
            self._end_record()
        except Exception as error:  # the bench is off; what was not kept must not hide that
            tell(f"FAILED to keep the record: {error}")
        for line in self.bus.close():
            tell(line)
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None
        if self._threads is not None:
            self._threads.restore_original_limits()
            self._threads = None
        return failed

    def check_as_built(self) -> None:
        """Refuse an as-built class where there is none.

        Raises
        ------
        BenchError
            On a real bench.
        """
        if self.simulation is None or not self.all_simulated:
            raise BenchError(
                "as-built classes exist only on a simulated bench; give the file of a calibration "
                "record instead (--as-built FILE)"
            )

    def write_as_built(self, quality: str, path: Path) -> None:
        """Write the simulated bench's as-built file of a class; raises as `check_as_built`."""
        self.check_as_built()
        assert self.simulation is not None
        self.simulation.write_as_built(path, quality)

    def read_record(self, path: Path) -> CalibrationRecord:
        """Read the record that a twin starts from, refusing another bench's.

        Raises
        ------
        RecordError
        """
        record = read_record(path)
        check_fits(
            record,
            ports=self.file.ports,
            n_banks=self.file.n_banks,
            names=[self.file.name],
            source=str(path),
            core=self.file.core,
        )
        return record

    async def compute(self, work: Callable[[], Any]) -> Any:
        """Run digital work in the one compute thread (inline on a virtual loop)."""
        loop = asyncio.get_running_loop()
        if self.all_simulated:
            torch.set_num_threads(1)
        elif self._executor is None:
            self._executor = ThreadPoolExecutor(
                1, "compute", initializer=lambda: torch.set_num_threads(1)
            )
        with self.ledger.span("compute"):
            return await loop.run_in_executor(self._executor, work)

    def ledger_table(self) -> dict[str, Any]:
        """The ledger as plain data, with each instrument's busy seconds by kind."""
        return self.ledger.table({i.name: i.busy for i in self.parts.instruments})
