"""The slot path: the simulated plant behind the declared converters, without instruments.

Limits, rounding and port scales are those of the bench file, through the same roles as on the
wire (built, never opened). Its clock advances by the planned time of what the wire would do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hil.bench.assembly import Assembled
from hil.bench.simulated import SlotSide
from hil.control.frame import Segment
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
        self.levels = np.full((len(parts.banks), parts.banks[0].elements), np.nan)
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
        if not np.array_equal(levels, self.levels):
            self._finish_writing()  # as on the wire: one write after the other
        written = self._slots.program(levels)
        if written:
            self.ledger.count("slow writes", written)
            changed = (levels != self.levels).sum(axis=1).tolist()
            self._pending = planned_write(self._parts, changed) + self._settle
            self.levels = levels.copy()
        # Nothing here waits; this is where Ctrl-C and other tasks get their turn.
        await asyncio.sleep(0)

    def _finish_writing(self) -> None:
        with self.ledger.span("write"):
            self._slots.advance(self._pending)
        self._pending = 0.0

    async def rest(self, seconds: float) -> None:
        """Hold the programmed levels for `seconds`."""
        self._finish_writing()
        with self.ledger.span("settle"):
            self._slots.advance(seconds)

    async def frame(self, bank: int, values: Floats) -> Reading:
        """Pass samples (samples, ports) in V_pi through one bank, in as many frames as needed."""
        most = self._parts.form.most_samples
        read = [
            await self.segments([Segment(bank, len(part))], part)
            for part in (values[first : first + most] for first in range(0, len(values), most))
        ]
        if bank != self._selected:
            self.ledger.count("toggles")
            self._selected = bank
        return Reading(
            sent=np.concatenate([one.sent for one in read]),
            measured=np.concatenate([one.measured for one in read]),
            clipped=np.concatenate([one.clipped for one in read]),
            after_dark=np.concatenate([one.after_dark for one in read]),
        )

    async def segments(self, segments: Sequence[Segment], values: Floats) -> Reading:
        """Pass samples (samples, ports) in V_pi through one frame of several segments.

        What is left of a segment's last sample in the next one's first is not simulated.
        """
        parts, scale, ledger = self._parts, self._parts.scale, self.ledger
        volts = parts.source.quantise(values * scale.volts_per_v_pi)
        for category, seconds in planned_frame(parts, len(volts), self._pending):
            with ledger.span(category):
                self._slots.advance(seconds)
        self._pending = 0.0
        ledger.count("frames")
        read, first = [], 0
        for segment in segments:
            part = volts[first : first + segment.samples]
            detection = _detection(segment)
            read.append(self._slots.frame(segment.bank, part, detection, lit=segment.lit))
            first += segment.samples
        measured = np.concatenate(read)
        clipped = np.abs(measured) >= parts.readout.full_scale - 1.5 * parts.lsb
        if clipped.any():
            ledger.count("clipped samples", int(clipped.sum()))
        after_dark = np.zeros(len(values), dtype=bool)
        after_dark[:1] = True
        return Reading(
            sent=volts / scale.volts_per_v_pi,
            measured=measured * scale.signal_per_volt,
            clipped=clipped,
            after_dark=after_dark,
        )


def _detection(segment: Segment) -> Literal["homodyne", "quadrature", "intensity"]:
    if not segment.lo:
        return "intensity"
    return "quadrature" if segment.quadrature else "homodyne"
