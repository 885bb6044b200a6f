"""What an InfiniiVision tells of a waveform, and what its codes mean in volts.

Source: Keysight's programmer's guides of the InfiniiVision X-Series, `:WAVeform:PREamble?` and
`:WAVeform:DATA?`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers import preamble

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


class Preamble(preamble.Preamble):
    """What an InfiniiVision means by it."""

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


def record_points(points: int) -> int:
    """The smallest record with so many points after its trigger. Raises `ValueError`."""
    for record in POINTS:
        if after(record) >= points:
            return record
    raise ValueError(f"{points} points after the trigger are more than {after(POINTS[-1])}")


def after(record: int) -> int:
    """Points after the trigger of a record, one spared for where the trigger falls."""
    return round(record * (1.0 - BEFORE)) - 1
