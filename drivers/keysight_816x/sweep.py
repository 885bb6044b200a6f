"""Sweeps: setting up and checking, starting, waiting, and the logged wavelengths."""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import real_number
from drivers.errors import InstrumentError, TriggerTimeout
from drivers.keysight_816x.quantities import (
    EXPECTED,
    LOGGING,
    POINTS,
    ROUTING,
    SWEEP_CYCLES,
    SWEEP_FLAG,
    SWEEP_MODE,
    SWEEP_REPEAT,
    SWEEP_SPEED,
    SWEEP_START,
    SWEEP_STATE,
    SWEEP_STEP,
    SWEEP_STOP,
    TRIGGER_IN,
    TRIGGER_OUT,
)
from drivers.wavelength_sweep import BEGINS, Begin, WavelengthSweep

if TYPE_CHECKING:
    from drivers.keysight_816x.laser import Keysight816x

LONGEST = 1e6
"""s that may be waited for at most."""
POLL = 0.05
"""s from one look at the sweep to the next."""


class SweepState(enum.IntEnum):
    """What `WAVelength:SWEep?` answers."""

    STOPPED = 0
    RUNNING = 1
    PAUSED = 2


class KeysightSweep:
    """The sweeps of one laser."""

    def __init__(self, laser: Keysight816x) -> None:
        self._laser = laser
        self._asked: WavelengthSweep | None = None
        self._begin: Begin = "at once"

    @property
    def _head(self) -> str:
        return f"SOUR{self._laser.slot}"

    async def set_up(
        self, sweep: WavelengthSweep, begin: Begin = "at once", *, to_modules: bool = False
    ) -> int:
        """Set a continuous sweep up, with an output trigger and a logged wavelength every step.

        With `to_modules` the mainframe passes the triggers on to its power meters (its routing is
        not touched otherwise). Returns how many triggers come. Raises, before anything is set,
        `ValueError` for a sweep downwards, `LimitError` for a speed or a step out of range and for
        ends that this laser does not reach; then `InstrumentError` with the laser's own words
        where its parameters do not fit together.
        """
        laser = self._laser
        if sweep.stop < sweep.start:
            raise ValueError(f"{laser.name}: sweeps go upwards only; exchange start and stop")
        if begin not in BEGINS:
            raise ValueError(f"{laser.name}: begin {begin!r} is none of {', '.join(BEGINS)}")
        SWEEP_STEP.check(sweep.step, instrument=laser.name)
        SWEEP_SPEED.check(sweep.speed, instrument=laser.name)
        await laser.check_wavelength(SWEEP_START, sweep.start)
        await laser.check_wavelength(SWEEP_STOP, sweep.stop)
        await laser.set(SWEEP_START, sweep.start)
        await laser.set(SWEEP_STOP, sweep.stop)
        await laser.set(SWEEP_MODE, "CONTinuous")
        await laser.set(SWEEP_STEP, sweep.step)
        await laser.set(SWEEP_SPEED, sweep.speed)
        await laser.set(SWEEP_CYCLES, 1)
        await laser.set(SWEEP_REPEAT, "TWOWay" if sweep.both_ways else "ONEWay")
        await laser.set(TRIGGER_OUT, "STFinished")
        await laser.set(TRIGGER_IN, "IGNore" if begin == "at once" else "SWStart")
        if to_modules:
            await laser.set(ROUTING, "LOOPback")
        await laser.set(LOGGING, True)
        await self._check()
        self._asked, self._begin = sweep, begin
        return int(await laser.get(EXPECTED))

    async def start(self, timeout: float = 30.0) -> None:
        """Start the sweep that is set up; returns at once, or when it waits for its trigger.

        Raises `InstrumentError` where the laser is dark or refuses, `TriggerTimeout` when it is not
        ready in time.
        """
        laser = self._laser
        timeout = real_number(
            timeout, 0.0, LONGEST, instrument=laser.name, what="timeout", unit="s"
        )
        if not await laser.lit():
            hint = "a sweep needs light; call on() first"
            raise InstrumentError(laser.name, f"{self._head}:WAV:SWE 1", "not sent", hint)
        await laser.tell(f"{self._head}:WAV:SWE 1")
        if self._begin == "at once":
            return
        last = asyncio.get_running_loop().time() + timeout
        while not await self.waiting():
            await self._pause(last, f"it is not ready for its trigger within {timeout:g} s")

    async def waiting(self) -> bool:
        """Whether the sweep waits for its trigger: the flag is odd then."""
        return int(await self._laser.get(SWEEP_FLAG)) % 2 == 1

    async def trigger(self) -> None:
        """Start a sweep that waits. Raises `InstrumentError` where none does."""
        await self._laser.tell(f"{self._head}:WAV:SWE:SOFT")

    async def state(self) -> SweepState:
        """What the sweep does. Raises `InstrumentError` for a state that is not in the guide."""
        number = await self._laser.get(SWEEP_STATE)
        try:
            return SweepState(int(number))
        except ValueError:
            query = SWEEP_STATE.query(self._laser.slot)
            raise InstrumentError(self._laser.name, query, str(number), "no such state") from None

    async def finish(self, timeout: float | None = None) -> None:
        """Wait until the sweep has ended; `timeout` (s) by itself fits the sweep that was set up.

        Raises `TriggerTimeout` when it still waits for its trigger, or goes on.
        """
        if timeout is None:
            timeout = 30.0 + (self._asked.duration if self._asked is not None else 0.0)
        name = self._laser.name
        timeout = real_number(timeout, 0.0, LONGEST, instrument=name, what="timeout", unit="s")
        last = asyncio.get_running_loop().time() + timeout
        while await self.state() is not SweepState.STOPPED:
            await self._pause(last, f"it has not ended within {timeout:g} s; stop() ends it")

    async def stop(self) -> None:
        """End a sweep."""
        await self._laser.tell(f"{self._head}:WAV:SWE 0", kind="off")

    async def read_log(self) -> NDArray[np.float64]:
        """The wavelengths (n,) in m that were logged at the output triggers.

        Raises `InstrumentError` where the block is not of the number of points, or holds what no
        laser gives.
        """
        laser = self._laser
        points = int(await laser.get(POINTS))
        if not points:
            return np.empty(0)
        query = f"{self._head}:READ:DATA? LLOG"
        (data,) = await laser.ask(query, received=8 * points + 16, answers=1)
        if len(data) != 8 * points:
            shown = f"{len(data)} bytes"
            raise InstrumentError(laser.name, query, shown, f"{points} wavelengths are logged")
        wavelengths = np.frombuffer(data, "<f8").astype(np.float64)
        if not ((wavelengths > 1e-7) & (wavelengths < 1e-5)).all():
            shown = f"{wavelengths.min():g} to {wavelengths.max():g} m"
            raise InstrumentError(laser.name, query, shown, "these are no wavelengths")
        return wavelengths

    async def _check(self) -> None:
        query = f"{self._head}:WAV:SWE:CHEC?"
        text = await self._laser.ask_text(query)
        if text.partition(",")[0].strip().lstrip("+") != "0":
            hint = "change the sweep's ends, step or speed, or switch modulation off"
            raise InstrumentError(self._laser.name, query, text, hint)

    async def _pause(self, last: float, hint: str) -> None:
        if asyncio.get_running_loop().time() > last:
            query = SWEEP_STATE.query(self._laser.slot)
            raise TriggerTimeout(self._laser.name, query, (await self.state()).name, hint)
        await asyncio.sleep(POLL)
