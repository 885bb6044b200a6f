"""The sequencer: programs banks, loads inputs and lines, fires, and fetches, over the roles.

Writing and settling overlap with the upload of the next frame: `program` starts the write, and a
frame waits for it only before it fires.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.roles import LineProgram
from hil.control.bench_roles import BenchRoles
from hil.control.demultiplex import demultiplex
from hil.control.frame import HEADER, Segment, framed
from hil.control.ledger import Ledger
from hil.control.machine import Reading

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """One frame as it was recorded: sent (samples, ports) V_pi, points (points, ports) V."""

    sent: Floats
    points: Floats


class Sequencer:
    """A machine of real roles (simulated ones answer the same).

    Parameters
    ----------
    settle : s to wait after a write, at least; clock : gives bench time in s.
    """

    def __init__(
        self, roles: BenchRoles, settle: float, ledger: Ledger, clock: Callable[[], float]
    ) -> None:
        self._banks = tuple(roles.banks)
        self._switch = roles.switch
        self._source = roles.source
        self._readout = roles.readout
        self._form = roles.form
        self._scale = roles.scale
        self._lsb = roles.lsb
        self._settle = settle
        self._clock = clock
        self._writing: asyncio.Task[None] | None = None
        self._selected = -1
        self.ledger = ledger
        #: Levels (n_banks, elements) in W that were last asked for.
        self.levels = np.zeros((len(self._banks), self._banks[0].elements))

    @property
    def ports(self) -> int:
        """Optical ports."""
        return len(self._scale.volts_per_v_pi)

    @property
    def n_banks(self) -> int:
        """Banks that can be selected."""
        return len(self._banks)

    def now(self) -> float:
        """Bench time, s."""
        return self._clock()

    async def program(self, levels: Floats) -> None:
        """Begin writing levels (n_banks, elements) in W; the next frame waits until they settle.

        Raises
        ------
        LimitError
            When a level is out of range, NaN or infinite: nothing is sent. What an instrument
            objects to is raised by the frame that waits for the write.
        """
        levels = np.array(levels, dtype=np.float64)
        if self._writing is not None and np.array_equal(levels, self.levels):
            return  # on their way already: not waited for, so that the next upload overlaps
        await self.settled()
        if levels.shape != (self.n_banks, self._banks[0].elements):
            raise ValueError(
                f"levels have shape {levels.shape}; "
                f"({self.n_banks}, {self._banks[0].elements}) is needed"
            )
        for bank, row in zip(self._banks, levels, strict=True):
            bank.check(row)
        self.levels = levels
        self._writing = asyncio.ensure_future(self._write(levels))

    async def _write(self, levels: Floats) -> None:
        with self.ledger.span("write"):
            written = await asyncio.gather(
                *(bank.program(row) for bank, row in zip(self._banks, levels, strict=True))
            )
        if sum(written):
            self.ledger.count("slow writes", sum(written))
            with self.ledger.span("settle"):
                await asyncio.sleep(max(self._settle, *(b.settle_time for b in self._banks)))

    async def settled(self) -> None:
        """Wait for a write that is under way, raising what it raised."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing

    async def rest(self, seconds: float) -> None:
        """Hold the programmed levels for `seconds`."""
        await self.settled()
        with self.ledger.span("settle"):
            await asyncio.sleep(seconds)

    async def frame(self, bank: int, values: Floats) -> Reading:
        """Pass samples (samples, ports) in V_pi through one bank, in as many frames as needed."""
        most = self._form.most_samples
        if len(values) <= most:
            return await self._one_frame(bank, values)
        parts = [
            await self._one_frame(bank, values[i : i + most]) for i in range(0, len(values), most)
        ]
        return Reading(
            sent=np.concatenate([p.sent for p in parts]),
            measured=np.concatenate([p.measured for p in parts]),
            clipped=np.concatenate([p.clipped for p in parts]),
            after_dark=np.concatenate([p.after_dark for p in parts]),
            dark=parts[-1].dark,
        )

    async def _one_frame(self, bank: int, values: Floats) -> Reading:
        reading = await self.segments([Segment(bank, len(values))], values)
        if bank != self._selected:
            self.ledger.count("toggles")
            self._selected = bank
        return reading

    async def segments(self, segments: Sequence[Segment], values: Floats) -> Reading:
        """Pass samples (samples, ports) in V_pi through one frame of several segments."""
        form = self._form
        recorded = await self.record(form.segmented(segments), values)
        taken = demultiplex(
            recorded.points,
            len(values),
            form.points,
            form.guard,
            self._readout.full_scale,
            self._lsb,
            self._scale.signal_per_volt,
        )
        clipped = int(taken.clipped.sum())
        if clipped:
            self.ledger.count("clipped samples", clipped)
        after_dark = np.zeros(len(values), dtype=bool)
        after_dark[:1] = True
        return Reading(
            sent=recorded.sent,
            measured=taken.volts * self._scale.signal_per_volt,
            clipped=taken.clipped,
            after_dark=after_dark,
            dark=taken.dark * self._scale.signal_per_volt,
        )

    async def record(self, lines: LineProgram, values: Floats) -> Recorded:
        """Run one frame of data samples (samples, ports) in V_pi under a line program."""
        form, ledger = self._form, self.ledger
        samples = len(values)
        volts = self._source.quantise(framed(values) * self._scale.volts_per_v_pi)
        points = form.points_needed(samples)
        with ledger.span("upload"):
            await asyncio.gather(
                self._source.load(volts, form.dwell),
                self._switch.load(lines),
            )
        with ledger.span("arm"):
            await asyncio.gather(self._source.arm(), self._readout.arm(points), self._switch.arm())
        await self.settled()
        with ledger.span("run"):
            await self._switch.start()
        with ledger.span("fetch"):
            recorded = await self._readout.fetch(0, points)
        ledger.count("frames")
        sent = volts[HEADER : HEADER + samples] / self._scale.volts_per_v_pi
        return Recorded(sent, recorded)
