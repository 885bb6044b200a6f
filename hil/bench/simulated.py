"""The one door from hil to the simulated bench.

Nothing else in hil may import sim_backends (an import contract keeps it so), and this module
passes on five things only: instruments to talk to over bytes, what a person would do with a cable,
an as-built FILE, the fast in-process machine, and the event loop of virtual time. The plant itself
stays behind the door. It is opened when it is first gone through: a real bench has no use for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.transport.memory import MemoryNetwork
from hil.bench.errors import SimulationError


class SlotSide(Protocol):
    """The plant reduced to its slots; see `Simulation.slots`."""

    time: float

    def advance(self, seconds: float) -> None:
        """Let bench time pass."""
        ...

    def program(self, levels: NDArray[np.float64]) -> int:
        """Write levels (n_banks, elements) W; returns how many changed."""
        ...

    def frame(
        self,
        bank: int,
        volts: NDArray[np.float64],
        detection: Literal["homodyne", "quadrature", "intensity"] = "homodyne",
        *,
        lit: bool = True,
    ) -> NDArray[np.float64]:
        """Mean volts (samples, ports) for volts (samples, ports) at the outputs."""
        ...


class Simulation:
    """Instruments that are not there, for those of a bench file whose backend is `sim`."""

    def __init__(
        self, document: Mapping[str, Any], *, only: set[str] | None, start_time: float
    ) -> None:
        """`only` names the simulated instruments of a mixed bench.

        Raises
        ------
        SimulationError
            Naming every fault of the [plant] table.
        """
        from sim_backends.bench import SimulatedBench

        try:
            self._bench = SimulatedBench(document, start_time=start_time, only=only)
        except ValueError as error:
            raise SimulationError(str(error)) from error

    def network(self) -> MemoryNetwork:
        """A network in memory on which the instruments answer, under their resource strings."""
        network = MemoryNetwork()
        self._bench.attach(network)
        return network

    def write_as_built(self, path: Path, quality: str) -> None:
        """Write what a survey of class `quality` knows, as a calibration record.

        Raises
        ------
        SimulationError
            When there is no such class.
        """
        try:
            self._bench.write_as_built(path, quality)
        except ValueError as error:
            raise SimulationError(str(error)) from error

    def join_by_hand(self, meter: str, bank: int, element: int) -> None:
        """Put a source-measure unit's terminals at another heater.

        Raises
        ------
        SimulationError
            When there is no such unit, or no such heater.
        """
        try:
            self._bench.join_by_hand(meter, bank, element)
        except ValueError as error:
            raise SimulationError(str(error)) from error

    def slots(self) -> SlotSide:
        """The fast machine: the plant with the declared converters, without instruments."""
        return self._bench.slot_machine()


def virtual_loop(start_time: float) -> asyncio.AbstractEventLoop:
    """An event loop that skips idle time; its clock starts at `start_time` s."""
    from sim_backends.virtual_time import VirtualTimeLoop

    return VirtualTimeLoop(start=start_time)
