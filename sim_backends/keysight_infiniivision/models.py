"""What differs between the models of the family."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """Inputs; fastest rate of one input alone, Sa/s; memory in points, of one input alone."""

    inputs: int
    fastest: float
    memory: int
    segmented: bool = True
    generator: bool = False


MODELS = {
    "DSOX1102A": Model(2, 2e9, 1_000_000),
    "DSOX1102G": Model(2, 2e9, 1_000_000, generator=True),
    "DSOX1204A": Model(4, 2e9, 2_000_000),
    "DSOX1204G": Model(4, 2e9, 2_000_000, generator=True),
    "EDUX1002A": Model(2, 1e9, 100_000, segmented=False),
    "DSO-X 2024A": Model(4, 2e9, 1_000_000, generator=True),
    "MSO-X 3024A": Model(4, 4e9, 4_000_000, generator=True),
    "DSO-X 3034T": Model(4, 5e9, 4_000_000, generator=True),
    "MSO-X 4154A": Model(4, 5e9, 4_000_000, generator=True),
}
POINTS = (
    *(mantissa * 10**power for power in range(2, 7) for mantissa in (1, 2, 5)),
    *(250, 2_500, 25_000, 62_500, 8_000_000),
)
"""Numbers of points that can be asked for."""
MOST_NORMAL = 62_500
"""Points of the measurement record, which NORMal reads."""
MOST_PRECISE = 62_500
"""Points of a record of averages, or of high resolution."""


def rate_step(most: float) -> float:
    """The fastest rate of the steps 1, 2, 5 that is not above `most`."""
    power = 10.0 ** (len(f"{int(most)}") - 1) if most >= 1.0 else 1e-3
    while power * 10.0 <= most:
        power *= 10.0
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= most * (1 + 1e-9))
