"""The inputs and outputs of several Red Pitaya boxes as one input source and one readout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.concurrently import all_to_the_end
from drivers.red_pitaya import RedPitaya
from drivers.roles import DetectionMode


@dataclass(frozen=True)
class BoxPort:
    """A port's box, and the numbers (1 or 2) of the output and the input that it is wired to."""

    driver: RedPitaya
    output: int
    input: int


class BoxArray:
    """An `InputSource` and a `Readout` over several boxes, used concurrently.

    Outputs that no port is routed to play 0 V. Every box is set up at the first `load`, and again
    when the dwell changes.
    """

    def __init__(
        self,
        name: str,
        ports: Sequence[BoxPort],
        *,
        decimation: int,
        average: bool,
        mode: DetectionMode = "homodyne",
    ) -> None:
        """`ports` in order. Raises `ValueError` for an output or input that is used twice, and
        for a box whose inputs are not at +-1 V.
        """
        self.name = name
        self.ports = len(ports)
        self.decimation = decimation
        self.average = average
        self.mode: DetectionMode = mode
        if not ports:
            raise ValueError(f"{name}: at least one port is needed")
        outputs: set[tuple[int, int]] = set()
        inputs: set[tuple[int, int]] = set()
        for number, port in enumerate(ports):
            for what, channel, taken in (
                ("output", port.output, outputs),
                ("input", port.input, inputs),
            ):
                where = f"{name} port {number}: {what} {channel} of {port.driver.name}"
                if port.driver.gain != "LV":
                    raise ValueError(
                        f"{where}: gain {port.driver.gain!r}; ports are read at +-1 V: set the "
                        f"jumpers to LV, and leave the option gain out"
                    )
                if channel not in (1, 2):
                    raise ValueError(f"{where} is neither 1 nor 2")
                if (id(port.driver), channel) in taken:
                    raise ValueError(f"{where} is wired to another port already")
                taken.add((id(port.driver), channel))
        self.drivers = tuple(dict.fromkeys(port.driver for port in ports))
        self.max_points = min(driver.max_points for driver in self.drivers)
        self.min_dwell = max(driver.min_dwell for driver in self.drivers)
        self.trigger_latency = max(driver.trigger_latency for driver in self.drivers)
        self.full_scale = np.array([port.driver.full_scale for port in ports])
        self.resolution = 2.0 * float(self.full_scale.max()) / 2 ** self.drivers[0].adc_bits
        self._least_full_scale = float(self.full_scale.min())
        self._routes = [
            [(at, port) for at, port in enumerate(ports) if port.driver is driver]
            for driver in self.drivers
        ]

    async def load(self, volts: NDArray[np.float64], dwell: float) -> None:
        """Load instrument volts (samples, ports), each held for `dwell` s: one exchange a box.

        Raises `LimitError` before a byte leaves on any box.
        """
        volts = self._checked(volts)
        await all_to_the_end(
            [
                self._load_box(driver, pair, dwell)
                for driver, pair in zip(self.drivers, self._split(volts), strict=True)
            ]
        )

    async def arm(self, points: int = 0) -> None:
        """Arm all boxes for `points` points after the trigger: one exchange a box.

        The generators are ready by themselves, so 0 points need no exchange.
        """
        if points:
            await all_to_the_end([driver.arm(points) for driver in self.drivers])

    async def fetch(self, first: int, count: int) -> NDArray[np.float64]:
        """Volts (count, ports) at the inputs from point `first` after each box's trigger on.

        Raises `TriggerTimeout` naming the first box that was not triggered, the others as notes.
        """
        fetched = await all_to_the_end([driver.fetch(first, count) for driver in self.drivers])
        volts = np.empty((count, self.ports))
        for route, pair in zip(self._routes, fetched, strict=True):
            for at, port in route:
                volts[:, at] = pair[:, port.input - 1]
        return volts

    def quantise(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """The volts (samples, ports) that the boxes' DACs would play. Raises `LimitError`."""
        return self.drivers[0].quantise(self._checked(volts))

    def planned_load(self, samples: int) -> float:
        """Seconds that `load` takes by the link models."""
        return max(driver.planned_load(samples) for driver in self.drivers)

    def planned_arm(self, points: int) -> float:
        """Seconds that `arm` takes by the link models."""
        return max(driver.planned_arm() for driver in self.drivers) if points else 0.0

    def planned_fetch(self, points: int) -> float:
        """Seconds that `fetch` of so many points takes by the link models."""
        return max(driver.planned_fetch(points) for driver in self.drivers)

    async def off(self) -> None:
        """Outputs off on every box; one that fails does not stop the others."""
        await all_to_the_end([driver.off() for driver in self.drivers])

    def _checked(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        volts = np.asarray(volts, dtype=np.float64)
        if volts.ndim != 2 or volts.shape[1] != self.ports:
            raise ValueError(
                f"{self.name}: volts have shape {volts.shape}, not (samples, {self.ports})"
            )
        # One comparison for all (NaN fails it too); only a refusal needs to find the culprit.
        if volts.size and not np.abs(volts).max() <= self._least_full_scale:
            for driver, pair in zip(self.drivers, self._split(volts), strict=True):
                driver.check_volts(pair)
        return volts

    def _split(self, volts: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """A box's own (samples, 2) for each box."""
        pairs: list[NDArray[np.float64]] = []
        for route in self._routes:
            pair = np.zeros((volts.shape[0], 2))
            for at, port in route:
                pair[:, port.output - 1] = volts[:, at]
            pairs.append(pair)
        return pairs

    async def _load_box(self, driver: RedPitaya, pair: NDArray[np.float64], dwell: float) -> None:
        await driver.prepare(dwell, self.decimation, self.average)
        await driver.load(pair)
