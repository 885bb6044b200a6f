"""The ten numbers that tell what the codes of an oscilloscope's waveform mean.

Rigol's DS1000Z and Keysight's InfiniiVision give the same ten in the same order; their formulas for
volts differ, so each has its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Preamble:
    """The ten numbers of `:WAVeform:PREamble?`."""

    format: int
    type: int
    points: int
    count: int
    xincrement: float
    xorigin: float
    xreference: float
    yincrement: float
    yorigin: float
    yreference: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an answer. Raises `ValueError`."""
        fields = text.split(",")
        if len(fields) != 10:
            raise ValueError(f"a preamble has 10 fields, not {len(fields)}")
        numbers = [float(field) for field in fields]
        if not all(map(math.isfinite, numbers)):
            raise ValueError("a preamble has finite numbers")
        if any(not number.is_integer() or number < 0.0 for number in numbers[:4]):
            raise ValueError("format, type, points and count are whole numbers")
        if not (numbers[4] > 0.0 and numbers[7] > 0.0):
            raise ValueError("increments are positive")
        return cls(*(int(number) for number in numbers[:4]), *numbers[4:])

    @property
    def trigger(self) -> int:
        """Point, from 0, that is nearest to the trigger: where xorigin + i x xincrement is 0."""
        return round(self.xreference - self.xorigin / self.xincrement)
