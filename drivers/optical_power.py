"""Optical power in W and in dBm."""

from __future__ import annotations

import math


def watts_of(dbm: float) -> float:
    """The power in W of a level in dBm."""
    return 1e-3 * 10.0 ** (dbm / 10.0)


def dbm_of(watts: float) -> float:
    """The level in dBm of a power in W; minus infinity for none."""
    return 10.0 * math.log10(watts / 1e-3) if watts > 0.0 else -math.inf
