"""Ratios measured again and again, with what resampling says of their median (bootstrap)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Resampled sets.
RESAMPLED = 4000


def interval(values: Floats, digits: int = 3) -> str:
    """Median of some values, with what 95 % of resampled sets say."""
    low, high = np.percentile(resampled(values), [2.5, 97.5])
    return f"{np.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def ratio(first: Floats, second: Floats) -> str:
    """The medians of two sets as a ratio, likewise."""
    low, high = np.percentile(resampled(first) / resampled(second, 1), [2.5, 97.5])
    return f"{np.median(first) / np.median(second):.3f} ({low:.3f} to {high:.3f})"


def resampled(values: Floats, seed: int = 0) -> Floats:
    """Medians of resampled sets."""
    rng = np.random.default_rng(seed)
    return np.median(rng.choice(values, (RESAMPLED, len(values))), axis=1)
