"""What a Rigol tells of a waveform, and what its codes mean in volts; memory and time scales.

Source: MSO1000Z/DS1000Z programming guide, `:WAVeform:PREamble?`, `:WAVeform:DATA?`,
`:ACQuire:MDEPth`, `:TIMebase:SCALe`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers import preamble

DIVISIONS = 12
"""Of the screen, across. Depth of memory = sample rate x time scale x divisions."""
BYTE, RAW = 0, 2
"""`format` and `type` of what the driver reads: 8-bit codes of the memory."""
LONGEST_READ = 250_000
"""Points that one read of bytes gives at most."""
DEPTHS = {
    1: (12_000, 120_000, 1_200_000, 12_000_000, 24_000_000),
    2: (6_000, 60_000, 600_000, 6_000_000, 12_000_000),
    3: (3_000, 30_000, 300_000, 3_000_000, 6_000_000),
    4: (3_000, 30_000, 300_000, 3_000_000, 6_000_000),
}
"""Depths of memory by channels in use, the one that triggers among them."""
FASTEST = {1: 1e9, 2: 500e6, 3: 250e6, 4: 250e6}
"""Sa/s by channels in use."""
TIME_SCALES = tuple(
    float(f"{mantissa}e{power}")
    for power in range(-9, 2)
    for mantissa in (1, 2, 5)
    if (power, mantissa) >= (-9, 5)
)
"""s/div: 5 ns to 50 s."""


class Preamble(preamble.Preamble):
    """What a Rigol means by it."""

    def volts(self, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Volts of codes, same shape: (code - yorigin - yreference) x yincrement."""
        return (codes.astype(np.float64) - (self.yorigin + self.yreference)) * self.yincrement


@dataclass(frozen=True)
class Timing:
    """How memory and screen are set: `depth` points, `scale` s/div, trigger after one division."""

    depth: int
    scale: float

    @property
    def offset(self) -> float:
        """Seconds from the trigger to the middle of the screen."""
        return (DIVISIONS / 2 - 1) * self.scale

    @property
    def after(self) -> int:
        """Points after the trigger."""
        return self.depth * (DIVISIONS - 1) // DIVISIONS - 1


def timings(rate: float, channels: int) -> list[Timing]:
    """All timings that sample at `rate` (1/s) with so many channels in use, shortest first."""
    if not rate <= FASTEST[channels] * (1.0 + 1e-9):
        return []
    found: list[Timing] = []
    for depth in DEPTHS[channels]:
        wanted = depth / (DIVISIONS * rate)
        near = min(TIME_SCALES, key=lambda scale: abs(scale - wanted))
        if abs(near - wanted) <= 1e-6 * wanted:
            found.append(Timing(depth, near))
    return found


def rates_near(rate: float, channels: int) -> tuple[float, ...]:
    """The next rates below and above `rate` that can be had."""
    rates = sorted(
        {depth / (DIVISIONS * scale) for depth in DEPTHS[channels] for scale in TIME_SCALES}
    )
    rates = [one for one in rates if one <= FASTEST[channels] * (1.0 + 1e-9)]
    below = [one for one in rates if one <= rate][-1:]
    above = [one for one in rates if one > rate][:1]
    return (*below, *above)
