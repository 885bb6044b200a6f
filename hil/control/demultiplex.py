"""From a frame's points back to its samples: align, drop the guard, average, flag what clipped.

Each box starts on its own clock's grid, so every port is aligned by the frame's markers. The shift
is rounded DOWN to whole points: a window that opens early begins in the guard, which is harmless;
one that closes late would take in the next sample. And since every detector sees all modulators,
some of which change before its markers' mean, the window closes by `SPREAD` earlier still.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hil.control.frame import HEADER, LATEST, PATTERNS

Floats = NDArray[np.float64]

#: Points by which a box may start early; late by LATEST.
EARLIEST = -4
#: Delays at which markers are looked for, points.
DELAYS = np.arange(EARLIEST - 1.0, LATEST + 1.25, 0.25)
#: Points by which some box may start before the mean of all: its grid and latency, some 15 ns.
SPREAD = 0.5
#: A port whose markers are weaker than this share of the strongest is aligned with the others.
WEAK_MARKER = 0.05


@dataclass(frozen=True)
class Samples:
    """volts (samples, ports); clipped same, bool; dark (ports,) V; shift (ports,) points."""

    volts: Floats
    clipped: NDArray[np.bool_]
    dark: Floats
    shift: NDArray[np.int64]


@lru_cache(maxsize=8)
def _templates(points: int) -> tuple[int, Floats]:
    """What markers look like at each of `DELAYS`: first point, and (delays, PATTERNS, points).

    Each row is an orthonormal basis of what the patterns, late by its delay, make of the points
    between the light's going on and off, wherever these two lie; a constant is left out of it.
    """
    edge = min(LATEST, points // 2) + 1
    first, last = points + edge, (HEADER - 1) * points - 1
    at = np.arange(first, last, dtype=np.float64)
    begin = points * np.arange(1, 1 + 2 * PATTERNS) + DELAYS[:, None]
    # Share of each point's time that lies in each marker.
    held = np.minimum(at + 1.0, begin[..., None] + points) - np.maximum(at, begin[..., None])
    held = np.clip(held, 0.0, 1.0)
    shapes = held[:, 0::2] - held[:, 1::2]
    shapes -= shapes.mean(axis=-1, keepdims=True)
    basis: Floats = np.linalg.qr(np.swapaxes(shapes, 1, 2))[0].astype(np.float64)
    return first, np.swapaxes(basis, 1, 2)


def align(volts: Floats, points: int, signal_per_volt: Floats | float = 1.0) -> NDArray[np.int64]:
    """Whole points (ports,) by which each port's samples lie late, less `SPREAD`, rounded down."""
    return np.floor(lateness(volts, points, signal_per_volt) - SPREAD + 1e-9).astype(np.int64)


def lateness(volts: Floats, points: int, signal_per_volt: Floats | float = 1.0) -> Floats:
    """Points (ports,) by which each port's samples lie late in its record, by its markers.

    signal_per_volt : (ports,) signal units at 1 V, or at 1 W of a power meter: a port's markers are
    weak or not beside the others' as light, not in the numbers of its instrument.

    The delay at which the patterns, each of any strength, explain most. A constant explains
    nothing: where undriven modulators are bright, a port sees the light go on and off by more than
    its markers, and that tells nothing of when its samples begin.
    """
    first, basis = _templates(points)
    seen = volts[first : first + basis.shape[-1]]
    power = ((basis @ seen) ** 2).sum(axis=1)
    ports = np.arange(volts.shape[1])
    best = power[1:-1].argmax(axis=0) + 1
    before, peak, after = (power[best + k, ports] for k in (-1, 0, 1))
    bend = np.maximum(2.0 * peak - before - after, 1e-12)
    shift = np.clip(0.5 * (after - before) / bend, -1.0, 1.0)
    late = DELAYS[best] + shift * (DELAYS[1] - DELAYS[0])
    strength = peak * np.square(signal_per_volt)
    weak = strength < WEAK_MARKER**2 * strength.max()
    if weak.any() and not weak.all():
        late = np.where(weak, np.median(late[~weak]), late)
    return late


def demultiplex(
    volts: Floats,
    samples: int,
    points: int,
    guard: int,
    full_scale: Floats,
    lsb: Floats | float,
    signal_per_volt: Floats | float = 1.0,
) -> Samples:
    """Take a frame's data apart.

    Parameters
    ----------
    volts : (points recorded, ports) from the trigger on.
    samples : data samples in the frame.
    points, guard : points of a sample, and those dropped at its start.
    full_scale : (ports,) V; lsb : V of each port, or of all, the converter's step, within which a
        point counts as clipped.
    signal_per_volt : (ports,) signal units at 1 V or 1 W, as ports differ in what they read.
    """
    shift = align(volts, points, signal_per_volt)
    ports = np.arange(volts.shape[1])
    at_end: NDArray[np.bool_] = np.abs(volts) >= full_scale - 1.5 * lsb
    first = HEADER * points + guard + points * np.arange(samples)[:, None] + shift[None, :]
    settled = points - guard
    if (shift == shift[0]).all():
        begin = HEADER * points + int(shift[0])
        block = volts[begin : begin + samples * points].reshape(samples, points, -1)
        mean = block[:, guard:].mean(axis=1)
        ends = at_end[begin : begin + samples * points].reshape(samples, points, -1)
        clipped = np.asarray(ends[:, guard:].any(axis=1))
    else:
        index = first[:, None, :] + np.arange(settled)[None, :, None]
        mean = volts[index, ports].mean(axis=1)
        clipped = np.asarray(at_end[index, ports].any(axis=1))
    dark = volts[guard : points + EARLIEST].mean(axis=0) if points + EARLIEST > guard else mean[0]
    return Samples(mean, clipped, dark, shift)
