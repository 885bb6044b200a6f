"""What the terminals of a source-measure unit are joined to.

A load is its current at a voltage, rising with the voltage and zero at zero; what is driven learns
of every change, so that a plant may follow its heater.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Load(Protocol):
    """A two-terminal device."""

    def current(self, volts: float) -> float:
        """Amperes that flow at so many volts once it has settled."""
        ...

    def driven(self, volts: float) -> None:
        """From now on there are so many volts over it."""
        ...


@dataclass
class Resistor:
    """A plain resistance, ohm; infinite for an open circuit, 0 for a short."""

    ohms: float = 1000.0

    def current(self, volts: float) -> float:
        """Ohm's law; a short carries whatever the source gives at the slightest voltage."""
        if math.isinf(self.ohms):
            return 0.0
        return volts / max(self.ohms, 1e-9)

    def driven(self, volts: float) -> None:
        """Nothing follows."""


@dataclass
class Heater:
    """A heater whose resistance rises with its power P: R = R0 (1 + a P), P in W, a in 1/W.

    With P = V I this is a quadratic in I, solved for the root that is V/R0 for small V.
    """

    ohms: float = 1000.0
    per_watt: float = 2.0

    def current(self, volts: float) -> float:
        """Amperes with the heater at its steady temperature."""
        cold = volts / self.ohms
        step = 4.0 * self.per_watt * volts * cold
        return 2.0 * cold / (1.0 + math.sqrt(1.0 + step))

    def driven(self, volts: float) -> None:
        """Nothing follows: it is always at its steady temperature."""


@dataclass(frozen=True)
class OperatingPoint:
    """Where source and load meet: volts at the sense point, amperes, whether at the limit."""

    volts: float
    amperes: float
    limited: bool


def drop_over(load: Load, amperes: float, most: float) -> float:
    """Volts over `load` at which `amperes` flow, at most `most` in size, by bisection."""
    if amperes == 0.0:
        return 0.0
    sign = math.copysign(1.0, amperes)
    low, high = 0.0, most
    if abs(load.current(sign * high)) <= abs(amperes):
        return sign * high
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if abs(load.current(sign * middle)) < abs(amperes):
            low = middle
        else:
            high = middle
    return sign * high


def through(load: Load, lead_ohms: float, volts: float) -> float:
    """Amperes with `volts` over the load and its leads together, by bisection."""
    if lead_ohms == 0.0 or volts == 0.0:
        return load.current(volts)
    low, high = 0.0, 1.0
    for _ in range(200):
        part = 0.5 * (low + high)
        if part in (low, high):
            break
        if part * abs(volts) + lead_ohms * abs(load.current(part * volts)) > abs(volts):
            high = part
        else:
            low = part
    # by the drop over the leads: a short has no slope to go by
    return (1.0 - low) * volts / lead_ohms


def meet(
    load: Load, lead_ohms: float, *, sources_volts: bool, level: float, limit: float
) -> OperatingPoint:
    """Where a source of `level` (V or A) with its `limit` (A or V, its size) and a load meet.

    `lead_ohms` lie between the sense point and the load.
    """
    if sources_volts:
        amperes = through(load, lead_ohms, level)
        if abs(amperes) <= limit:
            return OperatingPoint(level, amperes, limited=False)
        held = math.copysign(limit, amperes)
        volts = drop_over(load, held, abs(level)) + lead_ohms * held
        return OperatingPoint(volts, held, limited=True)
    volts = drop_over(load, level, limit)
    short = abs(load.current(volts)) < abs(level) * (1 - 1e-12)
    if short or abs(volts + lead_ohms * level) > limit:
        volts = math.copysign(limit, level)
        return OperatingPoint(volts, through(load, lead_ohms, volts), limited=True)
    return OperatingPoint(volts + lead_ohms * level, level, limited=False)
