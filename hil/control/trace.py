"""What one pass through the schedule sent and measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trace:
    """Arrays of a pass, samples in the order of time.

    Attributes
    ----------
    sent : (batch, steps, ports) what the converters really played, V_pi.
    measured : (batch, steps, ports) signal units.
    clipped : (batch, steps, ports) bool, a point of the sample stood at the converter's end.
    state : (batch, ports) v[n_steps], what the read-out sees.
    after_dark : (batch,) bool, samples preceded by a dark one in their frame.
    banks : (steps,) bank of each slot.
    dark : (ports,) signal units, read while the signal light was off, mean over the slots; None
        where nothing was.
    times : (steps,) bench time at which each slot's first frame was read, s.
    """

    sent: Floats
    measured: Floats
    clipped: NDArray[np.bool_]
    state: Floats
    after_dark: NDArray[np.bool_]
    banks: tuple[int, ...]
    times: Floats
    dark: Floats | None = None

    @property
    def batch(self) -> int:
        """Number of samples."""
        return self.sent.shape[0]
