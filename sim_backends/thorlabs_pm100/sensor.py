"""Photodiode heads, and the light that falls on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

POWER, ENERGY, RESPONSE, WAVELENGTH, TAU, TEMPERATURE = 1, 2, 16, 32, 64, 256
"""Flags of a sensor (PM100D manual, SYSTem:SENSor:IDN?)."""


class Light(Protocol):
    """Light at the end of a fibre, as of now."""

    @property
    def power(self) -> float:
        """W."""
        ...

    @property
    def wavelength(self) -> float:
        """M."""
        ...


class DarkFibre:
    """A fibre without light."""

    power = 0.0
    wavelength = 1550e-9


@dataclass(frozen=True)
class Sensor:
    """A photodiode head: who it is, its range (m) and power (W), and its dark current (A)."""

    name: str
    serial: str
    calibrated: str
    kind: int
    subtype: int
    flags: int
    low: float
    high: float
    most: float
    dark: float
    peak: float
    """Wavelength of its best response, m."""
    best: float
    """Its best response, A/W."""

    def response(self, wavelength: float) -> float:
        """A/W at a wavelength (m): the quantum efficiency falls off on both sides of the peak."""
        if not self.low <= wavelength <= self.high:
            return 1e-6
        off = (wavelength - self.peak) / (self.high - self.low)
        return max(self.best * wavelength / self.peak * (1.0 - 1.5 * off * off), 0.02)

    @property
    def middle(self) -> float:
        """The wavelength that a meter sets when the head is plugged in, m."""
        return self.peak


SENSORS = {
    sensor.name: sensor
    for sensor in (
        Sensor(
            "S155C", "1207041", "18-JUL-2023", 1, 18, POWER | WAVELENGTH | TEMPERATURE, 800e-9,
            1700e-9, 20e-3, 2e-10, 1550e-9, 0.25,
        ),
        Sensor(
            "S154C", "1409152", "02-SEP-2023", 1, 18, POWER | WAVELENGTH, 800e-9, 1700e-9, 3e-3,
            4e-11, 1550e-9, 1.0,
        ),
        Sensor(
            "S130C", "210921324", "21-SEP-2021", 1, 3, POWER | WAVELENGTH, 400e-9, 1100e-9, 500e-3,
            1e-10, 960e-9, 0.6,
        ),
    )
}  # fmt: skip
