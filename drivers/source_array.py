"""The outputs of several instruments that play, as one input source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.concurrently import all_to_the_end
from drivers.errors import LimitError
from drivers.roles import PortSource


@dataclass(frozen=True)
class SourcePort:
    """A port's instrument, and the number (from 1) of the output that drives its modulator."""

    driver: PortSource
    output: int


class SourceArray:
    """An `InputSource` over several instruments of any kinds, used concurrently.

    Outputs that no port is routed to play 0 V.
    """

    def __init__(
        self, name: str, ports: Sequence[SourcePort], *, later: Mapping[str, float] | None = None
    ) -> None:
        """`ports` in order. `later`: s by which triggers reach instruments, by their names, later
        than the others.

        Raises `ValueError` for an output that is used twice, or is not.
        """
        self.name = name
        self.ports = len(ports)
        if not ports:
            raise ValueError(f"{name}: at least one port is needed")
        taken: set[tuple[int, int]] = set()
        for number, port in enumerate(ports):
            where = f"{name} port {number}: output {port.output} of {port.driver.name}"
            if not 1 <= port.output <= port.driver.outputs:
                raise ValueError(f"{where} is not from 1 to {port.driver.outputs}")
            if (id(port.driver), port.output) in taken:
                raise ValueError(f"{where} is wired to another port already")
            taken.add((id(port.driver), port.output))
        self.drivers = tuple(dict.fromkeys(port.driver for port in ports))
        self._later = dict(later or {})
        self._routes = [
            [(at, port.output - 1) for at, port in enumerate(ports) if port.driver is driver]
            for driver in self.drivers
        ]
        self._ports = tuple(ports)

    @property
    def min_dwell(self) -> float:
        """Shortest time that all can hold a sample, s."""
        return max(driver.min_dwell for driver in self.drivers)

    @property
    def trigger_latency(self) -> float:
        """Nominal time from the trigger to the first sample of the latest, s."""
        return max(one.trigger_latency + self._later.get(one.name, 0.0) for one in self.drivers)

    @property
    def max_points(self) -> int:
        """Most samples of one load."""
        return min(driver.max_points for driver in self.drivers)

    @property
    def full_scale(self) -> NDArray[np.float64]:
        """Largest magnitude (ports,) in V."""
        return np.array([port.driver.full_scale[port.output - 1] for port in self._ports])

    def planned_load(self, samples: int) -> float:
        """Seconds that `load` takes by the link models."""
        return max(driver.planned_load(samples) for driver in self.drivers)

    def planned_arm(self) -> float:
        """Seconds that `arm` takes by the link models."""
        return max(driver.planned_arm() for driver in self.drivers)

    async def load(self, volts: NDArray[np.float64], dwell: float) -> None:
        """Load volts (samples, ports), each held for `dwell` s.

        Raises `LimitError` before a byte leaves to any instrument.
        """
        shares = self._shares(volts)
        for driver, share in zip(self.drivers, shares, strict=True):
            driver.check_volts(share)
        if not 1 <= len(shares[0]) <= self.max_points:
            limit = f"1 to {self.max_points} samples"
            raise LimitError(self.name, "samples", len(shares[0]), limit)
        if not self.min_dwell * (1.0 - 1e-9) <= dwell:
            limit = f"at least {self.min_dwell:g} s"
            raise LimitError(self.name, "dwell", dwell, limit, "s")
        await all_to_the_end(
            [driver.load(share, dwell) for driver, share in zip(self.drivers, shares, strict=True)]
        )

    async def arm(self) -> None:
        """Let the next trigger start what is loaded."""
        await all_to_the_end([driver.arm() for driver in self.drivers])

    def quantise(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """The volts (samples, ports) that would really be played. Raises `LimitError`."""
        played = np.empty(np.shape(volts))
        for driver, route, share in zip(
            self.drivers, self._routes, self._shares(volts), strict=True
        ):
            real = driver.quantise(share)
            for at, output in route:
                played[:, at] = real[:, output]
        return played

    async def off(self) -> None:
        """Outputs off on every instrument; one that fails does not stop the others."""
        await all_to_the_end([driver.off() for driver in self.drivers])

    def _shares(self, volts: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """An instrument's own (samples, outputs) for each."""
        volts = np.asarray(volts, dtype=np.float64)
        if volts.ndim != 2 or volts.shape[1] != self.ports:
            raise ValueError(
                f"{self.name}: volts have shape {volts.shape}, not (samples, {self.ports})"
            )
        shares: list[NDArray[np.float64]] = []
        for driver, route in zip(self.drivers, self._routes, strict=True):
            share = np.zeros((volts.shape[0], driver.outputs))
            for at, output in route:
                share[:, output] = volts[:, at]
            shares.append(share)
        return shares
