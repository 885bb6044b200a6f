"""Driving a bench off: light, triggers, inputs, heaters down their ramp, and zeros in any case."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.roles.weights import VoltageOutputs
from hil.bench.assembly import Assembled
from hil.control.machine import Machine
from hil.control.sequencer import Sequencer

STILL_HOT = 0.5
"""V, above any error of a reading at rest."""

Ramp = Callable[[NDArray[np.float64], NDArray[np.float64]], Awaitable[None]]


class Steps:
    """Steps on the way to `off`: one that fails does not stop the rest.

    Attributes
    ----------
    failed : what failed, a line each.
    """

    def __init__(self) -> None:
        self.failed: list[str] = []

    async def attempt(self, what: str, step: Awaitable[Any]) -> bool:
        """Do a step; gives whether it was done."""
        try:
            await step
        except Exception as error:
            self.failed.append(f"{what}: {error}")
            return False
        return True


async def drive_off(parts: Assembled, machine: Machine | None, ramp: Ramp) -> list[str]:
    """Make safe whatever is open; one step that fails does not stop the rest.

    Parameters
    ----------
    ramp : takes the heaters from levels to levels, (n_banks, elements) W.

    Returns
    -------
    What failed, a line each.
    """
    steps = Steps()
    await go_dark(parts, steps)
    if isinstance(machine, Sequencer):
        await steps.attempt("last write", machine.settled())
        present = machine.levels
        if present.any() and all(one.is_open for one in parts.chassis):
            await steps.attempt("ramp", ramp(present, np.zeros_like(present)))
            await steps.attempt("ramp", machine.settled())
    zeroed = await write_zeros(parts, steps)
    if isinstance(machine, Sequencer) and zeroed:
        # Or the next ramp would begin by heating up to where the failed one left off.
        machine.levels = np.zeros_like(machine.levels)
    return steps.failed


async def go_dark(parts: Assembled, steps: Steps) -> None:
    """Light off (gates, laser, the pairs that a matrix joins), then what plays and reads."""
    attempt = steps.attempt

    async def dark() -> None:
        if parts.switch_is_open:
            await attempt("pattern off", parts.switch.off())
        laser = parts.laser
        if laser is not None and any(one is laser and one.is_open for one in parts.instruments):
            await attempt("laser off", laser.off())

    if parts.switch_is_open:
        await attempt("light off", parts.light.off())
    # Neither waits for the other: a generator that does not answer keeps no laser lit.
    await asyncio.gather(
        dark(),
        *(
            attempt(f"{one.table.generator} off", one.generator.off())
            for one in parts.delays
            if one.instrument.is_open
        ),
    )
    for route in parts.routes:
        if route.instrument is not None and route.instrument.is_open:
            await attempt(f"{route.table.switch} parted", route.part())
    await asyncio.gather(
        *(attempt(f"{one.name} off", one.off()) for one in parts.signal_instruments if one.is_open)
    )


async def write_zeros(parts: Assembled, steps: Steps) -> bool:
    """Every channel of every chassis to 0 V, unconditionally: also where the ramp failed, for a
    channel must not stay hot unseen. Those that measure their outputs are asked what these give
    now. Gives whether all were set.
    """

    async def zero(outputs: VoltageOutputs) -> bool:
        done = await steps.attempt(f"{outputs.name} off", outputs.off())
        if done and outputs.layout.volts == "measured":
            await steps.attempt(outputs.name, _find_hot(outputs))
        return done

    return all(await asyncio.gather(*(zero(one) for one in parts.chassis if one.is_open)))


async def _find_hot(outputs: VoltageOutputs) -> None:
    """Raise `RuntimeError` where outputs that were set to 0 V go on giving volts: a driver that has
    failed acknowledges everything.
    """
    volts = await outputs.read_volts()
    hot = np.flatnonzero(np.nan_to_num(volts) > STILL_HOT)
    if hot.size:
        named = ", ".join(f"{one + outputs.layout.first}: {volts[one]:.2f} V" for one in hot)
        raise RuntimeError(
            f"set to 0 V, but channels still give volts ({named}); cut its supply, by hand"
        )


def unfailing(tell: Callable[[str], None]) -> Callable[[str], None]:
    """The same `tell`, but for a line that cannot be told: no bench depends on who hears of it."""

    def told(message: str) -> None:
        with suppress(OSError, ValueError):  # the reader has gone; the file was closed
            tell(message)

    return told
