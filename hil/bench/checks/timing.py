"""Do dwell, guard and decimation agree with each other and with the boxes' clock?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from hil.bench.catalogue import READOUTS, ReadoutFacts
from hil.bench.checks.finding import Finding
from hil.bench.checks.parts import Parts
from hil.bench.sections import Timing

_CLOSE = 1e-6  # of a point: the rounding of decimal seconds, far below the converters' jitter


def check_timing(parts: Parts) -> Iterator[Finding]:
    """Find samples that are no whole number of points, or keep none after the guard."""
    timing = parts.timing
    if timing is None:
        return
    facts = _readouts(parts)
    if facts:
        yield from _point(timing, facts)
    point = timing.point_duration
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
    elif facts and whole > (most := min(one.points for one in facts)):
        key = "decimation" if facts[0].clocked else "point"
        yield Finding(
            "timing.dwell",
            f"{_ns(timing.dwell)} is {whole} points of {_ns(point)}, more than a readout's buffer "
            f"of {most}; shorten it or raise timing.{key}",
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


def _readouts(parts: Parts) -> list[ReadoutFacts]:
    """What is known of the readouts that the ports name."""
    drivers = {one.name: one.driver for one in parts.instruments.values()}
    named = {drivers.get(name, "") for one in parts.boxes.values() for name, _ in one.inputs}
    return [READOUTS[driver] for driver in sorted(named) if driver in READOUTS]


def _point(timing: Timing, facts: list[ReadoutFacts]) -> Iterator[Finding]:
    clocked = {one.clocked for one in facts}
    if len(clocked) > 1:
        yield Finding("wiring.ports", "boxes and power meters cannot read one bench together")
        return
    wanted, other = ("decimation", "point") if clocked == {True} else ("point", "decimation")
    if getattr(timing, wanted) is None:
        yield Finding(f"timing.{wanted}", "is missing; add it")
    if getattr(timing, other) is not None:
        yield Finding(f"timing.{other}", f"these readouts go by timing.{wanted}; take it out")
    shortest = max(one.shortest for one in facts)
    if timing.point is not None and timing.point < shortest:
        yield Finding(
            "timing.point", f"{_ns(timing.point)} is shorter than a readout's {_ns(shortest)}"
        )


def _ns(seconds: float) -> str:
    return f"{seconds * 1e9:.9g} ns"
