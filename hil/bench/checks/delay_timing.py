"""Do delayed triggers come while a frame can still be read, and can their generators keep up?"""

from __future__ import annotations

from collections.abc import Iterator

from drivers.roles import ReadFacts
from hil.bench.checks.finding import Finding
from hil.bench.checks.parts import Parts
from hil.bench.checks.timing import at_ports
from hil.bench.delay_times import FREE_POINTS, Timed, arrivals, early_points, shortest_frame
from hil.bench.tables import si
from hil.control.frame import HEADER, SLACK_POINTS, TAIL


def check_delay_timing(parts: Parts) -> Iterator[Finding]:
    """Find readouts that begin too late or far too early, and cycles longer than a frame."""
    timing, known = parts.timing, parts.timed_delays
    sources, readouts = at_ports(parts)
    if timing is None or not known or not sources:
        return
    first = max(facts.latency for facts in sources.values())
    latest = max(sources, key=lambda name: sources[name].latency)
    yield from _late(known, first, timing.point_duration, latest, readouts)
    yield from _early(parts, first, timing.point_duration, timing.dwell, readouts)
    frame = shortest_frame(first, timing.dwell)
    for index, one in known.items():
        if one.ready > frame:
            ends = [output.delay + (output.width or 0.0) for output in one.table.outputs]
            place = ends.index(max(ends))
            most = max(ends) - (one.ready - frame)
            shorter = f"make the two at most {_told(most)}, or timing.dwell longer"
            mend = shorter if most > 0.0 else "make timing.dwell longer"
            yield Finding(
                f"delay.{index}.outputs.{place}.delay",
                f"{_told(max(ends))} with its width: {one.table.generator!r} is ready again "
                f"{_told(one.ready)} after a trigger, and the next one may come after "
                f"{_told(frame)}, a frame of one sample; {mend}",
            )


def _late(
    known: dict[int, Timed],
    first: float,
    point: float,
    latest: str,
    readouts: dict[str, ReadFacts],
) -> Iterator[Finding]:
    """Find readouts that begin to record when samples have come already."""
    free = FREE_POINTS * point
    for index, one in known.items():
        for place, output in enumerate(one.table.outputs):
            late = one.arrives(output) - first
            names = [name for name in output.feeds if name in readouts]
            if not names or late <= free * (1.0 + 1e-9):
                continue
            more = late - free
            shorter = output.delay - more
            mend = f"make it at most {_told(shorter)}, or " if shorter >= 0.0 else ""
            yield Finding(
                f"delay.{index}.outputs.{place}.delay",
                f"{names[0]!r} would be triggered {_told(one.arrives(output))} after the line's "
                f"edge, {_told(late)} later than the first sample of {latest!r}, and a frame has "
                f"{_told(free)} ({FREE_POINTS} points) of free time there; {mend}have a [[delay]] "
                f"trigger what plays, too, at least {_told(more)} later",
            )


def _early(
    parts: Parts,
    first: float,
    point: float,
    dwell: float,
    readouts: dict[str, ReadFacts],
) -> Iterator[Finding]:
    """Find readouts that fill their memory before there is anything to read."""
    arrives = arrivals(parts.timed_delays.values())
    for name, facts in readouts.items():
        before = early_points(first, arrives.get(name, 0.0), point)
        least = (HEADER + 1 + TAIL) * round(dwell / point) + SLACK_POINTS
        if before and facts.most_points(point) < before + least:
            yield Finding(
                "delay",
                f"{name!r} records {facts.most_points(point)} points, {before} of them before the "
                f"first sample, and a frame needs {least}: trigger it by a [[delay]], too, later "
                f"by {_told(before * point)}",
            )


def _told(seconds: float) -> str:
    return si(seconds, "s", 9)
