"""Do dwell, guard and points agree with each other, and with the clocks of all instruments?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from drivers.roles import PlayFacts, ReadFacts
from drivers.roles.ports import whole as ticks_of
from hil.bench.catalogue import BOX_BASE_RATE, plays, reads
from hil.bench.checks.finding import Finding
from hil.bench.checks.parts import Parts
from hil.bench.delay_times import arrivals
from hil.bench.sections import Timing

_Facts = TypeVar("_Facts", PlayFacts, ReadFacts)

_CLOSE = 1e-6  # of a point: the rounding of decimal seconds, far below the converters' jitter
#: Points by which one source may start before another: what demultiplexing allows for.
_SPREAD = 0.5


def check_timing(parts: Parts) -> Iterator[Finding]:
    """Find samples that are no whole number of points, or keep none after the guard; dwells and
    points that an instrument at the ports cannot have.
    """
    timing = parts.timing
    if timing is None:
        return
    sources, readouts = at_ports(parts)
    if readouts:
        yield from _point(timing, readouts)
    point = timing.point_duration
    points = timing.dwell / point
    whole = max(round(points), 1)
    if abs(points - whole) > _CLOSE:
        nearest = sorted({max(math.floor(points), 1), math.ceil(points)})
        options = " or ".join(f"{ns(count * point)}" for count in nearest)
        yield Finding(
            "timing.dwell",
            f"{ns(timing.dwell)} is {points:.6g} points of {ns(point)}; "
            f"a sample must be a whole number of them: make it {options}",
        )
    elif readouts and whole > (most := min(one.most_points(point) for one in readouts.values())):
        key = "point" if timing.decimation is None else "decimation"
        yield Finding(
            "timing.dwell",
            f"{ns(timing.dwell)} is {whole} points of {ns(point)}, more than a readout's buffer "
            f"of {most}; shorten it or raise timing.{key}",
        )
    else:
        yield from _dwell(timing, sources)
    yield from _apart(timing, sources)
    if timing.guard >= timing.dwell:
        yield Finding(
            "timing.guard",
            f"{ns(timing.guard)} is not shorter than the dwell of {ns(timing.dwell)}",
        )
        return
    guard = timing.guard / point
    if whole - math.ceil(guard - _CLOSE) < 1:
        yield Finding(
            "timing.guard",
            f"{ns(timing.guard)} leaves no settled point of the {whole} in a sample; "
            f"make it at most {ns((whole - 1) * point)}",
        )
    elif abs(guard - round(guard)) > _CLOSE:
        yield Finding(
            "timing.guard",
            f"{ns(timing.guard)} is {guard:.6g} points of {ns(point)}: "
            f"{math.ceil(guard)} whole points are dropped",
            harmless=True,
        )


def at_ports(parts: Parts) -> tuple[dict[str, PlayFacts], dict[str, ReadFacts]]:
    """What is known of the sources and readouts that the ports name, by name; of sources that a
    delay generator triggers, `latency` with its delay.
    """
    known = parts.by_name()
    playing = {one.plays: None for one in parts.boxes.values()}
    reading = {name: None for one in parts.boxes.values() for name, _ in one.inputs}
    arrives = arrivals(parts.timed_delays.values())
    sources = {
        name: replace(facts, latency=facts.latency + arrives.get(name, 0.0))
        for name in playing
        if (one := known.get(name)) and (facts := plays(one.driver, one.options))
    }
    readouts = {
        name: reads(one.driver, one.options) for name in reading if (one := known.get(name))
    }
    return sources, {name: facts for name, facts in readouts.items() if facts is not None}


def _dwell(timing: Timing, sources: dict[str, PlayFacts]) -> Iterator[Finding]:
    """Find a dwell that a source cannot hold; of several sources alike the first is named."""
    for name, facts in _distinct(sources):
        if timing.dwell < facts.shortest * (1.0 - _CLOSE):
            yield Finding(
                "timing.dwell",
                f"{ns(timing.dwell)} is shorter than the {ns(facts.shortest)} for which {name!r} "
                "can hold a sample; make it longer",
            )
        elif facts.tick and ticks_of(timing.dwell, facts.tick) is None:
            near = max(1, round(timing.dwell / facts.tick)) * facts.tick
            yield Finding(
                "timing.dwell",
                f"{ns(timing.dwell)} is no whole number of the {ns(facts.tick)} of {name!r}; "
                f"make it {ns(near)}",
            )


def _apart(timing: Timing, sources: dict[str, PlayFacts]) -> Iterator[Finding]:
    """Find sources that start too far apart."""
    if not sources:
        return
    first = min(sources, key=lambda name: sources[name].latency)
    last = max(sources, key=lambda name: sources[name].latency)
    apart = sources[last].latency - sources[first].latency
    if apart > _SPREAD * timing.point_duration:
        yield Finding(
            "wiring.ports",
            f"{last!r} starts {ns(apart)} later than {first!r} (option trigger_latency), more "
            f"than half a point; make a point at least {ns(apart / _SPREAD)}, or have a [[delay]] "
            "trigger them so that they start together",
        )


def _point(timing: Timing, readouts: dict[str, ReadFacts]) -> Iterator[Finding]:
    """Find a point that is not told, is told twice, or that a readout cannot have."""
    boxes = [one for one in readouts.values() if abs(one.tick * BOX_BASE_RATE - 1.0) < _CLOSE]
    if len(boxes) == len(readouts):
        yield from _told_as(timing, "decimation", "point")
    elif not boxes:
        yield from _told_as(timing, "point", "decimation")
    elif timing.point is None and timing.decimation is None:
        yield Finding("timing.point", "is missing; add it, or timing.decimation")
    elif timing.point is not None and timing.decimation is not None:
        counted = timing.decimation / BOX_BASE_RATE
        if abs(counted - timing.point) > _CLOSE * timing.point:
            yield Finding(
                "timing.decimation",
                f"{timing.decimation} is {ns(counted)} a point, timing.point {ns(timing.point)}: "
                "all readouts have one point; take one of them out",
            )
    key = "decimation" if timing.point is None else "point"
    for name, facts in _distinct(readouts):
        if fault := _fault(timing.point_duration, timing.average, facts):
            where = "timing.average" if fault.startswith("its points") else f"timing.{key}"
            yield Finding(where, f"{name!r} cannot read so: {fault}")


def _told_as(timing: Timing, wanted: str, other: str) -> Iterator[Finding]:
    if getattr(timing, wanted) is None:
        yield Finding(f"timing.{wanted}", "is missing; add it")
    if getattr(timing, other) is not None:
        yield Finding(f"timing.{other}", f"these readouts go by timing.{wanted}; take it out")


def _fault(point: float, average: bool, facts: ReadFacts) -> str:
    """Why a readout cannot have such points, and the mend; empty where it can."""
    if point < facts.shortest * (1.0 - _CLOSE):
        return f"{ns(point)} is shorter than its least point of {ns(facts.shortest)}"
    if point > facts.longest * (1.0 + _CLOSE):
        return f"{ns(point)} is longer than its longest point of {ns(facts.longest)}"
    count = ticks_of(point, facts.tick) if facts.tick else None
    if facts.tick and count is None:
        near = max(1, round(point / facts.tick)) * facts.tick
        return f"{ns(point)} is no whole number of its {ns(facts.tick)}; make it {ns(near)}"
    if facts.ticks and count not in facts.ticks:
        near = min(facts.ticks, key=lambda one: abs(one - (count or 1)))
        return (
            f"{ns(point)} is {count} of its {ns(facts.tick)}, and it has no such; "
            f"make it {near} of them, {ns(near * facts.tick)}"
        )
    if average and facts.of_ticks and count == 1:
        return (
            f"{ns(point)} is one sample, no mean; raise its option sample_rate, or write "
            "average = false"
        )
    if facts.averages != "both" and average is not (facts.averages == "means"):
        said = "true" if facts.averages == "means" else "false"
        return f"its points are {facts.averages}; write average = {said}"
    return ""


def _distinct(known: Mapping[str, _Facts]) -> Iterator[tuple[str, _Facts]]:
    """Of those that are alike the first."""
    seen: list[_Facts] = []
    for name, facts in known.items():
        if facts not in seen:
            seen.append(facts)
            yield name, facts


def ns(seconds: float) -> str:
    """Nanoseconds, for a person."""
    return f"{seconds * 1e9:.9g} ns"
