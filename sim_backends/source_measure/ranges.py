"""Ranges of a source-measure unit with their resolution and accuracy, and what a seed makes of
them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Accuracy:
    """A converter on one range: its step, and how far it is off: part of the value plus offset."""

    step: float
    gain: float
    offset: float


@dataclass(frozen=True)
class Range:
    """One range, V or A: `full` is the largest value it takes."""

    full: float
    source: Accuracy
    measure: Accuracy


def table(
    excess: float, rows: tuple[tuple[float, float, float, float, float, float, float], ...]
) -> tuple[Range, ...]:
    """Ranges from rows of (nominal, source step, %, offset, measure step, %, offset).

    `excess` is the largest value over the nominal one.
    """
    return tuple(
        Range(
            nominal * excess,
            Accuracy(step, percent / 100, offset),
            Accuracy(measured, measured_percent / 100, measured_offset),
        )
        for nominal, step, percent, offset, measured, measured_percent, measured_offset in rows
    )


def least_range(ranges: tuple[Range, ...], value: float) -> int:
    """Index of the smallest range that takes `value`; the largest if none does."""
    size = abs(value) * (1 - 1e-9)
    return next((n for n, one in enumerate(ranges) if size <= one.full), len(ranges) - 1)


class Imperfections:
    """One unit's errors of gain and offset on every range, drawn within the accuracy of each."""

    def __init__(self, ranges: tuple[Range, ...], generator: np.random.Generator) -> None:
        self._ranges = ranges
        self._generator = generator
        self._drawn = generator.uniform(-0.5, 0.5, (len(ranges), 4))

    def sourced(self, at: int, level: float) -> float:
        """What a source that is set to `level` on range `at` really gives."""
        accuracy, (gain, offset, _, _) = self._ranges[at].source, self._drawn[at]
        if level == 0.0:
            return 0.0
        nominal = round(level / accuracy.step) * accuracy.step
        return nominal * (1 + gain * accuracy.gain) + 0.1 * offset * accuracy.offset

    def measured(self, at: int, value: float, nplc: float) -> float:
        """What is read of `value` on range `at`; infinite beyond the range and a little.

        The noise is two steps rms at one power-line cycle.
        """
        accuracy, (_, _, gain, offset) = self._ranges[at].measure, self._drawn[at]
        if abs(value) > self._ranges[at].full * 1.002:
            return math.copysign(math.inf, value)
        noise = self._generator.normal(0.0, 2 * accuracy.step / math.sqrt(nplc))
        read = value * (1 + gain * accuracy.gain) + 0.1 * offset * accuracy.offset + noise
        return round(read / accuracy.step) * accuracy.step
