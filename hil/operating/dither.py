"""Dithering one element: a square wave on its level, and what of it every port shows.

Each period holds the level once above and once below, every second period the other way round, so
that a steady drift cancels. The answer is the mean over periods, their scatter its uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.errors import LimitError
from hil.operating.hand import Hand
from hil.operating.request import ElementName

Floats = NDArray[np.float64]
#: Drive of the inputs, one after the other, V_pi.
DRIVE = 1.0
PERIODS = 8
MOST_PERIODS = 1000


@dataclass(frozen=True, eq=False)
class Answer:
    """What a dither showed, (outputs, inputs) in signal units per W, and its standard error.

    clipped : whether any sample stood at a converter's end.
    """

    response: Floats
    error: Floats
    clipped: bool

    def of_ports(self) -> tuple[Floats, Floats]:
        """Root of the summed squares over inputs (outputs,), and its standard error.

        What noise alone adds to the squares is taken out, as far as it is known.
        """
        variance = np.nan_to_num(self.error**2)
        squares = (self.response**2 - variance).sum(axis=1)
        return np.sqrt(np.maximum(squares, 0.0)), np.sqrt((self.error**2).mean(axis=1))


async def dither(hand: Hand, name: ElementName, amplitude: float, periods: int) -> Answer:
    """Dither an element by +-`amplitude` W about its level, each input in turn at 1 V_pi.

    Raises
    ------
    LimitError
        When it would jump by more than a step of the ramp, or leave the element's limits.
    """
    hand.need_armed()
    start = hand.levels.copy()
    label = hand.label(name)
    most = hand.ramp_step / 2.0
    if not 0.0 < amplitude <= most * (1.0 + 1e-9):
        limit = f"above 0 to {1e3 * most:g} mW (a jump is twice that, at most a step of the ramp)"
        raise LimitError(f"dither of element {label}", "", 1e3 * amplitude, limit, "mW")
    ends = []
    for sign in (1.0, -1.0):
        levels = start.copy()
        levels[name.bank, name.element] += sign * amplitude
        hand.core.parts.banks[name.bank].check(levels[name.bank])
        ends.append(levels)
    inputs = DRIVE * np.eye(hand.file.ports)
    seen, clipped = [], False
    for period in range(periods):
        pair = np.empty((2, *inputs.shape))
        for end in (0, 1) if period % 2 == 0 else (1, 0):
            await hand.machine.program(ends[end])
            reading = await hand.frame(name.bank, inputs)
            pair[end] = reading.measured
            clipped |= bool(reading.clipped.any())
        seen.append((pair[0] - pair[1]) / (2.0 * amplitude))
    await hand.machine.program(start)
    await hand.machine.settled()
    slopes = np.array(seen).transpose(0, 2, 1)
    error = slopes.std(axis=0, ddof=1) / np.sqrt(periods) if periods > 1 else np.nan
    return Answer(slopes.mean(axis=0), np.broadcast_to(error, slopes.shape[1:]), clipped)
