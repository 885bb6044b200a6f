"""What the models of both families can do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """One model's numbers.

    `top_frequency` of a sine, Hz; `top_rate` of an arbitrary waveform, Sa/s, `unfiltered_rate`
    with the filter off; `least_points` of a waveform, `memory` in points a channel; `bits` of the
    DAC; `level` whether the trigger's threshold can be set.
    """

    name: str
    channels: int
    top_frequency: float
    top_rate: float
    unfiltered_rate: float
    least_points: int
    memory: int
    bits: int
    level: bool


def _small(name: str, channels: int, megahertz: float) -> Model:
    return Model(name, channels, megahertz * 1e6, 250e6, 160e6, 8, 1_000_000, 16, False)


def _large(name: str, channels: int, megahertz: float) -> Model:
    return Model(name, channels, megahertz * 1e6, 1e9, 1e9, 32, 4_000_000, 14, True)


MODELS = {
    model.name: model
    for model in (
        _small("33509B", 1, 20), _small("33510B", 2, 20), _small("33511B", 1, 20),
        _small("33512B", 2, 20), _small("33519B", 1, 30), _small("33520B", 2, 30),
        _small("33521A", 1, 30), _small("33522A", 2, 30), _small("33521B", 1, 30),
        _small("33522B", 2, 30), _large("33611A", 1, 80), _large("33612A", 2, 80),
        _large("33621A", 1, 120), _large("33622A", 2, 120),
    )
}  # fmt: skip
"""All models, with the memory that comes without an option."""
LARGER_MEMORY = 16
"""Times as many points with the memory option."""
