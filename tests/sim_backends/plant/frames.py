"""Frames for tests of rendering: a dark header sample, then lit ones, through a held bank."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim_backends.plant import FrameSignals, LineTimeline, SampleGrid, Waveform

DWELL = 512e-9
POINT = 32e-9
POINTS = 16
START = 100e-9
GUARD_POINTS = 4
#: Lines of the documents' natural wiring.
SIGNAL, LO, BANK_0 = 1 << 1, 1 << 2, 1 << 3


def held_frame(
    volts: NDArray[np.float64], bank: int = 0, origin: float = 0.1, lo: bool = True
) -> FrameSignals:
    """Samples (count, N), each held for a dwell; the signal gate opens as the second begins."""
    lines = (LO if lo else 0) | BANK_0 << bank
    return FrameSignals(
        origin=origin,
        drives=tuple(Waveform(START, DWELL, column, 0.0, 0.0) for column in volts.T),
        lines=LineTimeline(
            np.array([0.0, START + DWELL]),
            np.array([lines, lines | 1, lines | SIGNAL | 1], dtype=np.uint8),
        ),
    )


def all_points(volts: NDArray[np.float64], average: bool = True) -> SampleGrid:
    """A grid of 16 points a sample over the whole frame, for every port."""
    count, ports = volts.shape
    return SampleGrid(tuple(range(ports)), START, POINT, count * POINTS, average)
