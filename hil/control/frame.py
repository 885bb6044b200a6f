"""What a frame looks like on the wire: header, data, tail; lines and volts.

A frame begins with a header: a dark sample (signal light gated off), marker samples, and a dark
sample again; then the data, then one dark sample. Markers come in pairs of opposite sign with a
fixed pattern of signs over the ports, so that a port dark to one pattern sees another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from drivers.roles import LineProgram

Floats = NDArray[np.float64]

#: Marker patterns; each is sent with both signs.
PATTERNS = 3
#: Drive of a marker, V_pi: full modulation.
MARKER_DRIVE = 1.0
#: Samples before the data: dark, 2 a pattern, dark. And after it.
HEADER = 2 * PATTERNS + 2
TAIL = 1
#: Points recorded beyond the tail, so that a late box still has its last sample whole.
SLACK_POINTS = 8
#: Points by which a box may start later than the lines: its vendor does not state the latency.
LATEST = 6
#: Width of the trigger pulse, s.
TRIGGER_WIDTH = 256e-9


@dataclass(frozen=True)
class PortScale:
    """Per port (ports,): volts of the instrument per V_pi of drive (signed), signal per volt."""

    volts_per_v_pi: Floats
    signal_per_volt: Floats


@dataclass(frozen=True)
class Segment:
    """Data samples of a frame that go the same way.

    lit : signal light on. lo : local oscillator on. quadrature : its phase a quarter wave later.
    """

    bank: int
    samples: int
    lit: bool = True
    lo: bool = True
    quadrature: bool = False


@dataclass(frozen=True)
class FrameFormat:
    """The constants of a bench's frames.

    dwell : s a sample is held; points : points a sample; guard : points dropped at its start;
    latency : nominal s from trigger to first sample; buffer : most points a box records;
    the masks are those of the pattern generator's lines, 0 where there is no such line.
    """

    dwell: float
    points: int
    guard: int
    latency: float
    buffer: int
    trigger_mask: int
    signal_mask: int
    lo_mask: int
    select_masks: tuple[int, ...]
    quadrature_mask: int = 0

    @property
    def most_samples(self) -> int:
        """Data samples that one frame can hold."""
        return (self.buffer - SLACK_POINTS) // self.points - HEADER - TAIL

    def points_needed(self, samples: int) -> int:
        """Points to record for a frame of `samples` data samples."""
        return (HEADER + samples + TAIL) * self.points + SLACK_POINTS

    def held_mask(self, bank: int) -> int:
        """Lines between frames while `bank` is selected: signal light off, LO on."""
        return self.select_masks[bank] | self.lo_mask

    def lines(self, bank: int, samples: int) -> LineProgram:
        """The line program of one frame through one bank."""
        return self.segmented([Segment(bank, samples)])

    def segmented(self, segments: Sequence[Segment]) -> LineProgram:
        """The line program of one frame whose data samples go different ways, one after another.

        Lines change a little after a segment begins, for boxes that start late: its first sample
        may still be partly that of the segment before.
        """
        late = self.lateness
        at = self.latency + HEADER * self.dwell
        changes = [(at, self._mask(segments[0]))]
        for before, after in pairwise(segments):
            at += before.samples * self.dwell
            changes.append((at + late, self._mask(after)))
        # The light outlasts the samples, or it would cut the last one of a late box short.
        end = at + segments[-1].samples * self.dwell
        held = self.held_mask(segments[0].bank)
        return self.program([*changes, (end + late, held)], end + TAIL * self.dwell, held)

    @property
    def lateness(self) -> float:
        """S by which the light outlasts what it lights, for boxes that start late."""
        return min(LATEST / self.points, 0.5) * self.dwell

    def program(self, changes: Sequence[tuple[float, int]], end: float, held: int) -> LineProgram:
        """A frame's line program: trigger, header, then the masks that are given.

        changes : (s from the trigger, mask) from then on, ascending, after the header. end : s.
        held : mask before the header, in its dark samples, and after the frame.
        """
        begin, dwell = self.latency, self.dwell
        steps = [
            (0.0, held),
            (begin + dwell, held | self.signal_mask),
            (begin + (HEADER - 1) * dwell + self.lateness, held),
            *changes,
        ]
        times = [round(at * 1e9) for at, _ in steps]
        masks = dict(zip(times, (mask for _, mask in steps), strict=True))
        width, last = round(TRIGGER_WIDTH * 1e9), round(end * 1e9)
        now = held
        for at in sorted({*times, width}):
            now = masks.get(at, now)
            masks[at] = now | self.trigger_mask if at < width else now
        edges = sorted(at for at in masks if at < last)
        durations = np.diff([*edges, last])
        return LineProgram(durations, np.array([masks[at] for at in edges], dtype=np.uint8), held)

    def _mask(self, segment: Segment) -> int:
        mask = self.select_masks[segment.bank]
        mask |= self.signal_mask if segment.lit else 0
        mask |= self.lo_mask if segment.lo else 0
        return mask | (self.quadrature_mask if segment.quadrature else 0)


def marker_signs(ports: int) -> NDArray[np.float64]:
    """Signs (PATTERNS, ports) of the marker patterns, the same on every bench."""
    rng = np.random.default_rng([ports, 0x3A2C])
    return rng.choice([-1.0, 1.0], (PATTERNS, ports))


def framed(values: Floats) -> Floats:
    """Drives (HEADER + samples + TAIL, ports) in V_pi for data (samples, ports)."""
    samples, ports = values.shape
    whole = np.zeros((HEADER + samples + TAIL, ports))
    marks = MARKER_DRIVE * marker_signs(ports)
    whole[1 : HEADER - 1 : 2] = marks
    whole[2 : HEADER - 1 : 2] = -marks
    whole[HEADER : HEADER + samples] = values
    return whole
