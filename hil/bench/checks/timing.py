"""Do dwell, guard and decimation agree with each other and with the boxes' clock?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from hil.bench.catalogue import BOX_BASE_RATE, BOX_MAX_POINTS
from hil.bench.checks.finding import Finding
from hil.bench.checks.parts import Parts

_CLOSE = 1e-6  # of a point: the rounding of decimal seconds, far below the converters' jitter


def check_timing(parts: Parts) -> Iterator[Finding]:
    """Find samples that are no whole number of points, or keep none after the guard."""
    timing = parts.timing
    if timing is None:
        return
    point = timing.decimation / BOX_BASE_RATE
    points = timing.dwell / point
    whole = max(round(points), 1)
    if abs(points - whole) > _CLOSE:
        nearest = sorted({max(math.floor(points), 1), math.ceil(points)})
        options = " or ".join(f"{_ns(count * point)}" for count in nearest)
        yield Finding(
            "timing.dwell",
            f"{_ns(timing.dwell)} is {points:.6g} points of {_ns(point)}; "
            f"a sample must be a whole number of them: make it {options}",
        )
    elif whole > BOX_MAX_POINTS:
        yield Finding(
            "timing.dwell",
            f"{_ns(timing.dwell)} is {whole} points of {_ns(point)}, more than a box's buffer of "
            f"{BOX_MAX_POINTS}; shorten it or raise timing.decimation",
        )
    if timing.guard >= timing.dwell:
        yield Finding(
            "timing.guard",
            f"{_ns(timing.guard)} is not shorter than the dwell of {_ns(timing.dwell)}",
        )
        return
    guard = timing.guard / point
    if whole - math.ceil(guard - _CLOSE) < 1:
        yield Finding(
            "timing.guard",
            f"{_ns(timing.guard)} leaves no settled point of the {whole} in a sample; "
            f"make it at most {_ns((whole - 1) * point)}",
        )
    elif abs(guard - round(guard)) > _CLOSE:
        yield Finding(
            "timing.guard",
            f"{_ns(timing.guard)} is {guard:.6g} points of {_ns(point)}: "
            f"{math.ceil(guard)} whole points are dropped",
            harmless=True,
        )


def _ns(seconds: float) -> str:
    return f"{seconds * 1e9:.9g} ns"
