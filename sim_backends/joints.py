"""An instrument's own view of what its connectors lead to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .plant.signals import Waveform
from .red_pitaya.acquisition import Capture

if TYPE_CHECKING:
    from .keysight_33600a import Keysight33600A
    from .wiring import Wiring

Floats = NDArray[np.float64]


class Heaters:
    """Loads on a heater driver's channels: `bank`, `element` (channels,); bank -1 = open."""

    def __init__(self, wiring: Wiring, bank: NDArray[np.intp], element: NDArray[np.intp]) -> None:
        self._wiring = wiring
        self._bank = bank
        self._element = element
        self._banks = [int(b) for b in np.unique(bank) if b >= 0]

    def drive(self, channels: NDArray[np.intp], volts: Floats) -> None:
        """Channels step to `volts` now."""
        wiring = self._wiring
        wiring.before_change()
        now = wiring.now()
        for bank in self._banks:
            mine = self._bank[channels] == bank
            if mine.any():
                elements = self._element[channels[mine]]
                wiring.plant.set_volts(bank, elements, volts[mine], now)

    def amps(self, channels: NDArray[np.intp], volts: Floats) -> Floats:
        """Currents in A drawn at `volts`; open channels draw none."""
        drawn = np.zeros(volts.shape)
        for bank in self._banks:
            mine = self._bank[channels] == bank
            if mine.any():
                elements = self._element[channels[mine]]
                drawn[mine] = self._wiring.plant.heater_amps(bank, elements, volts[mine])
        return drawn


class HeaterTerminals:
    """Two terminals with one heater of the plant at them, or none: a load of a source-measure unit.

    It may be joined to another heater at any time, as by hand; `joined` is its bank and element.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._heater: Heaters | None = None
        self.joined: tuple[int, int] | None = None
        self._volts = 0.0

    def join(self, bank: int, element: int) -> None:
        """Lead to this heater from now on; the one before is at rest."""
        if self._volts and self._heater is not None:
            self._drive(self._heater, 0.0)
        self._heater = Heaters(self._wiring, np.array([bank]), np.array([element]))
        self.joined = (bank, element)
        if self._volts:
            self._drive(self._heater, self._volts)

    def current(self, volts: float) -> float:
        """Amperes that flow at so many volts once it is warm."""
        if self._heater is None:
            return 0.0
        (amps,) = self._heater.amps(np.zeros(1, np.intp), np.array([abs(volts)]))
        return math.copysign(float(amps), volts)

    def driven(self, volts: float) -> None:
        """From now on there are so many volts over it; heat knows no sign."""
        if volts == self._volts:
            return
        self._volts = volts
        if self._heater is not None:
            self._drive(self._heater, volts)

    @staticmethod
    def _drive(heater: Heaters, volts: float) -> None:
        heater.drive(np.zeros(1, np.intp), np.array([abs(volts)]))


class BoxJoint:
    """One box's surroundings: the trigger line, and the detectors at its inputs."""

    def __init__(self, wiring: Wiring, name: str) -> None:
        self._wiring = wiring
        self._name = name

    def now(self) -> float:
        """Bench time, s."""
        return self._wiring.now()

    def next_edge(self, after: float, rising: bool) -> float | None:
        """Next edge at its trigger input, bench time in s."""
        return self._wiring.trigger_of(self._name).next_edge(after, rising)

    def quiet(self) -> bool:
        """Whether no edge is to come until the lines play something else."""
        return self._wiring.trigger_of(self._name).quiet()

    def before_change(self) -> None:
        """An output of the box is about to change."""
        self._wiring.before_change()

    def observe(self, capture: Capture, first: int, count: int) -> None:
        """Make `capture.points` cover points `first` after the trigger and on."""
        self._wiring.observe(self._name, capture, first, count)


class TriggerLine:
    """The surroundings of an instrument at the trigger line, or where that leads by a delay
    generator.

    `joined`: False while the instrument is being built, before bench time runs.
    """

    def __init__(self, wiring: Wiring, name: str) -> None:
        self._wiring = wiring
        self._name = name
        self.joined = False

    def next_edge(self, after: float, rising: bool) -> float | None:
        """Next edge at its trigger input, bench time in s."""
        return self._wiring.trigger_of(self._name).next_edge(after, rising)

    def before_change(self) -> None:
        """An output is about to change."""
        if self.joined:
            self._wiring.before_change()


class MeterJoint(TriggerLine):
    """The surroundings of a power meter: its trigger input, and the light on its ports."""

    def watts(self, port: int, start: float, step: float, count: int) -> Floats:
        """Mean power (count,) in W at a port (from 1) in windows of `step` s from `start` on."""
        return self._wiring.watts(self._name, port, start, step, count)


class Played:
    """A waveform generator as the wiring sees it."""

    def __init__(self, generator: Keysight33600A) -> None:
        self._generator = generator

    def advance(self) -> None:
        """Take all triggers that have come up to now."""
        self._generator.advance()

    def waveform(self, output: int, origin: float, begin: float, end: float) -> Waveform:
        """What an output (from 1) does in bench times begin..end (s), relative to `origin`."""
        return self._generator.outputs[output - 1].waveform(origin, begin, end)
