"""What the pattern generator plays, and what its lines do in time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FOREVER = -1
_TICK = 1e-9
STEP = np.dtype([("duration", "<u4"), ("mask", "u1"), ("analog0", "<i2"), ("analog1", "<i2")])
"""One step on the wire: `<IBhh` (Pulse Streamer client 2.1.2, enc_binary)."""


ANALOG_FULL = 0x7FFF
"""The analogue word of 1 V."""


@dataclass(frozen=True)
class OutputState:
    """What the outputs are at: the digital mask, and the words of both analogue ones."""

    mask: int = 0
    analog0: int = 0
    analog1: int = 0

    @property
    def volts(self) -> tuple[float, float]:
        """The analogue outputs, V."""
        return self.analog0 / ANALOG_FULL, self.analog1 / ANALOG_FULL


@dataclass(frozen=True, eq=False)
class Program:
    """Steps of a pattern: durations (steps,) in ns, digital masks (steps,), and the words of the
    analogue outputs (steps, 2), which are at 0 where they are not given.
    """

    durations: NDArray[np.int64]
    masks: NDArray[np.uint8]
    analog: NDArray[np.int16] | None = None

    @classmethod
    def from_wire(cls, data: bytes) -> Program:
        """From packed 9-byte steps; steps of no duration play no part."""
        steps = np.frombuffer(data, STEP)
        steps = steps[steps["duration"] > 0]
        analog = np.stack([steps["analog0"], steps["analog1"]], axis=1)
        return cls(
            steps["duration"].astype(np.int64),
            steps["mask"].copy(),
            analog.astype(np.int16) if analog.any() else None,
        )

    @cached_property
    def edges(self) -> dict[tuple[int, bool, int, int], tuple[list[int], list[int], bool]]:
        """What `Playback` has worked out about the edges of lines."""
        return {}

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Time from the start of a run to the end of each step, ns (steps,)."""
        return np.cumsum(self.durations)

    @cached_property
    def period(self) -> int:
        """Length of one run, ns."""
        return int(self.ends[-1]) if self.ends.size else 0


@dataclass(frozen=True, eq=False)
class Playback:
    """A program as played from bench time `start` (s), `runs` times or FOREVER, then `final` held.

    `before` is the mask up to the start. A constant state is a playback of an empty program.
    """

    start: float
    program: Program
    runs: int
    before: int
    final: int
    analog: tuple[OutputState, OutputState] = (OutputState(), OutputState())
    """States up to the start and held at the end, for their analogue words."""

    @classmethod
    def of(
        cls, start: float, program: Program, runs: int, before: OutputState, final: OutputState
    ) -> Playback:
        """With states of all outputs."""
        return cls(start, program, runs, before.mask, final.mask, (before, final))

    @classmethod
    def holding(cls, state: OutputState, before: OutputState, at: float) -> Playback:
        """All outputs set to `state` at bench time `at` (s)."""
        empty = Program(np.zeros(0, np.int64), np.zeros(0, np.uint8))
        return cls.of(at, empty, 0, before, state)

    @classmethod
    def constant(cls, mask: int, before: int, at: float) -> Playback:
        """The lines set to `mask` at bench time `at` (s)."""
        empty = Program(np.zeros(0, np.int64), np.zeros(0, np.uint8))
        return cls(at, empty, 0, before, mask)

    @cached_property
    def length(self) -> float:
        """From the start to the final state, s (infinite if played forever)."""
        if self.program.period == 0:
            return 0.0
        return math.inf if self.runs < 0 else self.runs * self.program.period * _TICK

    @property
    def end(self) -> float:
        """Bench time at which the final state is reached, s."""
        return self.start + self.length

    def mask_at(self, when: float) -> int:
        """The lines at bench time `when` (s)."""
        if when < self.start:
            return self.before
        if when >= self.end:
            return self.final
        return int(self.program.masks[self._step_at(when)])

    def state_at(self, when: float) -> OutputState:
        """All outputs at bench time `when` (s)."""
        mask = self.mask_at(when)
        if when < self.start or when >= self.end:
            held = self.analog[when >= self.end]
            return OutputState(mask, held.analog0, held.analog1)
        if self.program.analog is None:
            return OutputState(mask)
        return OutputState(mask, *map(int, self.program.analog[self._step_at(when)]))

    def _step_at(self, when: float) -> int:
        phase = math.floor((when - self.start) / _TICK + 1e-6) % self.program.period
        return int(np.searchsorted(self.program.ends, phase, side="right"))

    def transitions(
        self, begin: float, end: float
    ) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Edges within begin..end and the masks between them.

        Both bounds and the edge times are s from the start; times (edges,) ascend, masks (edges +
        1,), the first of which holds before the first edge.
        """
        period, ends = self.program.period, self.program.ends
        if period == 0:
            times, masks = np.zeros(1), np.array([self.final], np.uint8)
        else:
            last_run = self.runs - 1 if self.runs >= 0 else math.inf
            first = max(0, math.floor(begin / (period * _TICK)))
            last = max(0, math.floor(min(end, self.length) / (period * _TICK)))
            first, last = int(min(first, last_run)), int(min(last, last_run))
            starts = np.concatenate([[0], ends[:-1]])
            runs = np.arange(first, last + 1)[:, None] * period
            times = (runs + starts).ravel() * _TICK
            masks = np.tile(self.program.masks, last - first + 1)
            if last == last_run:
                times = np.append(times, self.length)
                masks = np.append(masks, np.uint8(self.final))
        inside = (times >= begin) & (times <= end)
        lead = self.mask_at(self.start + begin - 0.5 * _TICK)
        held = np.concatenate([np.array([lead], np.uint8), masks[inside]])
        changes = held[1:] != held[:-1]
        chosen = np.asarray(times[inside][changes], np.float64)
        return chosen, held[np.concatenate([[True], changes])]

    def next_edge(self, line: int, after: float, rising: bool) -> float | None:
        """Bench time (s) of the first edge of `line` later than `after`, or None."""
        if after >= self.end:
            return None
        for offset in self._edges(line, rising, (after - self.start) / _TICK):
            edge = self.start + offset * _TICK
            if edge > after:
                return edge
        return None

    def _edges(self, line: int, rising: bool, position: float) -> Iterator[int]:
        """Edges of a line in ns from the start, from no later than `position` on."""
        first, again, closing = self._line_edges(line, rising)
        period = self.program.period
        if period == 0:
            if closing:
                yield 0
            return
        # One run earlier, for rounding; three runs without an edge mean that none ever comes.
        run = max(0, int(position // period) - 1)
        stop = run + 4 if self.runs < 0 else min(self.runs, run + 4)
        for index in range(run, stop):
            for offset in first if index == 0 else again:
                yield index * period + offset
        if self.runs >= 0 and closing:
            yield self.runs * period

    def _line_edges(self, line: int, rising: bool) -> tuple[list[int], list[int], bool]:
        """Edge offsets in the first run, in later runs, and whether the final state brings one."""
        before, final = (self.before >> line) & 1, (self.final >> line) & 1
        key = (line, rising, before, final)
        # Kept with the program: the same one is played again and again.
        known = self.program.edges.get(key)
        if known is None:
            bits = (self.program.masks >> line) & 1
            wanted = 1 if rising else 0
            starts = np.concatenate([[0], self.program.ends[:-1]]) if bits.size else np.zeros(0)
            lists = []
            last = int(bits[-1]) if bits.size else before
            for previous in (before, last):
                earlier = np.concatenate([[previous], bits[:-1]]) if bits.size else bits
                lists.append([int(t) for t in starts[(bits == wanted) & (earlier != wanted)]])
            known = (lists[0], lists[1], final == wanted and last != wanted)
            self.program.edges[key] = known
        return known
