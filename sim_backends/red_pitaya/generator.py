"""One output of the signal generator.

One period is 16384 table points at 16384 times the frequency; an arbitrary waveform of N points
wraps after N at the same point rate (Red Pitaya FPGA, red_pitaya_asg). A burst plays its cycles
once a trigger and then holds the last value; before the first trigger the initial value stands.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim_backends.plant.signals import Waveform

from .clock import BoxClock
from .sweep import Sweep

BUFFER = 16384
_FRACTION = float(1 << 32)
_MOST_POINTS = 1 << 20
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Run:
    """One burst as it was played: `values` (samples,) V each held for `dwell` s from bench time
    `start`.
    """

    start: float
    dwell: float
    values: Floats
    after: float

    @property
    def end(self) -> float:
        """Bench time of the end of the last value, s."""
        return self.start + self.dwell * self.values.size


class Output:
    """Settings of one output and what it has played."""

    def __init__(self, clock: BoxClock, bits: int | None) -> None:
        self._clock = clock
        self._bits = bits
        self.sweep = Sweep()
        self.sweeping = False
        """Whether its frequency moves now."""
        self.reset()

    def reset(self) -> None:
        """GEN:RST."""
        self.function = "SINE"
        self.frequency = 1000.0
        self.amplitude = 1.0
        self.offset = 0.0
        self.phase = 0.0
        self.duty = 0.5
        self.mode = "CONTINUOUS"
        self.cycles = 1
        self.repetitions = 1
        self.period_us = 1
        self.last_value = 0.0
        self.initial_value = 0.0
        self.source = "INT"
        self.enabled = False
        self.table: Floats = np.zeros(BUFFER)
        self._runs: deque[Run] = deque(maxlen=4)
        self._since = 0.0

    @property
    def external(self) -> bool | None:
        """Polarity of the external trigger (True rising), or None if triggered from within."""
        return {"EXT_PE": True, "EXT_NE": False}.get(self.source)

    def enable(self, on: bool, now: float) -> None:
        """Switch the output; a burst must be triggered again after it was off."""
        if on != self.enabled:
            self._runs.clear()
            self._since = now
        self.enabled = on

    def upload(self, values: Floats) -> None:
        """Fill the arbitrary table: (1..16384,) of -1..1, outside clipped as the fixed-point memory
        does.
        """
        self.table = np.minimum(np.maximum(values, -1.0), 1.0)

    def trigger(self, start: float) -> None:
        """Start a burst at bench time `start` (s), unless one is still being played."""
        if not self.enabled or self.mode != "BURST":
            return
        if self._runs and start < self._runs[-1].end:
            return
        self._runs.append(Run(start, self._dwell(), self._burst(), self._analog(self.last_value)))

    @property
    def last_run(self) -> Run | None:
        """The latest burst."""
        return self._runs[-1] if self._runs else None

    def waveform(self, origin: float, begin: float, end: float) -> Waveform:
        """What the output does in bench times begin..end (s), as times relative to `origin`."""
        if not self.enabled:
            return _constant(0.0)
        if self.mode == "BURST":
            return self._burst_waveform(origin, end)
        if self.mode == "CONTINUOUS":
            return self._continuous(origin, begin, end)
        return _constant(0.0)

    def _burst_waveform(self, origin: float, end: float) -> Waveform:
        level = self._analog(self.initial_value)
        played: Run | None = None
        for run in self._runs:
            if run.start > end:
                break
            if played is not None:
                level = played.after
            played = run
        if played is None:
            return _constant(level)
        return Waveform(played.start - origin, played.dwell, played.values, level, played.after)

    def _dwell(self) -> float:
        """Duration of a table point, s: the phase counter steps by whole 2^-32 points."""
        step = max(1.0, round(self.frequency * BUFFER * 8e-9 * _FRACTION))
        return self._clock.tick * _FRACTION / step

    def _shape(self) -> Floats:
        """Table of the chosen function, in units of the amplitude."""
        if self.function == "ARBITRARY":
            return self.table
        turn = (np.arange(BUFFER) / BUFFER + self.phase / 360.0) % 1.0
        if self.function == "SINE":
            return np.sin(2 * np.pi * turn)
        if self.function == "SQUARE":
            return np.where(turn < 0.5, 1.0, -1.0)
        if self.function == "PWM":
            return np.where(turn < self.duty, 1.0, -1.0)
        if self.function == "TRIANGLE":
            return 2.0 / np.pi * np.arcsin(np.sin(2 * np.pi * turn))
        if self.function == "SAWU":
            return turn
        if self.function == "SAWD":
            return 1.0 - turn
        return np.full(BUFFER, -1.0 if self.function == "DC_NEG" else 1.0)

    def _volts(self, shape: Floats) -> Floats:
        """Output volts of table values: scaled, clipped at full scale, on the DAC's steps."""
        volts = shape if self.amplitude == 1.0 else shape * self.amplitude
        if self.offset:
            volts = volts + self.offset
        return quantise(volts, self._bits)

    def _analog(self, value: float) -> float:
        if value == 0.0:
            return 0.0
        return float(quantise(np.array([value]), self._bits)[0])

    def _burst(self) -> Floats:
        cycle = self._volts(self._shape())
        values = cycle if self.cycles == 1 else np.tile(cycle, self.cycles)[:_MOST_POINTS]
        if self.repetitions > 1:
            idle = round(self.period_us * 1e-6 / self._dwell())
            gap = np.full(
                max(0, min(idle, _MOST_POINTS) - values.size), self._analog(self.last_value)
            )
            unit = np.concatenate([values, gap])
            many = max(1, min(self.repetitions - 1, _MOST_POINTS // max(1, unit.size)))
            values = np.concatenate([np.tile(unit, many), values])
        return values

    def _continuous(self, origin: float, begin: float, end: float) -> Waveform:
        if self.sweeping:
            return self._swept(origin, begin, end)
        volts = self._volts(self._shape())
        dwell = self._dwell()
        tick = self._clock.tick
        # A point shorter than a DAC sample is stepped over, as the counter does.
        held = dwell if dwell >= tick else tick
        first = math.floor((begin - self._since) / held)
        count = min(math.ceil((end - begin) / held) + 2, _MOST_POINTS)
        times = np.arange(first, first + count)
        index = times if dwell >= tick else np.floor(times * (tick / dwell)).astype(np.int64)
        values = volts[index % volts.size]
        start = self._since + first * held - origin
        return Waveform(start, held, values, float(values[0]), float(values[-1]))

    def _swept(self, origin: float, begin: float, end: float) -> Waveform:
        """While the frequency moves: as many values as a period has table points at the top."""
        volts = self._volts(self._shape())
        held = max(self._clock.tick, 1.0 / (BUFFER * self.sweep.top))
        count = min(math.ceil((end - begin) / held) + 2, _MOST_POINTS)
        times = begin + held * np.arange(count, dtype=np.float64)
        places = np.floor(self.sweep.turns(times) * BUFFER).astype(np.int64)
        values = volts[places % volts.size]
        return Waveform(begin - origin, held, values, float(values[0]), float(values[-1]))


def _constant(level: float) -> Waveform:
    return Waveform(0.0, 1.0, np.array([level]), level, level)


def quantise(volts: Floats, bits: int | None) -> Floats:
    """Volts on the steps of a converter of +-1 V and `bits` bits, clipped; None only clips."""
    if bits is None:
        return np.minimum(np.maximum(volts, -1.0), 1.0)
    half = float(1 << (bits - 1))
    codes = np.rint(volts * half)
    np.minimum(codes, half - 1.0, out=codes)
    np.maximum(codes, -half, out=codes)
    codes /= half
    return codes
