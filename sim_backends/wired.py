"""What a `Wiring` asks of what it joins: the plant, instruments that play, and those that read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .plant.signals import FrameSignals, SampleGrid, Waveform

Floats = NDArray[np.float64]


class PlantInterface(Protocol):
    """What the wiring asks of a plant; see `sim_backends.plant.Plant`."""

    def set_volts(self, bank: int, elements: NDArray[np.intp], volts: Floats, at: float) -> None:
        """Heaters of a bank step to `volts` at bench time `at`."""
        ...

    def heater_amps(self, bank: int, elements: NDArray[np.intp], volts: Floats) -> Floats:
        """Currents in A at `volts`."""
        ...

    def render(self, frame: FrameSignals, grids: Sequence[SampleGrid], *more: int) -> list[Floats]:
        """Volts at the digitisers, (count, ports) a grid; `more` draws other noise."""
        ...

    def tapped(self, frame: FrameSignals, grids: Sequence[SampleGrid]) -> list[Floats]:
        """Light on its way to detectors, (count, ports) a grid, over the laser's nominal power."""
        ...

    def pair_power(self, port: int, at: float) -> float:
        """W that each half of a port's balanced pair reads on average, at bench time."""
        ...

    def join_light(
        self, brightness: Callable[[float], float], detuning: Callable[[float], float]
    ) -> None:
        """A laser feeds the bench: its power over the nominal one, and its wavelength less the
        nominal one in m, at bench time.
        """
        ...

    def join_stage(self, warmth: Callable[[float], float]) -> None:
        """A thermal stage carries the chips: K above where they were surveyed, at bench time."""
        ...


@dataclass(frozen=True)
class PortWire:
    """One port: the output that drives its modulator and the inputs that read its detector.

    `minus`: instrument and input of the other half of a balanced pair, if it is one.
    """

    source: str
    output: int
    readout: str
    input: int
    minus: tuple[str, int] | None = None


class Player(Protocol):
    """An instrument whose outputs drive modulators."""

    def advance(self) -> None:
        """Take all triggers that have come up to now."""
        ...

    def waveform(self, output: int, origin: float, begin: float, end: float) -> Waveform:
        """What an output (from 1) does in bench times begin..end (s), relative to `origin`."""
        ...


class Reader(Protocol):
    """An instrument that reads, and is no box."""

    def settle(self) -> None:
        """Read all that is to be read up to now: it is about to change."""
        ...


class Tapping(Protocol):
    """What falls on inputs that no port leads to."""

    def watts(self, meter: str, number: int, start: float, step: float, count: int) -> Floats:
        """Mean power (count,) in W at an input in windows of `step` s from bench time `start`."""
        ...
