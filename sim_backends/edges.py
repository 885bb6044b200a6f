"""Trigger edges that come at whole periods."""

from __future__ import annotations

import math


def next_periodic(after: float, period: float, shift: float = 0.0) -> float:
    """The first time later than `after` that is `shift` s past a whole period, all in s.

    Always later, whatever is lost in rounding: who takes one edge after the other gets on.
    """
    count = math.floor((after - shift) / period) + 1
    edge = count * period + shift
    return edge if edge > after else (count + 1) * period + shift
