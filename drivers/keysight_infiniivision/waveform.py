"""What an InfiniiVision tells of a waveform, and what its codes mean in volts.

Source: Keysight's programmer's guides of the InfiniiVision X-Series, `:WAVeform:PREamble?` and
`:WAVeform:DATA?`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BYTE, WORD = 0, 1
"""`format` of 8-bit and of 16-bit codes."""
HOLE = 0
"""Code of a point that was not acquired."""
POINTS = (
    100, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000, 2_000_000, 4_000_000, 8_000_000,
)  # fmt: skip
"""Numbers of points that are asked for."""
BEFORE = 0.1
"""Part of a record that lies before the trigger, with the reference at the left."""


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
    def parse(cls, text: str) -> Preamble:
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

    def codes(self, block: bytes) -> NDArray[np.int64]:
        """Codes (points,) of a block, little end first, unsigned. Raises `ValueError`."""
        if self.format not in (BYTE, WORD):
            raise ValueError(f"format {self.format} is neither bytes nor words")
        width = 1 + self.format
        if len(block) != width * self.points:
            raise ValueError(f"{len(block)} bytes came for {self.points} points of {width}")
        codes = np.frombuffer(block, dtype="<u2" if self.format else np.uint8).astype(np.int64)
        if (codes == HOLE).any():
            raise ValueError("there are holes where nothing was acquired")
        return codes

    def volts(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Volts of codes, same shape: (code - yreference) x yincrement + yorigin."""
        return (codes.astype(np.float64) - self.yreference) * self.yincrement + self.yorigin

    @property
    def trigger(self) -> int:
        """Point, from 0, that is nearest to the trigger: (i - xreference) x xincrement + xorigin is
        0 there.
        """
        return round(self.xreference - self.xorigin / self.xincrement)


def record_points(points: int) -> int:
    """The smallest record with so many points after its trigger. Raises `ValueError`."""
    for record in POINTS:
        if after(record) >= points:
            return record
    raise ValueError(f"{points} points after the trigger are more than {after(POINTS[-1])}")


def after(record: int) -> int:
    """Points after the trigger of a record, one spared for where the trigger falls."""
    return round(record * (1.0 - BEFORE)) - 1
