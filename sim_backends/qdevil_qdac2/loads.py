"""What hangs on the outputs."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Channels = NDArray[np.intp]


class Loads(Protocol):
    """Whatever the outputs drive; channels are counted from 0 here."""

    def drive(self, channels: Channels, volts: Floats) -> None:
        """From now on there are volts (n,) at channels (n,)."""
        ...

    def amps(self, channels: Channels, volts: Floats) -> Floats:
        """Currents (n,) in A that channels (n,) draw at volts (n,): zero at 0 V, rising."""
        ...


class Resistors:
    """The same resistance, ohm, at every output; infinite where nothing is plugged in."""

    def __init__(self, ohms: float = 1000.0) -> None:
        self.ohms = np.full(24, ohms)

    def drive(self, channels: Channels, volts: Floats) -> None:
        """Nothing heats up here."""

    def amps(self, channels: Channels, volts: Floats) -> Floats:
        """Ohm's law."""
        return volts / self.ohms[channels]


def limited(loads: Loads, volts: Floats, most: float) -> Floats:
    """Volts (24,) that really come where no output gives more than `most` A; by bisection."""
    every = np.arange(volts.size)
    over = np.abs(loads.amps(every, volts)) > most
    if not over.any():
        return volts
    channels, asked = every[over], volts[over]
    low, high = np.zeros(asked.size), np.ones(asked.size)
    for _ in range(50):
        middle = 0.5 * (low + high)
        beyond = np.abs(loads.amps(channels, middle * asked)) > most
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    given = volts.copy()
    given[channels] = low * asked
    return given
