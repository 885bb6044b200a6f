"""What surrounds the chips, as other instruments make it: the laser's light and the temperature.

A change of wavelength turns a phase whose two ways differ in length by dL by -2 pi n_g dL dlambda /
lambda^2, n_g the waveguides' group index; a ring is off by as much more or less as the laser moves
beside its resonance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sim_backends.plant.signals import Floats
from sim_backends.plant.spec import MICRORING, PlantSpec

# Random streams, beside those of `plant`: never to be changed.
_STAGE, _PATHS = 105, 106
#: K of the thermal stage, and phase in rad, below which a bank's matrix is used again.
_STEADY = 1e-4

#: A quantity as a function of bench time in s.
InTime = Callable[[float], float]


def _one(at: float) -> float:
    return 1.0


def _none(at: float) -> float:
    return 0.0


class Surrounding(NamedTuple):
    """K above where the chips were surveyed, and m by which the laser is off its wavelength."""

    kelvin: float
    metres: float


class Surroundings:
    """Light and temperature of one bench, in bench time; nominal where nothing was joined.

    Attributes
    ----------
    stage_shift : (n_banks, elements) rad per K of the stage; half-widths of rings.
    wavelength_shift : (n_banks, elements) rad per m of wavelength; half-widths of rings.
    """

    def __init__(self, spec: PlantSpec) -> None:
        numbers, shape = spec.numbers, (spec.n_banks, spec.elements)

        def normal(stream: int) -> Floats:
            words = np.random.SeedSequence([spec.seed, stream])
            return np.random.default_rng(words).standard_normal(shape)

        self.stage_shift = numbers.stage_shift + numbers.stage_shift_spread * normal(_STAGE)
        if spec.core == MICRORING:
            self.wavelength_shift = np.full(shape, -1.0 / numbers.ring_half_width)
        else:
            difference = numbers.path_difference * normal(_PATHS)
            per_metre = -2.0 * np.pi * numbers.group_index / spec.wavelength**2
            self.wavelength_shift = per_metre * difference
        steepest = float(np.abs(self.wavelength_shift).max())
        self._steady_metres = _STEADY / steepest if steepest else float("inf")
        self.stand_alone()

    def stand_alone(self) -> None:
        """Nominal light, chips at the temperature of their survey, whatever was joined."""
        self.brightness: InTime = _one
        self._warmth: InTime = _none
        self._detuning: InTime = _none

    def join_light(self, brightness: InTime, detuning: InTime) -> None:
        """Let a laser feed the bench: `brightness` in units of the nominal power, `detuning` in m
        of wavelength above the nominal one.
        """
        self.brightness, self._detuning = brightness, detuning

    def join_stage(self, warmth: InTime) -> None:
        """Let a thermal stage carry the chips: `warmth` in K above where they were surveyed."""
        self._warmth = warmth

    def at(self, time: float) -> Surrounding:
        """How it is at a bench time in s."""
        return Surrounding(self._warmth(time), self._detuning(time))

    def moved(self, bank: int, still: Floats, around: Surrounding) -> Floats:
        """Phases `still` (elements,), or what another core has in their place, in surroundings."""
        if around.kelvin:
            still = still + around.kelvin * self.stage_shift[bank]
        if around.metres:
            still = still + around.metres * self.wavelength_shift[bank]
        return still

    def alike(self, one: Surrounding, other: Surrounding) -> bool:
        """Whether no phase tells two surroundings apart."""
        return (
            abs(one.kelvin - other.kelvin) <= _STEADY
            and abs(one.metres - other.metres) <= self._steady_metres
        )
