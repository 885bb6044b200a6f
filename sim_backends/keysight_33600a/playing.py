"""What one channel plays, as a function of time.

A run is a head played once and a tail repeated for ever, in units of full scale: a continuous
waveform is a tail only, a burst a head with its first point as tail, a sequence a head up to the
segment that waits, and what it does while it waits as tail. Runs follow each other; the latest that
has begun is heard.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .sequence import Sequence

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
NOTHING: Floats = np.empty(0)
_MOST_POINTS = 1 << 24
_KEPT = 16
_SLACK = 1e-6
"""Part of a point by which a time may lie before a point and still count to it: rounding."""


@dataclass(frozen=True, eq=False)
class Track:
    """Points in units of full scale, and the marker's level with each."""

    values: Floats
    marks: Bools

    @staticmethod
    def of(values: Floats, high: bool = False) -> Track:
        """Points with the marker low (high) throughout."""
        return Track(values, np.full(values.size, high))

    @staticmethod
    def join(parts: list[Track]) -> Track:
        """One after the other."""
        if len(parts) == 1:
            return parts[0]
        return Track(
            np.concatenate([NOTHING, *(part.values for part in parts)]),
            np.concatenate([np.empty(0, bool), *(part.marks for part in parts)]),
        )

    def times(self, count: int) -> Track:
        """Repeated; no longer than what memory can hold here."""
        count = max(0, min(count, _MOST_POINTS // max(1, self.values.size)))
        return Track(np.tile(self.values, count), np.tile(self.marks, count))


@dataclass(frozen=True, eq=False)
class Run:
    """What begins at bench time `start` (s), each point held for `dwell` s.

    `resume` is the segment of the sequence that a trigger leads on to, None if none does.
    """

    start: float
    dwell: float
    head: Track
    tail: Track
    resume: int | None = None

    @property
    def head_end(self) -> float:
        """Bench time of the end of the head, s."""
        return self.start + self.dwell * self.head.values.size

    def next_boundary(self, after: float) -> float:
        """Bench time at or after `after` at which the head or a repetition of the tail ends."""
        if after <= self.head_end:
            return self.head_end
        lap = self.dwell * self.tail.values.size
        return self.head_end + math.ceil((after - self.head_end) / lap - 1e-9) * lap

    def at(self, times: Floats) -> tuple[Floats, Bools]:
        """Points and marker at bench times (n,), none before the start."""
        index = np.floor((times - self.start) / self.dwell + _SLACK).astype(np.int64)
        size = self.head.values.size
        inside = index < size
        wrapped = (index - size) % self.tail.values.size
        if not size:
            return self.tail.values[wrapped], self.tail.marks[wrapped]
        first = np.clip(index, 0, size - 1)
        return (
            np.where(inside, self.head.values[first], self.tail.values[wrapped]),
            np.where(inside, self.head.marks[first], self.tail.marks[wrapped]),
        )


class Player:
    """The runs of one channel."""

    def __init__(self) -> None:
        self._runs: deque[Run] = deque(maxlen=_KEPT)

    def stop(self) -> None:
        """Nothing is played."""
        self._runs.clear()

    def begin(self, run: Run) -> None:
        """Forget what was, and play this."""
        self._runs.clear()
        self._runs.append(run)

    def follow(self, run: Run) -> None:
        """Play this next."""
        self._runs.append(run)

    @property
    def last(self) -> Run | None:
        """The latest run, begun or not."""
        return self._runs[-1] if self._runs else None

    def until(self, end: float) -> list[Run]:
        """Runs that begin at or before `end`, in order."""
        return [run for run in self._runs if run.start <= end]

    def at(self, times: Floats) -> tuple[Floats, Bools]:
        """Points (n,) in units of full scale and the marker (n,) at bench times; 0 with no run."""
        values = np.zeros(times.shape)
        marks = np.zeros(times.shape, bool)
        for run in self._runs:
            heard = times >= run.start - _SLACK * run.dwell
            if heard.any():
                values[heard], marks[heard] = run.at(times[heard])
        return values, marks


def walk(
    sequence: Sequence,
    at: int,
    level: bool,
    points: Callable[[str], Floats],
    waits: bool,
) -> tuple[Track, Track, int | None]:
    """Head, tail and where a trigger leads on, playing a sequence from segment `at` on.

    `level` is the marker's; with `waits` False no segment waits (an immediate trigger).
    """
    steps = sequence.steps
    parts: list[Track] = []
    for count in range(len(steps)):
        index = (at + count) % len(steps)
        step = steps[index]
        values = points(step.arb)
        marks = np.full(values.size, level)
        if step.marker != "maintain":
            marks[:] = step.marker != "lowAtStart"
            if step.marker == "highAtStartGoLow":
                marks[step.point :] = False
        level = bool(marks[-1])
        segment = Track(values, marks)
        following = (index + 1) % len(steps)
        if step.play == "repeatInf":
            return Track.join(parts or [Track.of(NOTHING)]), segment, None
        if step.play == "repeatTilTrig" and waits:
            return Track.join(parts or [Track.of(NOTHING)]), segment, following
        if step.play == "onceWaitTrig" and waits:
            held = Track.of(values[-1:], level)
            return Track.join([*parts, segment]), held, following
        parts.append(segment.times(step.repeats) if step.play == "repeat" else segment)
    lap = Track.join(parts)
    if not lap.values.size:
        lap = Track.of(np.zeros(1))
    return Track.of(NOTHING), lap, None
