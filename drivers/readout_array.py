"""The inputs of several instruments that read, as one readout: single inputs, or balanced pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.concurrently import all_to_the_end
from drivers.roles import DetectionMode, PortReadout
from drivers.roles.ports import read_full_scale, read_points


@dataclass(frozen=True)
class PortInput:
    """An input (by its number) of an instrument."""

    driver: PortReadout
    input: int

    @property
    def column(self) -> int:
        """Place of the input in what its instrument returns."""
        return self.driver.read_inputs.index(self.input)

    @property
    def full_scale(self) -> float:
        """Largest magnitude, V or W."""
        return float(read_full_scale(self.driver)[self.column])

    def beyond(self, read: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of the values (count,) are at full scale, or beyond it."""
        return np.abs(read) >= self.full_scale - 1.5 * self.driver.resolution


@dataclass(frozen=True)
class ReadoutPort:
    """A port's input; `minus`: the other half of a balanced pair, whose reading is taken off."""

    plus: PortInput
    minus: PortInput | None = None

    @property
    def inputs(self) -> tuple[PortInput, ...]:
        """One input, or both."""
        return (self.plus,) if self.minus is None else (self.plus, self.minus)


class ReadoutArray:
    """A `Readout` over several instruments of any kinds, used concurrently; readings in V or W.

    A pair reads the difference of its halves: what a local oscillator puts on both falls out of it.
    """

    def __init__(
        self,
        name: str,
        ports: Sequence[ReadoutPort],
        *,
        point: float,
        average: bool = True,
        early: Mapping[str, int] | None = None,
    ) -> None:
        """`ports` in order; `point`: s of a point, a mean over it or (`average` False) the value at
        its start. `early`: points by which instruments, by their names, begin to record before
        there is anything to read: these are recorded, and left out.

        Raises `ValueError` for an input that is used twice or is not, for a point that an
        instrument cannot have, for a pair of two units, and for single powers beside what has a
        sign.
        """
        self.name = name
        self.ports = len(ports)
        if not ports:
            raise ValueError(f"{name}: at least one port is needed")
        taken: set[tuple[int, int]] = set()
        for number, port in enumerate(ports):
            for one in port.inputs:
                where = f"{name} port {number}: input {one.input} of {one.driver.name}"
                if one.input not in one.driver.read_inputs:
                    raise ValueError(f"{where} is none of {one.driver.read_inputs}, which are read")
                if (id(one.driver), one.input) in taken:
                    raise ValueError(f"{where} is read for another port already")
                taken.add((id(one.driver), one.input))
        self._ports = tuple(ports)
        self.mode: DetectionMode = self._mode()
        every = (one.driver for port in ports for one in port.inputs)
        self.drivers = tuple(dict.fromkeys(every))
        self._each = [(driver, (early or {}).get(driver.name, 0)) for driver in self.drivers]
        for driver in self.drivers:
            driver.time_points(point, average=average)

    def _mode(self) -> DetectionMode:
        """Power alone has no sign: that of a field shows in volts of a balanced receiver only, or
        in the difference of a pair.
        """
        signed: set[bool] = set()
        for number, port in enumerate(self._ports):
            units = {one.driver.unit for one in port.inputs}
            if len(units) > 1:
                raise ValueError(f"{self.name} port {number}: a pair of one input in V, one in W")
            signed.add(port.minus is not None or units == {"V"})
        if len(signed) > 1:
            raise ValueError(
                f"{self.name}: some ports have balanced pairs (or volts) and some single powers"
            )
        return "homodyne" if signed == {True} else "intensity"

    @property
    def max_points(self) -> int:
        """Most points of one record."""
        return min(read_points(driver) - before for driver, before in self._each)

    @property
    def full_scale(self) -> NDArray[np.float64]:
        """Largest magnitude (ports,) in V or W: of a pair, of either half alone."""
        return np.array([min(one.full_scale for one in port.inputs) for port in self._ports])

    @property
    def resolution(self) -> NDArray[np.float64]:
        """Smallest step (ports,) in V or W."""
        return np.array([max(one.driver.resolution for one in port.inputs) for port in self._ports])

    def planned_arm(self, points: int) -> float:
        """Seconds that `arm` takes by the link models."""
        return max(driver.planned_arm(before + points) for driver, before in self._each)

    def planned_fetch(self, points: int) -> float:
        """Seconds that `fetch` of so many points takes by the link models."""
        return max(driver.planned_fetch(points) for driver in self.drivers)

    async def arm(self, points: int) -> None:
        """Be ready to record `points` points after the trigger, on every instrument."""
        await all_to_the_end([driver.arm(before + points) for driver, before in self._each])

    async def fetch(self, first: int, count: int) -> NDArray[np.float64]:
        """V or W (count, ports) from point `first` after the trigger on; of pairs the differences.

        Where half of a pair was beyond its range, the port reads full scale: clipped, as it is.
        Raises `TriggerTimeout` naming the first instrument that was not triggered, the others as
        notes.
        """
        fetched = await all_to_the_end(
            [driver.fetch(before + first, count) for driver, before in self._each]
        )
        read = dict(zip((id(driver) for driver in self.drivers), fetched, strict=True))
        values = np.empty((count, self.ports))
        for at, port in enumerate(self._ports):
            plus = read[id(port.plus.driver)][:, port.plus.column]
            values[:, at] = plus
            if port.minus is None:
                continue
            minus = read[id(port.minus.driver)][:, port.minus.column]
            values[:, at] -= minus
            over = port.plus.beyond(plus) | port.minus.beyond(minus)
            if over.any():
                full = min(one.full_scale for one in port.inputs)
                values[over, at] = np.where(values[over, at] < 0.0, -full, full)
        return values

    async def off(self) -> None:
        """Stop all recording; one that fails does not stop the others."""
        await all_to_the_end([driver.off() for driver in self.drivers])
