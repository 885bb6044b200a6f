"""An open bench as calibration uses it (`calibration.setup.Setup`), on the wire or the slot path.

A shot begins with a lead sample, lit as the shot is and not driven: what is left of the shot before
dies away in it. Shots that fit go into one hardware frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from calibration.setup import Detection, LineTest, Observation, Points, Shot
from hil.bench.electrical import read_electrical
from hil.bench.file import BenchFile
from hil.bench.opening import OpenBench
from hil.bench.slot_bench import SlotBench
from hil.control.demultiplex import lateness
from hil.control.frame import HEADER, Segment
from hil.control.machine import DRIVE_LIMIT, Reading
from hil.control.sequencer import Sequencer

Floats = NDArray[np.float64]
#: Lead samples of a shot.
LEAD = 1


class BenchSetup:
    """`core` is open; it is warm and lit where phases are to be seen."""

    def __init__(self, core: OpenBench) -> None:
        self._core = core
        self._file = core.file
        machine = core.machine
        assert isinstance(machine, Sequencer | SlotBench)  # all that an open bench has
        self._machine: Sequencer | SlotBench = machine

    @property
    def name(self) -> str:
        """Of the bench."""
        return self._file.name

    @property
    def core(self) -> str:
        """`mzi-mesh` or `microring`."""
        return self._file.core

    @property
    def ports(self) -> int:
        """Optical ports N."""
        return self._file.ports

    @property
    def n_banks(self) -> int:
        """Banks."""
        return self._file.n_banks

    @property
    def p_pi(self) -> float:
        """W, nominal power of a phase of pi."""
        return self._file.chip.p_pi

    @property
    def level_idle(self) -> Floats:
        """Least level (n_banks, elements) in W of a warm bench: the idle bias."""
        return bias_levels(self._file)

    @property
    def level_max(self) -> Floats:
        """Highest level (n_banks, elements) in W."""
        return self._core.level_max.copy()

    @property
    def levels(self) -> Floats:
        """Levels (n_banks, elements) in W as last programmed; 0 before."""
        return np.nan_to_num(self._machine.levels)

    @property
    def power_max(self) -> float:
        """W of a chip in all."""
        return self._file.chip.power_max

    @property
    def dwell(self) -> float:
        """S a sample is held."""
        return self._core.parts.form.dwell

    @property
    def detections(self) -> frozenset[Detection]:
        """What the bench can do; `HOMODYNE` is a balanced detection's own reading too."""
        lines = self._file.wiring.lines
        found = {Detection.HOMODYNE}
        if lines.lo_gate is not None:
            found.add(Detection.INTENSITY)
        if lines.lo_quadrature is not None:
            found.add(Detection.QUADRATURE)
        return frozenset(found)

    @property
    def full_scale(self) -> Floats:
        """(ports,) signal units at which the converters clip."""
        parts = self._core.parts
        return parts.readout.full_scale * parts.scale.signal_per_volt

    @property
    def serials(self) -> Mapping[str, str]:
        """Serial numbers by instrument name, of those that told one."""
        told = {one.name: one.identity for one in self._core.parts.instruments}
        return {name: who.serial for name, who in told.items() if who is not None and who.serial}

    def now(self) -> float:
        """Bench time, s."""
        return self._machine.now()

    async def program(self, levels: Floats) -> None:
        """Write levels (n_banks, elements) in W; the next observation waits until they settle.

        Raises
        ------
        ValueError
            (a LimitError) when a level is out of range, NaN or infinite: nothing is written.
        """
        await self._machine.program(levels)

    async def rest(self, seconds: float) -> None:
        """Hold the present levels for `seconds` of bench time."""
        await self._machine.rest(seconds)

    async def observe(self, shots: Sequence[Shot]) -> list[Observation]:
        """Run shots in one hardware frame where they fit, else in as few as they need.

        A shot that is longer than a frame is divided; each part then has a lead sample of its own.

        Raises
        ------
        ValueError
            For a detection that the bench has not, a bank that there is none of, or a drive beyond
            +-1.5 V_pi: nothing is sent.
        InstrumentError, BenchError
            Where the thermal stage has stopped, or the laser gives other light than it should.
        """
        for shot in shots:
            self._check(shot)
        await self._core.see_beside()
        most = self._core.parts.form.most_samples - LEAD
        parts = [
            (number, shot, shot.values[first : first + most])
            for number, shot in enumerate(shots)
            for first in range(0, len(shot.values), most)
        ]
        read: list[list[Observation]] = [[] for _ in shots]
        with self._core.ledger.purpose("calibration"):
            while parts:
                taken = _fitting(parts, most + LEAD)
                observed = await self._frame([(shot, values) for _, shot, values in taken])
                for (number, _, _), one in zip(taken, observed, strict=True):
                    read[number].append(one)
                parts = parts[len(taken) :]
        return [_joined(own, self.ports) for own in read]

    def _check(self, shot: Shot) -> None:
        if shot.detection not in self.detections:
            raise ValueError(
                f"bench {self.name} has no detection {shot.detection!s}; it has "
                f"{', '.join(sorted(self.detections))}"
            )
        if not 0 <= shot.bank < self.n_banks:
            raise ValueError(f"no bank {shot.bank}; there are 0 to {self.n_banks - 1}")
        self._check_drive(shot.values)

    def _check_drive(self, values: Floats) -> None:
        if values.ndim != 2 or values.shape[1] != self.ports:
            raise ValueError(f"drives of shape {values.shape}; (samples, {self.ports}) is needed")
        # A converter's last step may lie beyond by rounding.
        if not (np.abs(values) <= DRIVE_LIMIT * (1.0 + 1e-9)).all():
            raise ValueError(f"a drive is not within +-{DRIVE_LIMIT:g} V_pi; nothing was sent")

    async def _frame(self, shots: Sequence[tuple[Shot, Floats]]) -> list[Observation]:
        """One frame, each shot behind its lead sample."""
        lead = np.zeros((LEAD, self.ports))
        segments = [
            Segment(
                shot.bank,
                LEAD + len(values),
                lit=shot.lit,
                lo=shot.detection is not Detection.INTENSITY,
                quadrature=shot.detection is Detection.QUADRATURE,
            )
            for shot, values in shots
        ]
        drives = np.concatenate([part for _, values in shots for part in (lead, values)])
        # Of a frame that waits for a write, this is when it was read to a few milliseconds.
        reading = await self._machine.segments(segments, drives)
        self._core.ledger.count_pass(len(drives))
        time = self.now()
        observed, first = [], 0
        for segment in segments:
            own = slice(first + LEAD, first + segment.samples)
            observed.append(_observation(reading, own, time))
            first += segment.samples
        return observed

    async def line_test(self, test: LineTest) -> Points:
        """Run a line test; its points begin a dwell before the pattern and end one behind.

        Raises
        ------
        NotImplementedError
            On the slot path, which has no timing.
        ValueError
            For a chip of the pattern that is no whole number of ns, or a pattern too long.
        """
        machine = self._machine
        if not isinstance(machine, Sequencer):
            raise NotImplementedError("the slot path has no timing; use the wire path")
        form, values = self._core.parts.form, np.atleast_2d(test.values)
        self._check(Shot(max(test.banks[0], 0), values, test.detection))
        chip = round(test.chip * 1e9)
        if chip < 1 or abs(test.chip * 1e9 - chip) > 1e-6:
            raise ValueError(f"a chip of {test.chip} s is no whole number of ns")
        length = len(test.banks) * test.chip
        # A sample before and one behind, so that early and late lines are seen whole.
        samples = LEAD + math.ceil(length / form.dwell) + 1
        if not test.banks or samples > form.most_samples:
            most = (form.most_samples - LEAD - 1) * form.dwell
            raise ValueError(f"a pattern of {length:.3g} s; a frame holds {most:.3g} s")
        shown = [self._test_mask(bank, test.detection) for bank in test.banks]
        data = form.latency + HEADER * form.dwell
        begin = data + LEAD * form.dwell
        held = form.held_mask(max(test.banks[0], 0))
        changes = [(data, shown[0])]
        changes += [(begin + i * test.chip, mask) for i, mask in enumerate(shown)]
        dark = data + samples * form.dwell + form.lateness
        end = data + (samples + 1) * form.dwell
        lines = form.program([*changes, (dark, held)], end, held)
        with self._core.ledger.purpose("calibration"):
            recorded = await machine.record(lines, np.repeat(values, samples, axis=0))
            self._core.ledger.count_pass(samples)
        volts = recorded.points
        signal_per_volt = self._core.parts.scale.signal_per_volt
        late = lateness(volts, form.points, signal_per_volt)
        first, count = HEADER * form.points, samples * form.points
        point = form.dwell / form.points
        middle = 0.5 if self._file.timing.average else 0.0
        index = first + np.arange(count)
        times = (index[:, None] + middle - first - late[None, :]) * point - LEAD * form.dwell
        return Points(times, volts[index] * signal_per_volt)

    def _test_mask(self, bank: int, detection: Detection) -> int:
        form = self._core.parts.form
        mask = form.signal_mask | (0 if bank < 0 else form.select_masks[bank])
        if detection is not Detection.INTENSITY:
            mask |= form.lo_mask
        return mask | (form.quadrature_mask if detection is Detection.QUADRATURE else 0)

    async def electrical(self) -> tuple[Floats, Floats]:
        """Volts and amperes (n_banks, elements) that the heater drivers measure.

        Raises
        ------
        NotImplementedError
            On the slot path, which has no drivers.
        """
        if not isinstance(self._machine, Sequencer):
            raise NotImplementedError("the slot path has no heater drivers; use the wire path")
        await self._machine.settled()
        return await read_electrical(self._file, self._core.parts)


def bias_levels(file: BenchFile) -> Floats:
    """Levels (n_banks, elements) in W of the idle bias."""
    volts = file.chip.idle_voltage
    return np.stack([file.bank_elements(bank).level(volts) for bank in range(file.n_banks)])


def _fitting(
    parts: Sequence[tuple[int, Shot, Floats]], most: int
) -> list[tuple[int, Shot, Floats]]:
    """The first parts that fit into a frame of `most` samples; at least one does."""
    taken, room = [], most
    for part in parts:
        room -= LEAD + len(part[2])
        if room < 0:
            break
        taken.append(part)
    return taken


def _observation(reading: Reading, own: slice, time: float) -> Observation:
    return Observation(reading.sent[own], reading.measured[own], reading.clipped[own], time)


def _joined(parts: Sequence[Observation], ports: int) -> Observation:
    """The parts of one shot."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        none = np.zeros((0, ports))
        return Observation(none, none.copy(), np.zeros((0, ports), dtype=np.bool_), float("nan"))
    return Observation(
        np.concatenate([one.sent for one in parts]),
        np.concatenate([one.measured for one in parts]),
        np.concatenate([one.clipped for one in parts]),
        parts[0].time,
    )
