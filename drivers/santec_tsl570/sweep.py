"""Sweeps of a TSL-570: setting up, starting, waiting, and the logged wavelengths."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import real_number
from drivers.errors import InstrumentError, LimitError, TriggerTimeout
from drivers.santec_tsl570.quantities import (
    POINTS,
    SPEEDS,
    STANDBY,
    SWEEP_MODE,
    SWEEP_SPEED,
    SWEEP_START,
    SWEEP_STATE,
    SWEEP_STOP,
    TRIGGER_IN,
    TRIGGER_OUT,
    TRIGGER_PERIOD,
    TRIGGER_STEP,
)
from drivers.wavelength_sweep import BEGINS, Begin, WavelengthSweep

if TYPE_CHECKING:
    from drivers.santec_tsl570.laser import SantecTsl570

LONGEST = 1e6
"""s that may be waited for at most."""
POLL = 0.05
"""s from one look at the sweep's state to the next."""
POINTS_MOST = 500_000
"""Points that the laser logs (manual, READout:POINts?)."""
MOST_DBM = 200.0
"""No power is above it, nor below the same with a minus: what says so is misread."""


class SweepState(enum.IntEnum):
    """What `WAVelength:SWEep?` answers."""

    STOPPED = 0
    RUNNING = 1
    WAITING = 3
    PREPARING = 4


class SantecSweep:
    """The sweeps of one laser."""

    def __init__(self, laser: SantecTsl570) -> None:
        self._laser = laser
        self._asked: WavelengthSweep | None = None

    async def set_up(self, sweep: WavelengthSweep, begin: Begin = "at once") -> None:
        """Set a continuous sweep up, with an output trigger and a logged point every step.

        Sets ends, speed, mode, and the settings of the triggers that the sweep needs. Raises
        `LimitError` before anything is set for ends that this laser does not reach, a speed that it
        does not have, a step out of range, or more points than it logs.
        """
        laser = self._laser
        if begin not in BEGINS:
            raise ValueError(f"{laser.name}: begin {begin!r} is none of {', '.join(BEGINS)}")
        TRIGGER_STEP.check(sweep.step, instrument=laser.name)
        nanometres = 1e9 * sweep.speed
        if not any(abs(nanometres - speed) <= 1e-6 * speed for speed in SPEEDS):
            speeds = ", ".join(f"{speed:g}e-9" for speed in SPEEDS)
            raise LimitError(laser.name, SWEEP_SPEED.name, sweep.speed, f"{speeds} m/s", "m/s")
        if (points := sweep.points * (2 if sweep.both_ways else 1)) > POINTS_MOST:
            limit = f"{POINTS_MOST} logged points"
            raise LimitError(laser.name, "points", float(points), limit)
        for name, end in (("sweep_start", sweep.start), ("sweep_stop", sweep.stop)):
            await laser.check_wavelength(name, end)
        await laser.set(SWEEP_START, sweep.start)
        await laser.set(SWEEP_STOP, sweep.stop)
        await laser.set(SWEEP_SPEED, sweep.speed)
        await laser.set(SWEEP_MODE, "continuous both ways" if sweep.both_ways else "continuous")
        await laser.set(TRIGGER_STEP, sweep.step)
        await laser.set(TRIGGER_PERIOD, "wavelength")
        await laser.set(TRIGGER_OUT, "step")
        await laser.set(STANDBY, begin != "at once")
        await laser.set(TRIGGER_IN, begin == "hardware")
        self._asked = sweep

    async def start(self, timeout: float = 30.0) -> None:
        """Start the sweep that is set up; returns when it runs, or waits for its trigger.

        Raises `InstrumentError` where the laser is dark or refuses, `TriggerTimeout` when it is not
        ready in time.
        """
        laser = self._laser
        timeout = real_number(
            timeout, 0.0, LONGEST, instrument=laser.name, what="timeout", unit="s"
        )
        if not await laser.lit():
            hint = "a sweep needs the diode on and the shutter open; call on() first"
            raise InstrumentError(laser.name, "WAV:SWE 1", "not sent", hint)
        await laser.tell("WAV:SWE 1")
        await self._until(timeout, "it does not get to its start", SweepState.PREPARING)

    async def trigger(self) -> None:
        """Start a sweep that waits. Raises `InstrumentError` where none does."""
        if (state := await self.state()) is not SweepState.WAITING:
            hint = "start() a sweep that begins on a trigger first"
            raise InstrumentError(self._laser.name, "TRIG:INP:SOFT", state.name, hint)
        await self._laser.tell("TRIG:INP:SOFT")

    async def state(self) -> SweepState:
        """What the sweep does. Raises `InstrumentError` for a state that is not in the manual."""
        number = await self._laser.get(SWEEP_STATE)
        try:
            return SweepState(int(number))
        except ValueError:
            raise InstrumentError(
                self._laser.name, SWEEP_STATE.query(), str(number), "no state of a sweep"
            ) from None

    async def finish(self, timeout: float | None = None) -> None:
        """Wait until the sweep has ended; `timeout` (s) by itself fits the sweep that was set up.

        Raises `TriggerTimeout` when it still waits for its trigger, or goes on.
        """
        if timeout is None:
            timeout = 30.0 + (self._asked.duration if self._asked is not None else 0.0)
        name = self._laser.name
        timeout = real_number(timeout, 0.0, LONGEST, instrument=name, what="timeout", unit="s")
        await self._until(
            timeout,
            "it has not ended",
            SweepState.PREPARING,
            SweepState.RUNNING,
            SweepState.WAITING,
        )

    async def stop(self) -> None:
        """End a sweep."""
        await self._laser.tell("WAV:SWE 0", kind="off")

    async def read_log(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Wavelengths (n,) in m and powers (n,) in W that were logged at the output triggers.

        Blocks of either command set are understood: 4-byte integers of 0.1 pm, or 8-byte floats of
        m; of powers 4-byte floats of dBm (manual), 4-byte integers of mdBm (a TSL-775, by its
        user), or 8-byte floats (a public driver). Raises `InstrumentError` where a block is not of
        the number of points, or holds what no laser gives.
        """
        points = int(await self._laser.get(POINTS))
        if not points:
            return np.empty(0), np.empty(0)
        wavelengths = await self._block("READ:DAT?", points, _tenths, 0.0, 1e-5)
        dbm = await self._block("READ:DAT:POW?", points, _levels, -MOST_DBM, MOST_DBM)
        return wavelengths, 1e-3 * 10.0 ** (dbm / 10.0)

    async def _block(
        self,
        query: str,
        points: int,
        narrow: Callable[[bytes], NDArray[np.float64]],
        low: float,
        high: float,
    ) -> NDArray[np.float64]:
        """A block of 8-byte floats, or of 4-byte numbers, which its length tells."""
        laser = self._laser
        (data,) = await laser.ask(query, received=8 * points + 16, answers=1)
        if len(data) == 8 * points:
            values = np.frombuffer(data, "<f8").astype(np.float64)
        elif len(data) == 4 * points:
            values = narrow(data)
        else:
            shown = f"{len(data)} bytes"
            raise InstrumentError(laser.name, query, shown, f"{points} points are logged")
        if not ((values >= low) & (values <= high)).all():
            shown = f"{len(data)} bytes with {values.min():g} to {values.max():g}"
            raise InstrumentError(laser.name, query, shown, f"{low:g} to {high:g} are possible")
        return values

    async def _until(self, timeout: float, what: str, *passing: SweepState) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time() + timeout
        while (state := await self.state()) in passing:
            if loop.time() > last:
                hint = f"{what} within {timeout:g} s; stop() ends it"
                raise TriggerTimeout(self._laser.name, "WAV:SWE?", state.name, hint)
            await asyncio.sleep(POLL)


def _tenths(data: bytes) -> NDArray[np.float64]:
    """Wavelengths (n,) in m of 4-byte integers of 0.1 pm."""
    return 1e-13 * np.frombuffer(data, "<i4").astype(np.float64)


def _levels(data: bytes) -> NDArray[np.float64]:
    """Powers (n,) in dBm of 4-byte floats, or of integers of mdBm.

    What is a level as an integer is none as a float: all of these are 0, no number, or less than
    1e-38 dBm.
    """
    whole = np.frombuffer(data, "<i4")
    if (np.abs(whole.astype(np.int64)) <= 1e3 * MOST_DBM).all():
        return 1e-3 * whole.astype(np.float64)
    return np.frombuffer(data, "<f4").astype(np.float64)
