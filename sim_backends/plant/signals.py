"""What passes between the simulated instruments and the plant: signals in time.

All times are seconds relative to the origin of a frame; the origin itself is bench time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Integers = NDArray[np.intp]


@dataclass(frozen=True)
class Waveform:
    """A piecewise constant voltage at the output of an instrument.

    Attributes
    ----------
    start : s, when the first value begins.
    dwell : s, how long each value is held.
    values : (samples,) V.
    before, after : V, held before the first and after the last value.
    """

    start: float
    dwell: float
    values: Floats
    before: float
    after: float


@dataclass(frozen=True)
class LineTimeline:
    """Levels of the pattern lines in time.

    Attributes
    ----------
    times : (edges,) s, ascending.
    masks : (edges + 1,), bit i = line i; `masks[0]` holds before `times[0]`.
    """

    times: Floats
    masks: NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Check that there is one level more than there are edges."""
        if self.masks.size != self.times.size + 1:
            raise ValueError(
                f"{self.masks.size} masks for {self.times.size} edges; one more is due"
            )


@dataclass(frozen=True)
class FrameSignals:
    """All that drives the optics during one frame.

    Attributes
    ----------
    origin : s of bench time at which the frame's own time is zero.
    drives : one waveform a port.
    lines : the pattern lines.
    """

    origin: float
    drives: tuple[Waveform, ...]
    lines: LineTimeline


@dataclass(frozen=True)
class SampleGrid:
    """When some detectors are read.

    Attributes
    ----------
    ports : the ports that share these times.
    start : s, the first point.
    step : s, from one point to the next.
    count : number of points.
    average : whether a point is the mean over [t, t + step), or the value at t.
    """

    ports: tuple[int, ...]
    start: float
    step: float
    count: int
    average: bool
