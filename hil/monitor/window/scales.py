"""Ends of axes and colours that stay while data move a little: new ticks are dear to paint."""

from __future__ import annotations

import math

#: Ends that an axis may have, within a decade.
ENDS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def steady(value: float) -> float:
    """The least end of an axis that is not below a value; 1 for what is no positive number."""
    if not (math.isfinite(value) and value > 0.0):
        return 1.0
    decade = 10.0 ** math.floor(math.log10(value))
    return next((end * decade for end in ENDS if end * decade >= value), 10.0 * decade)


def steady_span(low: float, high: float) -> tuple[float, float]:
    """A span around another, whose ends are multiples of half a decade of its width."""
    width = high - low
    if not (math.isfinite(width) and width > 0.0):
        return low, low + (abs(low) * 1e-3 or 1.0)
    step = 0.5 * 10.0 ** math.floor(math.log10(width))
    return step * math.floor(low / step), step * math.ceil(high / step)
