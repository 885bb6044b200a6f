"""Whether the outputs of a Qontrol chain still give what they were set to.

A module that has lost its supply keeps its port, which the computer powers, and answers as before:
its outputs alone show it. One output that reads otherwise is stuck or dead, which is for a check of
the bench to find; a module whose outputs are all low has lost its power.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers.protocol.qontrol import WORD_MAX

DRIVEN = 0.5
"""V, from which what an output is set to tells it from one at rest."""
LOW = 0.5
"""Share of what was set below which an output is low, whatever its calibration."""
LEAST = 2
"""Outputs that must be low together: one alone may be dead."""


def driven(words: NDArray[np.int64], v_full: float) -> NDArray[np.float64]:
    """The volts (channels,) that are asked of the outputs; NaN where it is little or not known."""
    volts = words * (v_full / WORD_MAX)
    return np.where(volts >= DRIVEN, volts, np.nan)


def next_one(asked: NDArray[np.float64], turn: int, per_module: int) -> int | None:
    """The driven channel to look at in this turn, modules one after the other; None: there is
    none.
    """
    channels = np.flatnonzero(~np.isnan(asked))
    if not channels.size:
        return None
    order = np.lexsort((channels // per_module, channels % per_module))
    return int(channels[order[turn % channels.size]])


def is_low(asked: float, measured: float) -> bool:
    """Whether an output gives much less than was asked for."""
    return measured < LOW * asked


def lost(
    asked: NDArray[np.float64], measured: NDArray[np.float64], per_module: int
) -> NDArray[np.intp]:
    """Driven channels (n,) of the modules that are low altogether, or of a chain that is.

    asked : (channels,) V, NaN where an output is not driven; measured : (channels,) V.
    """
    is_driven = ~np.isnan(asked)
    low = is_driven & (measured < LOW * asked)
    modules = is_driven.reshape(-1, per_module)
    count = low.reshape(-1, per_module).sum(axis=1)
    gone = (count == modules.sum(axis=1)) & (count >= LEAST)
    if low.sum() == is_driven.sum() >= LEAST:
        gone[:] = True
    return np.flatnonzero(low & np.repeat(gone, per_module))
