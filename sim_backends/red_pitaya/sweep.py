"""The sweep of an output's frequency, which a program on the box does.

From start to stop in `time_us`, linearly or in equal ratios, again and again; back again in every
other sweep with UP_DOWN (Red Pitaya's rp_sweep.cpp). The real one sets a frequency some thousand
times a second; here it moves all the time. After the last sweep the frequency stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass
class Sweep:
    """Settings of one output's sweep, and since when it goes."""

    start: float = 1000.0
    stop: float = 1000.0
    """Hz, whole ones: the program keeps them so"""
    time_us: int = 1000
    logarithmic: bool = False
    up_down: bool = False
    endless: bool = True
    count: int = 0
    on: bool = False
    since: float = 0.0
    """Bench time of the beginning of the first sweep, s"""

    def defaults(self) -> None:
        """SOUR:SWeep:DEFault: what it does not name stays."""
        self.start = self.stop = 1000.0
        self.time_us = 1000
        self.logarithmic = self.up_down = False

    @property
    def top(self) -> float:
        """Highest frequency, Hz."""
        return max(self.start, self.stop)

    @property
    def moves(self) -> bool:
        """Whether it changes anything: a finite one without a repetition does not."""
        return self.endless or self.count > 0

    def _place(self, times: Floats) -> tuple[Floats, Floats]:
        """Sweeps that have been done at bench times (n,), and the part of the present one."""
        cycles = np.maximum(times - self.since, 0.0) / (1e-6 * self.time_us)
        done = np.floor(cycles)
        if not self.endless:
            most = float(self.count * (2 if self.up_down else 1))
            ended = done >= most
            return np.where(ended, most, done), np.where(ended, 0.0, cycles - done)
        return done, cycles - done

    def frequency(self, at: float) -> float:
        """Hz at a bench time."""
        done, part = self._place(np.array([at]))
        ended = not self.endless and done[0] >= self.count * (2 if self.up_down else 1)
        part_of = (0.0 if self.up_down else 1.0) if ended else float(part[0])
        if not ended and self.up_down and int(done[0]) % 2:
            part_of = 1.0 - part_of
        if self.logarithmic:
            return self.start * (self.stop / self.start) ** part_of
        return self.start + (self.stop - self.start) * part_of

    def _turned(self, part: Floats) -> Floats:
        """Turns from the start of a sweep upwards to parts (n,) of it."""
        seconds = 1e-6 * self.time_us
        ratio = math.log(self.stop / self.start) if self.logarithmic else 0.0
        if ratio:
            return self.start * seconds * np.expm1(ratio * part) / ratio
        slope = 0.0 if self.logarithmic else self.stop - self.start
        return seconds * (self.start * part + 0.5 * slope * part**2)

    def turns(self, times: Floats) -> Floats:
        """Turns (n,) that the output has made at bench times (n,) since the sweep began."""
        done, part = self._place(times)
        whole = float(self._turned(np.ones(1))[0])
        odd = (done % 2 == 1) if self.up_down else np.zeros(done.shape, dtype=bool)
        within = np.where(odd, whole - self._turned(1.0 - part), self._turned(part))
        told = done * whole + within
        if not self.endless:
            most = self.count * (2 if self.up_down else 1)
            end = self.since + most * 1e-6 * self.time_us
            told = told + np.maximum(times - end, 0.0) * self.frequency(end + 1.0)
        return told
