"""The state that a channel is brought to before it plays frames, and what is read back of it."""

from __future__ import annotations

from drivers.keysight_33600a import settings
from drivers.keysight_33600a.scale import Scale
from drivers.quantity import Quantity, Value

AGREEMENT = 1e-4
"""Relative difference by which a voltage read back may differ from what was set: 4 digits."""


def preparation(scale: Scale) -> tuple[tuple[Quantity, Value], ...]:
    """What is set, in this order, once trigger, burst, unit and load are."""
    return (
        # An offset leaves room for some amplitudes only, and the other way about.
        (settings.OFFSET, 0.0), (settings.FUNCTION, "SIN"),
        (settings.AMPLITUDE, scale.amplitude), (settings.OFFSET, scale.offset),
        # Without the filter a lower rate is the highest.
        (settings.SAMPLE_RATE, 1e6), (settings.FILTER, "OFF"),
        (settings.POLARITY, "NORM"), (settings.MODE, "NORM"), (settings.ADVANCE, "SRAT"),
        (settings.BURST_MODE, "TRIG"), (settings.CYCLES, 1.0),
        (settings.TRIGGER_SLOPE, "POS"), (settings.TRIGGER_DELAY, 0.0),
    )  # fmt: skip


def agreement(scale: Scale) -> tuple[tuple[Quantity, float, float], ...]:
    """What is read back, the value that is due, and by how much it may differ."""
    return (
        (settings.AMPLITUDE, scale.amplitude, AGREEMENT * scale.amplitude),
        (settings.OFFSET, scale.offset, AGREEMENT * scale.amplitude),
        (settings.LOAD, scale.load, AGREEMENT * 50.0),
    )
