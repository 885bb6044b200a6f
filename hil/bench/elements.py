"""A bank's heaters as arrays, in element order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hil.bench.catalogue import CHANNELS_PER_MODULE
from hil.bench.sections import ElementWiring


@dataclass(frozen=True)
class BankElements:
    """A bank's elements, each array (N^2,) in element order.

    Attributes
    ----------
    chassis
        Name of the instrument that drives each element.
    channel
        Its channel there: 8 * module + channel of the module.
    r_nom, v_max, i_max, p_max
        Ohms, volts, amperes and watts, as the file states them.
    level_max
        Watts, min(p_max, v_max^2 / r_nom, i_max^2 * r_nom): the highest level to ask for.
    """

    chassis: tuple[str, ...]
    channel: NDArray[np.int64]
    r_nom: NDArray[np.float64]
    v_max: NDArray[np.float64]
    i_max: NDArray[np.float64]
    p_max: NDArray[np.float64]
    level_max: NDArray[np.float64]

    @classmethod
    def of(cls, wiring: Sequence[ElementWiring]) -> BankElements:
        """Take the numbers of elements that are in element order already."""

        def column(values: list[float]) -> NDArray[np.float64]:
            array = np.array(values, dtype=np.float64)
            array.flags.writeable = False
            return array

        channel = np.array(
            [CHANNELS_PER_MODULE * one.module + one.channel for one in wiring], dtype=np.int64
        )
        channel.flags.writeable = False
        return cls(
            chassis=tuple(one.chassis for one in wiring),
            channel=channel,
            r_nom=column([one.r_nom for one in wiring]),
            v_max=column([one.v_max for one in wiring]),
            i_max=column([one.i_max for one in wiring]),
            p_max=column([one.p_max for one in wiring]),
            level_max=column([one.level_max for one in wiring]),
        )

    def __len__(self) -> int:
        """N^2."""
        return len(self.chassis)

    def level(self, volts: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Give the levels, W (N^2,), that volts (N^2,) or one voltage for all would make."""
        return np.asarray(volts, dtype=np.float64) ** 2 / self.r_nom

    def volts(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the volts (N^2,) that make levels, W (N^2,), none negative."""
        return np.sqrt(np.asarray(level, dtype=np.float64) * self.r_nom)
