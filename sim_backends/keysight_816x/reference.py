"""The reference wavelength, and the laser tuned by a difference in frequency from it.

Source: 8163A/B, 8164A/B & 8166A/B programming guide, SOURce:WAVelength:FREQuency (its formula, its
unit) and SOURce:WAVelength:REFerence. A choice here: what the reference is until it is set (the
middle of the range), that *RST brings it back, and that the difference told is that of the
wavelength as it is now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, number
from sim_backends.engine.session import ScpiSession
from sim_backends.engine.writing import nr3

if TYPE_CHECKING:
    from .mainframe import Keysight816x

LONG = nr3(8, exponent=3)
LIGHT = 299792458.0
"""m/s."""


class Reference:
    """WAVelength:REFerence?, WAVelength:REFerence:DISPlay and WAVelength:FREQuency of a laser."""

    def __init__(self, laser: Keysight816x) -> None:
        self._laser = laser
        self.reset()
        head = f"{laser.head}WAVelength"
        laser.commands.add(f"{head}:REFerence[1]:DISPlay", self._take)
        laser.query(f"{head}:REFerence[1]", lambda text: laser.limit(text, self._wavelength))
        laser.pair(f"{head}:FREQuency[1]", self._tune, self._told)

    def reset(self) -> None:
        """As it was switched on."""
        self._wavelength = 0.5 * (self._laser.kind.low + self._laser.kind.high)

    def _take(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        arguments(text, 0, 0)
        self._wavelength = self._laser.wavelength

    def _tune(self, text: str) -> None:
        """By a difference in Hz. Raises `ScpiError` -222 where the laser does not get there."""
        frequency = LIGHT / self._wavelength + number(text, "HZ")
        if frequency <= 0.0:
            raise ScpiError(-222)
        self._laser.set_wavelength(repr(LIGHT / frequency))

    def _told(self, text: str) -> str:
        arguments(text, 0, 0)
        return LONG(LIGHT / self._laser.wavelength - LIGHT / self._wavelength)
