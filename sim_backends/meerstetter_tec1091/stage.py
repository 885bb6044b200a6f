"""What the controller heats and cools: an object on a Peltier element on a heat sink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Stage(Protocol):
    """A thermal load with two sensors, driven by a current; positive cools."""

    object_celsius: float
    sink_celsius: float

    def advance(self, amps: float, seconds: float) -> None:
        """Let a constant current flow for a short time."""
        ...

    def volts(self, amps: float) -> float:
        """The voltage that a current takes, V."""
        ...


@dataclass
class PeltierStage:
    """A chip carrier of a few grams of copper: first order, with a heat sink behind the element.

    Heat pumped by a Peltier element: `seebeck * T * I - R I^2 / 2 - K (T_sink - T_object)` (any
    text on thermoelectrics). Heat capacities in J/K, conductances in W/K, temperatures in degC.
    """

    ambient_celsius: float = 23.0
    heat_load: float = 0.3
    """W that the chip's heaters put into the object."""
    object_capacity: float = 15.0
    sink_capacity: float = 250.0
    object_leak: float = 0.03
    sink_conductance: float = 1.5
    seebeck: float = 0.025
    """V/K"""
    resistance: float = 2.0
    """ohm"""
    conductance: float = 0.25
    object_celsius: float = 23.0
    sink_celsius: float = 23.0

    def advance(self, amps: float, seconds: float) -> None:
        """One explicit Euler step: the time constants are over 40 s, a step is 0.1 s."""
        cold, hot = self.object_celsius, self.sink_celsius
        joule = self.resistance * amps * amps
        through = self.conductance * (hot - cold)
        taken = self.seebeck * (cold + 273.15) * amps - joule / 2.0 - through
        given = self.seebeck * (hot + 273.15) * amps + joule / 2.0 - through
        gained = self.heat_load + self.object_leak * (self.ambient_celsius - cold)
        lost = self.sink_conductance * (hot - self.ambient_celsius)
        self.object_celsius = cold + (gained - taken) * seconds / self.object_capacity
        self.sink_celsius = hot + (given - lost) * seconds / self.sink_capacity

    def volts(self, amps: float) -> float:
        """Ohm's voltage and Seebeck's."""
        return self.resistance * amps + self.seebeck * (self.sink_celsius - self.object_celsius)
