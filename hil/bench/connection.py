"""What a bench is made of once its file is checked: instruments, a machine, a clock, a bus.

Nothing here drives an output; who does is `hil.bench.opening`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from calibration.record import CalibrationRecord, check_fits
from calibration.record_reading import read_record
from drivers.transport.link import Connector, LinkError
from drivers.transport.real import RealConnector
from hil.bench.assembly import Assembled, assemble
from hil.bench.cores import MICRORING
from hil.bench.file import BenchFile
from hil.bench.guarded import Guarded
from hil.bench.simulated import Simulation, virtual_loop
from hil.bench.slot_bench import SlotBench
from hil.bench.states import Backend, BenchError, Path_
from hil.control.first_banks import FirstBanks
from hil.control.ledger import Ledger
from hil.control.machine import Machine
from hil.control.plan import StepPlan, plan_step
from hil.control.referenced import Referenced
from hil.control.schedule import Schedule
from hil.control.sequencer import Sequencer
from hil.guarding.locks import wait_for_guardian
from hil.telemetry.bus import Bus
from hil.telemetry.commands import CommandDesk

logger = logging.getLogger(__name__)


def raise_first(failed: Mapping[str, BaseException]) -> None:
    """Raise the first error of instruments that could not be opened, where there is one.

    That of a link says besides where to look further.
    """
    for error in failed.values():
        if isinstance(error, LinkError):
            raise type(error)(f"{error} (hil.check looks at all instruments)") from error
        raise error


def _in_one_thread(work: Callable[[], Any]) -> Any:
    """Do digital work without further threads of torch: what works with torch has loaded it."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)
    return work()


class Connection(Guarded):
    """Instruments and roles of a bench, the machine that runs its frames, and where it computes.

    On its bus it tells what happens; at its desk it is given commands.

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
        simulated = {i.name for i in file.instruments if (i.backend or backend) == "sim"}
        self.all_simulated = len(simulated) == len(file.instruments)
        self.simulated_names = frozenset(simulated)
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
        self.parts: Assembled = assemble(file, connectors, simulated)
        self.level_max: NDArray[np.float64] = np.stack(
            [file.bank_elements(k).level_max for k in range(file.n_banks)]
        )
        self.bus = Bus(self.now)
        self.desk = CommandDesk(self.bus)
        self.ledger = Ledger(lambda: 0.0)
        self._machine: Machine | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began = 0.0
        self._threads: threadpool_limits | None = None

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
        self, tell: Callable[[str], None] = logger.info, *, guarded: bool = True
    ) -> dict[str, BaseException]:
        """Open and identify every instrument, driving nothing; give the errors by instrument.

        Before them the guardian is started, or (where it is not `guarded`) one that still works
        is waited for. Raises as `guard`.
        """
        if guarded:
            await self.guard(tell)
        elif not self.all_simulated:
            await wait_for_guardian(self.driven, tell)
        instruments = self.parts.instruments
        done = await asyncio.gather(*(i.open() for i in instruments), return_exceptions=True)
        failed: dict[str, BaseException] = {}
        for instrument, outcome in zip(instruments, done, strict=True):
            if isinstance(outcome, BaseException):
                failed[instrument.name] = outcome
            elif (who := instrument.identity) is not None:
                told = " ".join(part for part in (who.model, who.serial) if part)
                tell(f"{instrument.name}: {told} at {instrument.resource}")
        self.tell_identities()
        return failed

    async def close_instruments(self) -> list[str]:
        """Close every link. Returns what failed, a line each."""
        failed: list[str] = []
        for instrument in self.parts.instruments:
            try:
                await instrument.close()
            except Exception as error:
                failed.append(f"{instrument.name} close: {error}")
        return failed

    def end(self) -> None:
        """Give back what `begin` and `compute` took of this process."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None
        if self._threads is not None:
            self._threads.restore_original_limits()
            self._threads = None

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
        if not self.all_simulated and self._executor is None:
            self._executor = ThreadPoolExecutor(1, "compute")
        with self.ledger.span("compute"):
            return await loop.run_in_executor(self._executor, _in_one_thread, work)

    def ledger_table(self) -> dict[str, Any]:
        """The ledger as plain data, with each instrument's busy seconds by kind."""
        return self.ledger.table({i.name: i.busy for i in self.parts.instruments})
