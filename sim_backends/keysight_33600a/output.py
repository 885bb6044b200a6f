"""One output: its level, what it plays, when it starts, and the volts that come of it."""

from __future__ import annotations

import math

import numpy as np

from sim_backends.plant.signals import Waveform

from .level import Level
from .memory import FULL_SCALE
from .models import Model
from .modulation import Modulated
from .playing import NOTHING, Bools, Floats, Player, Run, Track, walk
from .sequence import Sequence

TABLE = 4096
"""Points of one period of the functions that are no arbitrary waveforms."""
STEPS = 64
"""Of a period, in which a modulated carrier is told."""
_MOST_POINTS = 1 << 22


class Output:
    """One channel. What it is set to comes in by `configure`; what it is worth in volts here.

    `attached` is the resistance (ohm) that is really at the connector.
    """

    def __init__(self, model: Model, attached: float = 50.0) -> None:
        self.model = model
        self.attached = attached
        self.level = Level()
        self.player = Player()
        self.enabled = False
        self.inverted = False
        self.stalled = False
        """PHASe:SYNChronize has stopped it (until a waveform is chosen or the output switched)."""
        self.dead = False
        """It plays, and nothing comes out."""
        self.law: Modulated | None = None
        """What comes out instead of what is played, where that is modulated or swept."""
        self._finest = 1e-9
        """s of the shortest step that a modulated output is told in"""
        self._lap: Floats = np.zeros(1)
        self._dwell = 1.0
        self._cycles = 0.0
        self._point = 0

    # -- starting and triggering ------------------------------------------------------------------

    def continuous(self, lap: Floats, dwell: float, now: float) -> None:
        """Repeat `lap` (points,) from now on."""
        half = np.arange(lap.size) < (lap.size + 1) // 2
        self.player.begin(Run(now, dwell, Track.of(NOTHING), Track(lap, half)))

    def periodic(self, lap: Floats, dwell: float, cycles: float, period: float, now: float) -> None:
        """Bursts of `cycles` laps every `period` s from now on."""
        burst = self._burst(lap, cycles)
        rest = max(0, min(_MOST_POINTS, round(period / dwell)) - burst.values.size)
        whole = Track.join([burst, Track.of(np.full(rest, lap[0]))])
        self.player.begin(Run(now, dwell, Track.of(NOTHING), whole))

    def ready(self, lap: Floats, dwell: float, cycles: float, now: float) -> None:
        """Rest at the first point of `lap`, to burst at each trigger."""
        self._lap, self._dwell, self._cycles, self._point = lap, dwell, cycles, 0
        self.player.begin(Run(now, dwell, Track.of(NOTHING), Track.of(lap[:1])))

    def burst(self, start: float) -> None:
        """A triggered burst begins at bench time `start`, unless one is still being played."""
        last = self.player.last
        if last is None or start < last.head_end or last.tail.values.size > 1:
            return
        head, tail = self._burst(self._lap, self._cycles), Track.of(self._lap[:1])
        if math.isinf(self._cycles):
            head, tail = Track.of(NOTHING), Track.of(self._lap, high=True)
        self.player.follow(Run(start, self._dwell, head, tail))

    def step(self, start: float) -> None:
        """Go on by one point of what is ready, and hold it."""
        self._point = (self._point + 1) % self._lap.size
        held = Track.of(self._lap[self._point : self._point + 1])
        self.player.follow(Run(start, self._dwell, Track.of(NOTHING), held))

    def gate(self, start: float, opens: bool) -> None:
        """The gate opens or closes; a cycle that has begun is played to its end."""
        last = self.player.last
        if last is None:
            return
        gated = last.tail.values.size > 1
        if opens and start >= last.head_end and not gated:
            tail = Track.of(self._lap, high=True)
            self.player.follow(Run(start, self._dwell, Track.of(NOTHING), tail))
        elif not opens and gated:
            end = last.next_boundary(start)
            self.player.follow(Run(end, self._dwell, Track.of(NOTHING), Track.of(self._lap[:1])))

    def run_sequence(
        self, sequence: Sequence, points: dict[str, Floats], dwell: float, waits: bool, now: float
    ) -> None:
        """Play a sequence from its first segment on."""
        self._dwell = dwell
        head, tail, resume = walk(sequence, 0, False, points.__getitem__, waits)
        self.player.begin(Run(now, dwell, head, tail, resume))

    def advance_sequence(self, sequence: Sequence, points: dict[str, Floats], start: float) -> None:
        """A trigger for the segment that waits; one that comes earlier is lost."""
        last = self.player.last
        if last is None or last.resume is None or start < last.head_end:
            return
        repeats = last.tail.values.size > 1
        begin = last.next_boundary(start) if repeats else start
        level = bool(last.tail.marks[-1])
        head, tail, resume = walk(sequence, last.resume, level, points.__getitem__, True)
        self.player.follow(Run(begin, last.dwell, head, tail, resume))

    def _burst(self, lap: Floats, cycles: float) -> Track:
        most = max(1, _MOST_POINTS // lap.size)
        return Track.of(lap, high=True).times(int(min(cycles, most)))

    # -- what comes out ---------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether anything but 0 V comes out."""
        running = self.enabled and not self.stalled and self.player.last is not None
        return running and not self.dead

    def volts(self, values: Floats) -> Floats:
        """Volts at the connector of points in units of full scale, by way of the DAC."""
        grid = float(1 << (16 - self.model.bits))
        codes = np.rint(values * (FULL_SCALE / grid)) * grid
        top = 32768.0 - grid
        shape = np.minimum(np.maximum(codes, -32768.0), top) / FULL_SCALE
        if self.inverted:
            shape = -shape
        emf = self.level.emf_offset + 0.5 * self.level.emf_pp * shape
        if math.isinf(self.attached):
            return emf
        return emf * (self.attached / (self.attached + 50.0))

    def at(self, times: Floats) -> Floats:
        """Volts (n,) at the connector at bench times (n,)."""
        if not self.playing:
            return np.zeros(times.shape)
        if self.law is not None:
            return self.volts(self.law.at(times))
        return self.volts(self.player.at(times)[0])

    def marker(self, times: Floats) -> Bools:
        """The channel's sync signal (n,) at bench times (n,): bursts high while they are played,
        sequences by their markers, anything else high for the first half of its period.
        """
        if not self.playing:
            return np.zeros(times.shape, bool)
        return self.player.at(times)[1]

    def waveform(self, origin: float, begin: float, end: float) -> Waveform:
        """What comes out in bench times begin..end (s), as times relative to `origin`.

        Of several runs in that time only the last is told, with the level before it.
        """
        if not self.playing:
            return Waveform(0.0, 1.0, np.zeros(1), 0.0, 0.0)
        if self.law is not None:
            return self._modulated(self.law, origin, begin, end)
        runs = self.player.until(end)
        if not runs:
            return Waveform(0.0, 1.0, np.zeros(1), 0.0, 0.0)
        run = runs[-1]
        first = 0
        if not run.head.values.size and run.tail.values.size > 1:
            first = max(0, math.floor((begin - run.start) / run.dwell))
        count = run.head.values.size
        if run.tail.values.size > 1:
            count = max(count, math.ceil((end - run.start) / run.dwell) + 2 - first)
        count = max(1, min(count, _MOST_POINTS))
        start = run.start + first * run.dwell
        times = start + run.dwell * (np.arange(count, dtype=np.float64) + 0.5)
        found, _ = run.at(times)
        before = runs[-2] if len(runs) > 1 else run
        edges, _ = before.at(np.array([run.start - 0.5 * run.dwell]))
        if before is run:
            edges = found[:1]
        levels = self.volts(np.concatenate([edges, found, self._after(run, found)]))
        return Waveform(
            start - origin, run.dwell, levels[1:-1], float(levels[0]), float(levels[-1])
        )

    def _modulated(self, law: Modulated, origin: float, begin: float, end: float) -> Waveform:
        """In steps of a 64th of the carrier's shortest period; of a point of an arbitrary one."""
        dwell = max(1.0 / (STEPS * law.top), self._finest, (end - begin) / _MOST_POINTS)
        count = max(1, math.ceil((end - begin) / dwell) + 1)
        times = begin + dwell * (np.arange(count, dtype=np.float64) + 0.5)
        levels = self.volts(law.at(times))
        return Waveform(begin - origin, dwell, levels, float(levels[0]), float(levels[-1]))

    @staticmethod
    def _after(run: Run, found: Floats) -> Floats:
        return run.tail.values if run.tail.values.size == 1 else found[-1:]
