"""The slot path: the simulated plant behind the declared converters, without instruments.

Limits, rounding and port scales are those of the bench file, through the same roles as on the
wire (built, never opened). Its clock advances by the planned time of what the wire would do.
"""

from __future__ import annotations

import asyncio

import numpy as np
from numpy.typing import NDArray

from hil.bench.assembly import Assembled
from hil.bench.simulated import SlotSide
from hil.control.ledger import Ledger
from hil.control.machine import Reading
from hil.control.plan import planned_frame, planned_write

Floats = NDArray[np.float64]


class SlotBench:
    """A machine over the simulation's slots."""

    def __init__(self, slots: SlotSide, parts: Assembled, settle: float, ledger: Ledger) -> None:
        self._slots = slots
        self._parts = parts
        self._settle = settle
        self._selected = -1
        self._pending = 0.0
        self._levels = np.full((len(parts.banks), parts.banks[0].elements), np.nan)
        self.ledger = ledger

    @property
    def ports(self) -> int:
        """Optical ports."""
        return len(self._parts.scale.volts_per_v_pi)

    @property
    def n_banks(self) -> int:
        """Banks."""
        return len(self._parts.banks)

    def now(self) -> float:
        """Bench time, s."""
        return self._slots.time

    async def program(self, levels: Floats) -> None:
        """Write levels (n_banks, elements) in W.

        Raises
        ------
        LimitError
            As on the wire.
        """
        levels = np.asarray(levels, dtype=np.float64)
        for bank, row in zip(self._parts.banks, levels, strict=True):
            bank.check(row)
        written = self._slots.program(levels)
        if written:
            self.ledger.count("slow writes", written)
            changed = (levels != self._levels).sum(axis=1).tolist()
            self._pending = planned_write(self._parts, changed) + self._settle
            self._levels = levels.copy()
        # Nothing here waits; this is where Ctrl-C and other tasks get their turn.
        await asyncio.sleep(0)

    async def rest(self, seconds: float) -> None:
        """Hold the programmed levels for `seconds`."""
        with self.ledger.span("settle"):
            self._slots.advance(seconds)

    async def frame(self, bank: int, values: Floats) -> Reading:
        """Pass samples (samples, ports) in V_pi through one bank, in as many frames as needed."""
        parts, scale, ledger = self._parts, self._parts.scale, self.ledger
        volts = parts.source.quantise(values * scale.volts_per_v_pi)
        most = parts.form.most_samples
        read = []
        for first in range(0, len(values), most):
            part = volts[first : first + most]
            for category, seconds in planned_frame(parts, len(part), self._pending):
                with ledger.span(category):
                    self._slots.advance(seconds)
            self._pending = 0.0
            read.append(self._slots.frame(bank, part))
            ledger.count("frames")
        measured = np.concatenate(read)
        if bank != self._selected:
            ledger.count("toggles")
            self._selected = bank
        clipped = np.abs(measured) >= parts.readout.full_scale - 1.5 * parts.lsb
        if clipped.any():
            ledger.count("clipped samples", int(clipped.sum()))
        return Reading(
            sent=volts / scale.volts_per_v_pi,
            measured=measured * scale.signal_per_volt,
            clipped=clipped,
            after_dark=np.arange(len(values)) % most == 0,
        )
