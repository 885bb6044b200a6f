"""One bank of heaters over the channels of several instruments of voltage outputs (chassis)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.concurrently import all_to_the_end
from drivers.errors import LimitError
from drivers.roles import VoltageOutputs

_ROUNDING = 1e-9
"""Relative excess that is rounding and not a demand: sqrt(V^2/R*R) may exceed V by a few ulp."""


@dataclass(frozen=True)
class HeaterElement:
    """Where an element's heater is connected, its nominal resistance (ohm) and its limits (SI)."""

    driver: VoltageOutputs
    channel: int
    r_nom: float
    v_max: float
    i_max: float
    p_max: float

    @property
    def place(self) -> str:
        """The instrument and its channel, as its panel counts them."""
        return f"{self.driver.name} channel {self.driver.layout.first + self.channel}"


class ChassisBank:
    """A `WeightBank` of heaters, programmed over all its chassis concurrently.

    A level is the nominal power p = V^2 / r_nom (W): exactly invertible, without calibration.
    """

    def __init__(
        self, name: str, elements: Sequence[HeaterElement], power_max: float, settle_time: float
    ) -> None:
        """`elements` in element order; `power_max`: W of the whole chip; `settle_time`: s.

        Raises `ValueError` for an output that two elements share, or a limit that is none.
        """
        self.name = name
        self.elements = len(elements)
        self.power_max = power_max
        self.settle_time = settle_time
        taken: set[tuple[int, int]] = set()
        for index, element in enumerate(elements):
            where = f"{name} element {index} ({element.place})"
            if (id(element.driver), element.channel) in taken:
                raise ValueError(f"{where}: the channel is wired to another element already")
            taken.add((id(element.driver), element.channel))
            if not 0 <= element.channel < element.driver.channels:
                last = element.driver.channels - 1
                raise ValueError(f"{where}: the chassis has channels 0 to {last}")
            for limit in ("r_nom", "v_max", "i_max", "p_max"):
                if not 0.0 < getattr(element, limit) < float("inf"):
                    raise ValueError(f"{where}: {limit} must be positive and finite")
        if not 0.0 < power_max < float("inf"):
            raise ValueError(f"{name}: power_max must be positive and finite, not {power_max!r}")
        self._elements = tuple(elements)
        self._r_nom = np.array([element.r_nom for element in elements])
        self._v_max = np.array([element.v_max for element in elements])
        self._i_max = np.array([element.i_max for element in elements])
        self._p_max = np.array([element.p_max for element in elements])
        self.drivers = tuple(dict.fromkeys(element.driver for element in elements))
        self._parts: list[tuple[VoltageOutputs, NDArray[np.intp], NDArray[np.intp]]] = []
        for driver in self.drivers:
            index = [at for at, element in enumerate(elements) if element.driver is driver]
            channels = np.array([elements[at].channel for at in index], dtype=np.intp)
            self._parts.append((driver, np.array(index, dtype=np.intp), channels))

    @property
    def level_max(self) -> NDArray[np.float64]:
        """Highest level (elements,) in W that V, I and P limits of each element allow together."""
        by_voltage = np.square(self._v_max) / self._r_nom
        by_current = np.square(self._i_max) * self._r_nom
        return np.minimum(np.minimum(by_voltage, by_current), self._p_max)

    def check(self, levels: NDArray[np.float64]) -> None:
        """Refuse levels as `program` would, without sending anything."""
        self.volts(levels)

    def planned_write(self, changed: int) -> float:
        """Seconds to write `changed` of the channels, by the link models, chassis concurrently."""
        share = -(-changed // len(self.drivers))
        return max(driver.planned_write(min(share, len(index))) for driver, index, _ in self._parts)

    async def program(self, levels: NDArray[np.float64]) -> int:
        """Set levels (elements,) in W; returns how many channels had to be written.

        Raises `LimitError` before a byte leaves on any chassis, `InstrumentError` and `LinkError`
        after all chassis have ended their exchanges.
        """
        volts = self.volts(levels)
        return sum(
            await all_to_the_end(
                [
                    driver.write_volts(channels, volts[index])
                    for driver, index, channels in self._parts
                ]
            )
        )

    def volts(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """The voltages (elements,) of levels (elements,) in W, every limit checked.

        Raises `LimitError` naming element, value and limit, `ValueError` for a wrong shape.
        """
        levels = np.asarray(levels, dtype=np.float64)
        if levels.shape != (self.elements,):
            raise ValueError(
                f"{self.name}: levels have shape {levels.shape}, not ({self.elements},)"
            )
        self._refuse(levels, np.zeros(self.elements), self._p_max, "W", "p_max")
        volts = np.sqrt(levels * self._r_nom)
        self._refuse(volts, None, self._v_max, "V", "v_max")
        self._refuse(volts / self._r_nom, None, self._i_max, "A", "i_max")
        total = float(levels.sum())
        if total > self.power_max * (1.0 + _ROUNDING):
            limit = f"{self.power_max:g} W (power_max of the chip)"
            raise LimitError(self.name, "total power", total, limit, "W")
        return np.minimum(volts, self._v_max)

    async def read_back(self) -> NDArray[np.float64]:
        """Levels (elements,) in W from the measured voltages."""
        measured = await all_to_the_end([driver.read_volts() for driver in self.drivers])
        volts = np.empty(self.elements)
        for (_, index, channels), values in zip(self._parts, measured, strict=True):
            volts[index] = values[channels]
        return np.square(volts) / self._r_nom

    async def off(self) -> None:
        """All channels of every chassis to 0 V; one that fails does not stop the others."""
        await all_to_the_end([driver.off() for driver in self.drivers])

    def _refuse(
        self,
        values: NDArray[np.float64],
        low: NDArray[np.float64] | None,
        high: NDArray[np.float64],
        unit: str,
        what: str,
    ) -> None:
        good = np.isfinite(values) & (values <= high * (1.0 + _ROUNDING))
        if low is not None:
            good &= values >= low
        if not good.all():
            at = int(np.argmin(good))
            element = self._elements[at]
            where = f"element {at} ({element.place})"
            limit = f"0 to {high[at]:.9g} {unit} ({what})"
            raise LimitError(self.name, where, float(values[at]), limit, unit)
