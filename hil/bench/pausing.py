"""A pause of a run: levels are held, but not for ever."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hil.bench.file import BenchFile
from hil.bench.health import Linked, health
from hil.bench.slot_bench import SlotBench
from hil.control.machine import Machine
from hil.control.sequencer import Sequencer
from hil.telemetry.commands import CommandDesk

logger = logging.getLogger(__name__)

#: s, from one look at a pause to the next.
LOOK = 0.05
#: s of bench time that a pause holds the levels of a step.
HOLD_MOST = 900.0
#: s on the wall from one sign of life to the next: who follows the run must not take it for dead.
BEAT = 5.0

Floats = NDArray[np.float64]


class Pausable(Linked, Protocol):
    """What a pause needs of a bench."""

    file: BenchFile
    desk: CommandDesk
    all_simulated: bool

    @property
    def machine(self) -> Machine:
        """What runs frames."""
        ...

    def now(self) -> float:
        """Bench time, s."""
        ...

    def idle_levels(self) -> Floats:
        """Levels of the warm chip, W."""
        ...

    async def ramp(self, start: Floats, end: Floats, tell: Callable[[str], None]) -> None:
        """Heaters from levels to levels."""
        ...

    def tell_state(self, why: str) -> None:
        """Publish the state, and why it is told."""
        ...

    async def tell_beside(self) -> None:
        """Publish what the instruments beside the signal path measure of themselves."""
        ...


async def pause(bench: Pausable) -> None:
    """Hold until the desk no longer asks for it.

    After `HOLD_MOST` s of bench time the heaters go to the idle levels by the ramp; when the pause
    is over they come back, and the slow thermal tail is waited for.
    """
    machine = bench.machine
    assert isinstance(machine, Sequencer | SlotBench)  # what else holds levels is built on one
    began, held, lowered = bench.now(), machine.levels.copy(), False
    beat = time.monotonic()
    while bench.desk.paused:
        await _wait_awhile(bench)
        if time.monotonic() - beat >= BEAT:
            beat = time.monotonic()
            bench.bus.publish(health(bench))
            await bench.tell_beside()
        if not lowered and bench.now() - began >= HOLD_MOST:
            lowered = True
            await bench.ramp(held, bench.idle_levels(), logger.info)
            bench.tell_state(f"paused for over {HOLD_MOST:g} s; heaters are at the idle levels")
    if lowered and not bench.desk.end:
        await bench.ramp(bench.idle_levels(), held, logger.info)
        await machine.rest(bench.file.chip.warm_up)


async def _wait_awhile(bench: Pausable) -> None:
    """Wait on the wall's clock, also on a virtual loop, whose own would not stand still."""
    if bench.all_simulated:
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, LOOK)
    else:
        await asyncio.sleep(LOOK)
