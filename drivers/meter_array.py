"""The inputs of several power meters as one readout: single inputs, or balanced pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.concurrently import all_to_the_end
from drivers.roles import DetectionMode


class PowerMeter(Protocol):
    """What an array needs of one meter: a readout of its own inputs, in W."""

    name: str

    max_points: int
    """Most points of one record."""
    over_range: NDArray[np.bool_]
    """Which values (count, ports) of the latest `fetch` exceeded the range."""

    @property
    def ports(self) -> tuple[int, ...]:
        """Inputs that are read, in the order of what `fetch` returns."""
        ...

    @property
    def full_scale(self) -> NDArray[np.float64]:
        """Largest power in W of each of `ports`."""
        ...

    async def prepare(self, averaging: float) -> None:
        """Let each point be the mean over `averaging` s."""
        ...

    async def arm(self, points: int) -> None:
        """Be ready to record `points` points after the trigger."""
        ...

    async def fetch(self, first: int, count: int) -> NDArray[np.float64]:
        """Powers (count, ports) in W from point `first` after the trigger on."""
        ...

    def planned_arm(self, points: int) -> float:
        """Seconds that `arm` takes by the link model."""
        ...

    def planned_fetch(self, points: int) -> float:
        """Seconds that `fetch` of so many points takes by the link model."""
        ...

    async def off(self) -> None:
        """Stop recording."""
        ...


@dataclass(frozen=True)
class MeterInput:
    """An input (from 1) of a meter."""

    driver: PowerMeter
    input: int

    @property
    def column(self) -> int:
        """Place of the input in what its meter returns."""
        return self.driver.ports.index(self.input)


@dataclass(frozen=True)
class MeterPort:
    """A port's input; `minus`: the other half of a balanced pair, whose reading is taken off."""

    plus: MeterInput
    minus: MeterInput | None = None

    @property
    def inputs(self) -> tuple[MeterInput, ...]:
        """One input, or both."""
        return (self.plus,) if self.minus is None else (self.plus, self.minus)


class MeterArray:
    """A `Readout` over several power meters, used concurrently; readings in W.

    All ports read single inputs (`intensity`), or all read balanced pairs (`homodyne`): what the
    local oscillator puts on both halves falls out of their difference.
    """

    resolution = 0.0  # float32 of a reading, far below its noise

    def __init__(self, name: str, ports: Sequence[MeterPort], *, point: float) -> None:
        """`ports` in order; `point`: s of a point.

        Raises `ValueError` for an input that is used twice or is not, and for pairs beside singles.
        """
        self.name = name
        self.ports = len(ports)
        self._point = point
        if not ports:
            raise ValueError(f"{name}: at least one port is needed")
        paired = {port.minus is not None for port in ports}
        if len(paired) > 1:
            raise ValueError(f"{name}: some ports have balanced pairs and some single inputs")
        self.mode: DetectionMode = "homodyne" if paired == {True} else "intensity"
        taken: set[tuple[int, int]] = set()
        for number, port in enumerate(ports):
            for one in port.inputs:
                where = f"{name} port {number}: input {one.input} of {one.driver.name}"
                if one.input not in one.driver.ports:
                    raise ValueError(f"{where} is none of {one.driver.ports}, which are read")
                if (id(one.driver), one.input) in taken:
                    raise ValueError(f"{where} is read for another port already")
                taken.add((id(one.driver), one.input))
        self._ports = tuple(ports)
        every = (one.driver for port in ports for one in port.inputs)
        self.drivers = tuple(dict.fromkeys(every))

    @property
    def max_points(self) -> int:
        """Most points of one record."""
        return min(driver.max_points for driver in self.drivers)

    @property
    def full_scale(self) -> NDArray[np.float64]:
        """Largest magnitude (ports,) in W: of a pair, of either half alone."""
        return np.array(
            [
                min(float(one.driver.full_scale[one.column]) for one in port.inputs)
                for port in self._ports
            ]
        )

    def planned_arm(self, points: int) -> float:
        """Seconds that `arm` takes by the link models."""
        return max(driver.planned_arm(points) for driver in self.drivers)

    def planned_fetch(self, points: int) -> float:
        """Seconds that `fetch` takes by the link models."""
        return max(driver.planned_fetch(points) for driver in self.drivers)

    async def arm(self, points: int) -> None:
        """Be ready to record `points` points after the trigger."""
        await all_to_the_end([self._arm_meter(driver, points) for driver in self.drivers])

    async def fetch(self, first: int, count: int) -> NDArray[np.float64]:
        """W (count, ports) from point `first` after the trigger on; of pairs the differences.

        Where an input was beyond its range, the port reads full scale: clipped, as it is.
        """
        fetched = await all_to_the_end([driver.fetch(first, count) for driver in self.drivers])
        read = dict(zip((id(driver) for driver in self.drivers), fetched, strict=True))
        watts = np.empty((count, self.ports))
        for at, port in enumerate(self._ports):
            plus, minus = port.plus, port.minus
            watts[:, at] = read[id(plus.driver)][:, plus.column]
            over = plus.driver.over_range[:, plus.column]
            if minus is not None:
                watts[:, at] -= read[id(minus.driver)][:, minus.column]
                over = over | minus.driver.over_range[:, minus.column]
            if over.any():
                full = self.full_scale[at]
                watts[over, at] = np.where(watts[over, at] < 0.0, -full, full)
        return watts

    async def off(self) -> None:
        """Stop all recording; one that fails does not stop the others."""
        await all_to_the_end([driver.off() for driver in self.drivers])

    async def _arm_meter(self, driver: PowerMeter, points: int) -> None:
        await driver.prepare(self._point)
        await driver.arm(points)
