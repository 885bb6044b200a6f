"""What differs between the models of the family."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """Inputs, whether there is an external trigger input, outputs of a generator."""

    inputs: int
    external: bool = False
    outputs: int = 0


MODELS = {
    "DS1054Z": Model(4),
    "DS1074Z": Model(4),
    "DS1104Z": Model(4),
    "DS1074Z Plus": Model(4),
    "DS1104Z Plus": Model(4),
    "DS1074Z-S Plus": Model(4, outputs=2),
    "DS1104Z-S Plus": Model(4, outputs=2),
    "MSO1074Z": Model(4),
    "MSO1104Z": Model(4),
    "MSO1104Z-S": Model(4, outputs=2),
    "DS1102Z-E": Model(2, external=True),
    "DS1202Z-E": Model(2, external=True),
}
FASTEST = {0: 1e9, 1: 1e9, 2: 500e6, 3: 250e6, 4: 250e6}
"""Sa/s by inputs in use."""
DEPTHS = {
    1: (12_000, 120_000, 1_200_000, 12_000_000, 24_000_000),
    2: (6_000, 60_000, 600_000, 6_000_000, 12_000_000),
    3: (3_000, 30_000, 300_000, 3_000_000, 6_000_000),
    4: (3_000, 30_000, 300_000, 3_000_000, 6_000_000),
}
"""Memory depths that can be set, points, by inputs in use."""
DIVISIONS = 12
"""Of the screen, across."""
SCREEN_POINTS = 1200
SCALES = tuple(
    float(f"{mantissa}e{power}")
    for power in range(-9, 2)
    for mantissa in (1, 2, 5)
    if 5e-9 <= float(f"{mantissa}e{power}") <= 50.0
)
"""Time scales, s/div."""
