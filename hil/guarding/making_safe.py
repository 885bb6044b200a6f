"""Driving a bench off over links of one's own, when its controller no longer can.

The steps are those of the bench's own way to `off`. What the heaters stand at is not known here: it
is read back, and they come down the declared ramp from there; then every channel is written 0 V.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np

from drivers.instrument import Instrument
from drivers.roles import VoltageOutputs
from hil.bench.assembly import Assembled
from hil.bench.driving_off import Steps, go_dark, write_zeros
from hil.bench.sections import Chip

Tell = Callable[[str], None]

#: V that a chassis may read of a channel that is at rest: such a one is not ramped.
AT_REST = 0.1
#: s for which the first pass waits for instruments that do not answer yet.
FIRST = 2.0
#: s from one pass to the next, and after which no new one begins.
PAUSE, LAST = 1.0, 60.0


def outputs_of(parts: Assembled) -> tuple[Instrument, ...]:
    """The instruments whose outputs a bench drives, but for the ways of the light."""
    delays = (one.instrument for one in parts.delays)
    driven = [*parts.chassis, parts.switch, parts.laser, *delays, *parts.signal_instruments]
    return tuple(one for one in parts.instruments if any(one is other for other in driven))


async def make_safe(
    parts: Assembled, chip: Chip, tell: Tell, reachable: Callable[[Instrument], bool]
) -> list[str]:
    """Open what can be opened and drive it off; again and again for what fails, for `LAST` s.

    A port that the dead controller had may be free only after a while, and an instrument may be
    slow to take another client.

    Parameters
    ----------
    reachable : whether an instrument is one that links lead to; simulated ones in the memory of
        the controller have gone with it.

    Returns
    -------
    What is not safe, a line each.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + LAST
    ways = [one.instrument for one in parts.routes if one.instrument is not None]
    wanted = [one for one in (*outputs_of(parts), *ways) if reachable(one)]
    opening: dict[Instrument, asyncio.Task[None]] = {}
    told: set[str] = set()
    if not wanted:
        return []
    while True:
        for one in wanted:
            if one not in opening or opening[one].done():
                opening[one] = asyncio.create_task(one.open())
        await asyncio.wait(opening.values(), timeout=FIRST)
        failed = [line for one, task in opening.items() if (line := _trouble(one, task))]
        failed += await _drive_off(parts, chip, tell)
        if not failed or loop.time() > until:
            break
        for line in failed:
            if line not in told:
                tell(f"not yet: {line}")
        told.update(failed)
        await asyncio.sleep(PAUSE)
    for task in opening.values():
        task.cancel()
    await asyncio.wait([asyncio.create_task(one.close()) for one in wanted], timeout=FIRST)
    return failed


def _trouble(one: Instrument, task: asyncio.Task[None]) -> str:
    """Why an instrument is not open; empty where it is."""
    if not task.done():
        return f"{one.name}: {one.resource} has not answered yet"
    error = task.exception()
    return "" if error is None else f"{one.name}: {error}"


async def _drive_off(parts: Assembled, chip: Chip, tell: Tell) -> list[str]:
    """One pass over what is open."""
    steps = Steps()
    await go_dark(parts, steps)
    await asyncio.gather(
        *(
            steps.attempt(f"{one.name} ramp", _bring_down(one, chip, tell))
            for one in parts.chassis
            if one.is_open
        )
    )
    await write_zeros(parts, steps)
    return steps.failed


async def _bring_down(outputs: VoltageOutputs, chip: Chip, tell: Tell) -> None:
    """The channels that are hot, by equal steps of power; the last step is left to the zeros."""
    read = np.nan_to_num(await outputs.read_volts(), nan=0.0, posinf=0.0, neginf=0.0)
    # A reading may be a little above what may be written.
    start = np.clip(read, 0.0, outputs.v_max)
    hot = np.flatnonzero(start > AT_REST)
    if not hot.size:
        return
    tell(
        f"{outputs.name}: {hot.size} channels from {start[hot].max():.3g} V at most to 0 V in "
        f"{chip.ramp_steps} steps over {chip.ramp_time:g} s"
    )
    for step in range(1, chip.ramp_steps):
        await outputs.write_volts(hot, start[hot] * np.sqrt(1.0 - step / chip.ramp_steps))
        await asyncio.sleep(chip.ramp_time / chip.ramp_steps)
