"""Rows of numbers in a SCPI reply, with what stands for infinity and for no number."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

INFINITY = 9.9e37
NOT_A_NUMBER = 9.91e37
"""What SCPI-99 (volume 1, 7.2.1.4 and 7.2.1.5) sends for infinity and for no number."""
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)


def read_numbers(text: str, columns: int) -> NDArray[np.float64]:
    """Numbers between commas as an array (rows, columns); SCPI's 9.9E37 as inf, 9.91E37 as NaN.

    Raises `ValueError` for what is no number, or no whole number of rows.
    """
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if not _NUMBER.fullmatch(word):
            raise ValueError(f"{word!r} is no number")
    if len(words) % columns:
        raise ValueError(f"{len(words)} numbers are no whole rows of {columns}")
    return special_values(np.array([float(word) for word in words])).reshape(-1, columns)


def special_values(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same numbers, what stands for infinity and for no number replaced."""
    values = values.astype(np.float64)
    close = np.abs(np.abs(values) - INFINITY) <= 1e-4 * INFINITY
    missing = np.abs(values - NOT_A_NUMBER) <= 1e-4 * NOT_A_NUMBER
    values[close] = np.copysign(np.inf, values[close])
    values[missing] = np.nan
    return values
