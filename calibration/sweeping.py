"""How a step moves levels: by ramps where a whole chip warms or cools, and back to the idle bias.

A single heater, or random settings of about equal power, may step; a chip as a whole may not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from numpy.typing import NDArray

from calibration.setup import Setup

Floats = NDArray[np.float64]

#: Steps of a ramp, and the time that each is held, s.
STEPS, HELD = 5, 0.02


async def ramp(setup: Setup, end: Floats) -> None:
    """Levels from what they are to `end`, (n_banks, N^2) W, in equal steps."""
    start = setup.levels
    for step in range(1, STEPS + 1):
        await setup.program(end if step == STEPS else start + (end - start) * (step / STEPS))
        await setup.rest(HELD)


@asynccontextmanager
async def sweeping(setup: Setup, start: Floats, warm: float) -> AsyncIterator[None]:
    """A sweep that begins at `start`, (n_banks, N^2) W, held for `warm` s.

    Whatever happens inside, an interrupt too, levels go back to the idle bias by a ramp.
    """
    try:
        await ramp(setup, start)
        await setup.rest(warm)
        yield
    finally:
        await ramp(setup, setup.level_idle)
