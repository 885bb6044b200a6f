"""What a step spends: settings, frames, samples and bench time, counted as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calibration.setup import LineTest, Observation, Points, Setup, Shot
from calibration.sweeping import ramp
from calibration.tomography import random_levels

Floats = NDArray[np.float64]

#: Levels of rings at work, p_pi: from one side of their resonances to the other.
RINGING = (0.4, 1.1)
#: Rest, s, in which most of a slow thermal tail goes by.
_CREEP = 1.0


class Tally:
    """A bench whose use is counted.

    Attributes
    ----------
    settings, frames, samples : levels asked for (steps of a ramp not counted), calls for frames,
        and samples sent in them.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.settings = self.frames = self.samples = 0
        self._began = setup.now()
        self._moved = False

    async def observe(self, shots: Sequence[Shot]) -> list[Observation]:
        """As the bench's own."""
        self.frames += 1
        self.samples += sum(len(shot.values) for shot in shots)
        return await self.setup.observe(shots)

    async def line_test(self, test: LineTest) -> Points:
        """As the bench's own."""
        self.frames += 1
        return await self.setup.line_test(test)

    async def ramp_to(self, levels: Floats) -> None:
        """Go to levels (n_banks, elements) in W, by a ramp."""
        self.settings += 1
        self._moved = True
        await ramp(self.setup, levels)

    async def to_work(self) -> None:
        """Go where light can be measured well.

        A mesh works at any levels: it stays where it is. Cold rings pass all their light to one
        diode of a pair, which saturates: they go to random levels about their resonances.
        """
        if self.setup.core != "microring":
            return
        rng = np.random.default_rng([self.setup.ports, 0x3176])
        await self.ramp_to(random_levels(self.setup, rng, *RINGING))
        await self.setup.rest(_CREEP)

    async def to_idle(self) -> None:
        """Back to the idle bias by a ramp, if any level was changed."""
        if self._moved:
            await ramp(self.setup, self.setup.level_idle)

    def spent(self) -> str:
        """All of it in a line."""
        seconds = self.setup.now() - self._began
        settings = f"{self.settings} settings, " if self.settings else ""
        return (
            f"{settings}{self.frames} frames, {self.samples} samples, {seconds:.3g} s of bench time"
        )
