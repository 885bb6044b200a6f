"""What a frame looks like on the wire: header, data, tail; lines and volts.

A frame begins with a header: a dark sample (signal light gated off), marker samples, and a dark
sample again; then the data, then one dark sample. Markers come in pairs of opposite sign with a
fixed pattern of signs over the ports, so that a port dark to one pattern sees another.
"""

from __future__ import annotations

from dataclasses import dataclass

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
class FrameFormat:
    """The constants of a bench's frames.

    dwell : s a sample is held; points : points a sample; guard : points dropped at its start;
    latency : nominal s from trigger to first sample; buffer : most points a box records;
    the masks are those of the pattern generator's lines.
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
        held = self.held_mask(bank)
        begin, dwell = self.latency, self.dwell
        end = begin + (HEADER + samples + TAIL) * dwell
        edges: list[tuple[int, int, int]] = []  # ns, lines that rise, lines that fall

        def pulse(mask: int, rise: float, fall: float) -> None:
            edges.append((round(rise * 1e9), mask, 0))
            edges.append((round(fall * 1e9), 0, mask))

        pulse(self.trigger_mask, 0.0, TRIGGER_WIDTH)
        # The light outlasts markers and samples, or it would cut the last one of a late box short.
        late = min(LATEST / self.points, 0.5) * dwell
        pulse(self.signal_mask, begin + dwell, begin + (HEADER - 1) * dwell + late)
        pulse(self.signal_mask, begin + HEADER * dwell, begin + (HEADER + samples) * dwell + late)
        edges.sort(key=lambda edge: edge[0])
        times = [edge[0] for edge in edges] + [round(end * 1e9)]
        durations, masks, now = [], [], held
        for (at, rising, falling), after in zip(edges, times[1:], strict=True):
            now = (now | rising) & ~falling
            if after > at:
                durations.append(after - at)
                masks.append(now)
        return LineProgram(np.array(durations), np.array(masks, dtype=np.uint8), held)


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
