"""Heaters measured one after the other, by what drives them or by a meter that is wired by hand."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np

from calibration.heater_sweep import HeaterLimits, HeaterSweep, sweep_heater
from drivers.roles import VoltageOutputs
from hil.bench.by_hand import Assuming, HandTask, Nobody, Operator, Terminal, done_by_hand
from hil.bench.file import BenchFile
from hil.bench.loop_thread import to_the_end
from hil.bench.opening import OpenBench
from hil.bench.states import BenchError
from hil.calibrating.errors import CalibrationError
from hil.checking.channels import WiredHeater, heater_at, heaters_of

Tell = Callable[[str], None]
#: Word for all heaters of a bench.
ALL = "all"


@dataclass(frozen=True)
class Measuring:
    """How heaters are measured: levels each, s at each, and the meter's name or "" for none."""

    levels: int
    settle: float
    meter: str = ""


def heaters_asked(file: BenchFile, asked: Sequence[str]) -> list[WiredHeater]:
    """The heaters of `bank:index` words, or of `all`, in the file's order.

    Raises
    ------
    CalibrationError
        For a word of another form, or a heater that there is not.
    """
    count = file.elements_per_bank
    if ALL in asked:
        every = [(bank, index) for bank in range(file.n_banks) for index in range(count)]
        return [heater_at(file, *place) for place in every]
    found: dict[tuple[int, int], WiredHeater] = {}
    for word in asked:
        bank, _, index = word.partition(":")
        if not (bank.isdecimal() and index.isdecimal()):
            raise CalibrationError(f"--element {word}: write bank:index, as 0:3, or {ALL}")
        place = (int(bank), int(index))
        if not (place[0] < file.n_banks and place[1] < count):
            raise CalibrationError(
                f"--element {word}: bench {file.name} has banks 0 to {file.n_banks - 1} of "
                f"elements 0 to {count - 1}"
            )
        found[place] = heater_at(file, *place)
    return [found[place] for place in sorted(found)]


def check_meter(core: OpenBench, meter: str) -> None:
    """Refuse a meter that the bench has not, or that cannot measure a heater.

    Raises
    ------
    CalibrationError
    """
    names = [one.name for one in core.parts.chassis]
    spare = [name for name in names if not heaters_of(core.file, name)]
    if meter and meter not in names:
        known = ", ".join(names) or "none"
        raise CalibrationError(f"--meter {meter}: no instrument of that name drives and measures "
                               f"volts; the bench has {known}")  # fmt: skip
    if meter and meter not in spare and _outputs(core, meter).channels != 1:
        raise CalibrationError(f"--meter {meter}: its channels drive heaters of this bench")


def check_assumed(meter: str, heaters: Sequence[WiredHeater], assumed: Sequence[str]) -> None:
    """Refuse to take it for done that one meter's leads are at several heaters.

    Raises
    ------
    CalibrationError
    """
    if meter in assumed and sum(one.wiring.chassis != meter for one in heaters) > 1:
        raise CalibrationError(
            f"--assume {meter}=on: its leads are at one heater only; name that with --element, or "
            "leave this out and be asked for each"
        )


class ByCable:
    """On a simulated bench: the leads are where they are asked for."""

    def __init__(self, core: OpenBench, meter: str, heater: WiredHeater) -> None:
        self._core, self._meter, self._heater = core, meter, heater

    async def do(self, task: HandTask) -> str:
        """Join them."""
        assert self._core.simulation is not None
        self._core.simulation.join_by_hand(self._meter, self._heater.bank, self._heater.element)
        return "the simulation"


async def measure_heaters(
    core: OpenBench,
    heaters: Sequence[WiredHeater],
    how: Measuring,
    assumed: Sequence[str],
    tell: Tell,
    keep: Callable[[WiredHeater, HeaterSweep], None],
) -> None:
    """Open the bench, sweep each heater with all others at 0 V, and leave it off and closed.

    `keep` is given each heater as it is done, so that an interruption costs the present one only.

    Raises
    ------
    BenchError
        When a lead is not put where it is asked for; when an output did not go off.
    """
    undo = ""
    async with _connected(core, tell, lambda: undo):
        for number, heater in enumerate(heaters, start=1):
            apart = bool(how.meter) and heater.wiring.chassis != how.meter
            if apart:
                undo = await _put_leads(core, how.meter, heater, assumed, tell)
            outputs = _outputs(core, how.meter if apart else heater.wiring.chassis)
            channel = 0 if apart else heater.channel
            limits = _limits(heater)
            label = f"{number:3d}/{len(heaters)}  {heater.label}"
            tell(f"{label}: up to {1e3 * limits.level_max:.3g} mW by {outputs.name}")
            held = outputs.v_max, outputs.i_max
            try:
                if apart:
                    await _guard(outputs, limits)
                found = await sweep_heater(outputs, channel, limits, how.levels, how.settle)
            finally:
                if apart:
                    await to_the_end(asyncio.ensure_future(outputs.off()))
                    outputs.set_limits(*held)
            keep(heater, found)


@asynccontextmanager
async def _connected(core: OpenBench, tell: Tell, undo: Callable[[], str]) -> AsyncIterator[None]:
    """The bench connected, its limits written and nothing driven; off and closed in the end."""
    failed: list[str] = []
    try:
        await core.connect(tell)
        yield
    finally:
        failed = await to_the_end(asyncio.ensure_future(core.close(tell)))
        for line in failed:
            tell(f"FAILED to make safe: {line}")
        if undo() and not core.all_simulated:
            tell(f"BY HAND, now that the bench is off: {undo()}")
    if failed:
        raise BenchError(f"bench {core.file.name} is NOT safe, switch it off by hand")


async def _put_leads(
    core: OpenBench, meter: str, heater: WiredHeater, assumed: Sequence[str], tell: Tell
) -> str:
    """Have a meter's leads put at a heater, the wire that drives it taken off; what undoes it."""
    await _outputs(core, meter).off()
    wire = heater.wiring
    task = HandTask(
        meter,
        f"put its leads at heater {heater.label}, and take the wire of {wire.chassis} off it",
        f"take its leads off, and put the wire of {wire.chassis} back",
    )
    operator: Operator
    if core.all_simulated:
        operator = ByCable(core, meter, heater)
    else:
        operator = Assuming(assumed, Terminal() if sys.stdin.isatty() else Nobody())
    await done_by_hand(operator, task, tell)
    return f"{meter}: {task.undo}"


async def _guard(outputs: VoltageOutputs, limits: HeaterLimits) -> None:
    """Hold a meter to a heater's limits, in the driver and in the hardware."""
    volts = min(limits.v_max, (limits.p_max * limits.r_nom) ** 0.5)
    outputs.set_limits(np.full(outputs.channels, volts), np.full(outputs.channels, limits.i_max))
    await outputs.apply_limits()


def _outputs(core: OpenBench, name: str) -> VoltageOutputs:
    return next(one for one in core.parts.chassis if one.name == name)


def _limits(heater: WiredHeater) -> HeaterLimits:
    wire = heater.wiring
    return HeaterLimits(wire.r_nom, wire.v_max, wire.i_max, wire.p_max)
