"""The current meters: one a channel, all of them measuring at a time, each over its aperture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.operations import Deferred

from .channel import CURRENT_FULL, Channel

NOISE = {"LOW": 20e-12, "HIGH": 100e-9}
"""A rms of a reading over 20 ms (our own estimate; the sources give none)."""
OFFSET = {"LOW": 100e-12, "HIGH": 1e-6}
"""A rms of the meters' offsets: a real one shows a current at 0 V too (our own estimate)."""
BEYOND = 1.05
"""Share of full scale at which a meter ends."""


class Meters:
    """All current meters. `amps(channels)` gives the true currents; channels count from 1."""

    def __init__(
        self,
        channels: Sequence[Channel],
        amps: Callable[[Sequence[int]], NDArray[np.float64]],
        seed: int,
    ) -> None:
        self._channels = channels
        self._amps = amps
        self._noise = np.random.default_rng([seed, 2])
        drawn = np.random.default_rng([seed, 1]).standard_normal((2, len(channels)))
        self._offset = {"LOW": OFFSET["LOW"] * drawn[0], "HIGH": OFFSET["HIGH"] * drawn[1]}
        self._waiting: list[Deferred] = []

    def measure(self, channels: Sequence[int]) -> Deferred:
        """Measure now; answers when the slowest of the channels has done."""
        held = Deferred()
        self._waiting.append(held)
        mine = [self._channels[channel - 1] for channel in channels]
        for one in mine:
            one.readings.clear()
            one.left = one.count
        most = max((one.count for one in mine), default=0)
        loop = asyncio.get_running_loop()

        def go_on(number: int) -> None:
            if held.done:
                return
            if number:
                self._take(channels, number)
            if number < most:
                each = [one.delay + one.aperture for one in mine if one.count > number]
                loop.call_later(max(each), go_on, number + 1)
                return
            self._waiting.remove(held)
            held.resolve(",".join(written(value) for one in mine for value in one.readings))

        go_on(0)
        return held

    def abort(self) -> None:
        """End what is being measured."""
        waiting, self._waiting = self._waiting, []
        for one in self._channels:
            one.left, one.sense_armed = 0, False
        for held in waiting:
            held.fail(ScpiError(-230))

    def _take(self, channels: Sequence[int], number: int) -> None:
        """One reading of each channel that still lacks it."""
        true = self._amps(channels)
        for channel, amps in zip(channels, true, strict=True):
            one = self._channels[channel - 1]
            if one.count < number:
                continue
            one.left -= 1
            noise = NOISE[one.sense] * (0.02 / one.aperture) ** 0.5
            read = amps + self._offset[one.sense][channel - 1]
            read += noise * self._noise.standard_normal()
            most = BEYOND * CURRENT_FULL[one.sense]
            one.readings.append(float(np.clip(read, -most, most)))


def written(amps: float) -> str:
    """A reading as it is told (the sources have none but `0.01`)."""
    return f"{amps:.6e}"
