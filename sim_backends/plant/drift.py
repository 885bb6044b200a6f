"""Drift, slow (Ornstein-Uhlenbeck) or sudden; it depends on a seed and on bench time alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sim_backends.plant.signals import Floats

#: Steps of the time grid in one correlation time; between them the drift is interpolated.
STEPS_PER_TAU = 64
#: Correlation times after which a start is forgotten: e^-40 is below double precision.
_ERA = 40


class OrnsteinUhlenbeck:
    """`size` independent processes of unit stationary variance, zero at t = 0.

    x(t + d) = a x(t) + sqrt(1 - a^2) z with a = e^(-d / tau), on a fixed grid of tau / 64. The
    numbers z are drawn by block of one tau, from the seed and the block's own number. A block's
    first value follows from the blocks of its own era of 40 tau and of the era before, further
    ones being forgotten to double precision. So any time can be asked in any order, at bounded
    cost, always with the same answer.
    """

    def __init__(self, seed: Sequence[int], size: int, tau: float) -> None:
        self._seed = tuple(seed)
        self._size = size
        self._step = tau / STEPS_PER_TAU
        self._decay = math.exp(-1.0 / STEPS_PER_TAU)
        self._kick = math.sqrt(1.0 - self._decay**2)
        self._block_number = -1
        self._block = np.zeros((STEPS_PER_TAU + 1, size))
        self._era_number = -1
        self._era_start = np.zeros(size)

    def at(self, time: float) -> Floats:
        """Values at a time in s, (size,); zero before t = 0."""
        if time <= 0.0:
            return np.zeros(self._size)
        place = time / self._step
        block, within = divmod(place, STEPS_PER_TAU)
        self._go_to(int(block))
        index = min(int(within), STEPS_PER_TAU - 1)
        share = within - index
        return (1.0 - share) * self._block[index] + share * self._block[index + 1]

    def _go_to(self, number: int) -> None:
        if number == self._block_number:
            return
        era = number // _ERA
        if 0 <= self._block_number < number and self._block_number // _ERA == era:
            first, start = self._block_number + 1, self._block[-1]
        else:
            first, start = era * _ERA, self._start_of(era)
        for index in range(first, number + 1):
            self._block = self._walk(index, start)
            start = self._block[-1]
        self._block_number = number

    def _start_of(self, era: int) -> Floats:
        if era != self._era_number:
            start = np.zeros(self._size)
            if era > 0:
                for index in range((era - 1) * _ERA, era * _ERA):
                    start = self._walk(index, start)[-1]
            self._era_number, self._era_start = era, start
        return self._era_start

    def _walk(self, number: int, start: Floats) -> Floats:
        """The grid values of a block, (STEPS_PER_TAU + 1, size), the first being `start`."""
        stream = np.random.default_rng(np.random.SeedSequence([*self._seed, number]))
        values = np.empty((STEPS_PER_TAU + 1, self._size))
        values[0] = start
        values[1:] = self._kick * stream.standard_normal((STEPS_PER_TAU, self._size))
        for index in range(STEPS_PER_TAU):
            values[index + 1] += self._decay * values[index]
        return values


class HeaterDrift:
    """Drift of the phases of one bank, (elements,) rad: a common part and one part a heater."""

    def __init__(
        self, seed: Sequence[int], elements: int, rms: float, tau: float, common: float
    ) -> None:
        self._rms = rms
        self._common = common
        self._own = math.sqrt(1.0 - common**2)
        self._process = OrnsteinUhlenbeck(seed, elements + 1, tau)

    def at(self, time: float) -> Floats:
        """Phases in rad at a bench time in s, (elements,)."""
        values = self._process.at(time)
        return self._rms * (self._own * values[1:] + self._common * values[0])


class DriftStep:
    """A step of the phases of one bank, (elements,) rad, that happens at once and stays.

    A common part and one part a heater, as `HeaterDrift`; the seed draws both.
    """

    def __init__(
        self, seed: Sequence[int], elements: int, rms: float, time: float, common: float
    ) -> None:
        self._time = time
        draw = np.random.default_rng(np.random.SeedSequence(list(seed)))
        values = draw.standard_normal(elements + 1)
        self._size = rms * (math.sqrt(1.0 - common**2) * values[1:] + common * values[0])

    def at(self, time: float) -> Floats:
        """Phases in rad at a bench time in s, (elements,)."""
        return self._size if time >= self._time else np.zeros_like(self._size)

    def between(self, start: float, end: float) -> bool:
        """Whether phases differ between two bench times by the step."""
        return (start < self._time) != (end < self._time) and bool(self._size.any())
