"""What a method is given, looked at before a byte leaves: counts, times, channels, levels.

A count is no bool, and 1.5 channels are no channel: cut off silently, they would be another one. A
time that is not a number never ends, and the imaginary part of a level would be lost in silence.
"""

from __future__ import annotations

import math
from numbers import Real
from operator import index
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from drivers.errors import LimitError


def is_number(value: Any) -> TypeGuard[float]:
    """True for a real number of Python's or numpy's; a bool, an array and text are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def whole_number(
    value: Any, low: int, high: int, *, instrument: str, what: str, limit: str = ""
) -> int:
    """The number, if it is a whole one from `low` to `high`; `limit` says that in other words.

    Raises `TypeError` for a bool, and for what is no whole number (1.0 is none either),
    `LimitError` out of range.
    """
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = index(value)
    except TypeError:
        if isinstance(value, float | np.floating):  # NaN and inf among them
            raise LimitError(
                instrument, what, float(value), limit or f"whole numbers, {low} to {high}"
            ) from None
        raise TypeError(f"{instrument} {what}: {value!r} is no whole number") from None
    if not low <= number <= high:
        raise LimitError(instrument, what, number, limit or f"{low} to {high}")
    return number


def real_number(
    value: Any,
    low: float,
    high: float,
    *,
    instrument: str,
    what: str,
    unit: str = "",
    limit: str = "",
) -> float:
    """The number, if it is a finite one from `low` to `high`; `limit` says that in other words.

    Raises `TypeError` for a bool, an array, and what is no number, `LimitError` out of range.
    """
    if not is_number(value):
        raise TypeError(f"{instrument} {what}: {value!r} is no number")
    if not (low <= value <= high and abs(value) < math.inf):  # NaN compares false
        limit = limit or f"{low:g} to {high:g} {unit}".rstrip()
        raise LimitError(instrument, what, value, limit, unit)
    return float(value)


def check_window(first: Any, count: Any, armed: int, *, instrument: str) -> None:
    """See that `count` points from `first` on are among those that were armed.

    Raises `TypeError` for what is no whole number, `LimitError` otherwise.
    """
    limit = f"the {armed} points that were armed"
    begin = whole_number(first, 0, armed, instrument=instrument, what="first point", limit=limit)
    size = whole_number(count, 1, armed, instrument=instrument, what="window", limit=limit)
    if begin + size > armed:
        raise LimitError(instrument, f"window from point {begin}", begin + size, limit)


def channel_numbers(channels: Any, *, instrument: str) -> NDArray[np.intp]:
    """Numbers of channels (n,). Raises `TypeError` for an array of anything but whole numbers."""
    given = np.asarray(channels)
    if given.size and not np.issubdtype(given.dtype, np.integer):
        raise TypeError(f"{instrument}: channels {channels!r} are no whole numbers")
    return given.astype(np.intp)


def real_numbers(values: Any, *, instrument: str) -> NDArray[np.float64]:
    """Levels as float64, of the shape they have. Raises `TypeError` for what is no real number."""
    given = np.asarray(values)
    if given.size and not (
        np.issubdtype(given.dtype, np.integer) or np.issubdtype(given.dtype, np.floating)
    ):
        raise TypeError(f"{instrument}: levels {values!r} are no numbers")
    return given.astype(np.float64)
