"""What an as-built class knows of a microring bank.

The classes of `as_built`, in half-widths where those of a mesh are in rad: the survey finds each
ring's detuning, and turns its law's slope, at the reference bias, where all heaters are at the
nominal unit of power. The spacing of the lasers is the design's. What a class does not know is
absorbed: the bend of the law in the best straight line, the crosstalk in its value at the reference
bias, the amplitudes in their mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from sim_backends.plant.microring import MicroringPlant
from sim_backends.plant.signals import Floats

GAUGE = (
    "x = detuning of a ring's resonance from its own laser in half-widths, above it positive; "
    "L_m(x) = amplitude / (1 + x^2); weight = 1 - 2 prod over the row's rings m of "
    "(1 - L_m(x_m + spacing (m - j))); losses before and behind a bank are in detector_gain; "
    "machine.leak is of power"
)
#: Without lasers' spacing in the plant, a record still has to state one: far enough to be alone.
_ALONE = 1e6


class Quality(Protocol):
    """What of an as-built class matters here; see `as_built.Quality`."""

    @property
    def phase(self) -> float:
        """Half-widths rms, error of a detuning at the reference bias."""
        ...

    @property
    def slope(self) -> float:
        """Relative rms error of every shift per power."""
        ...

    @property
    def curvature(self) -> bool:
        """Whether the bend of the law is known."""
        ...

    @property
    def crosstalk(self) -> bool:
        """Whether the crosstalk is known."""
        ...

    @property
    def splitters(self) -> bool:
        """Whether what varies from device to device in the optics is known: the amplitudes."""
        ...


def microring_bank(
    plant: MicroringPlant,
    quality: Quality,
    bank: int,
    stream: np.random.Generator,
    survey: Floats,
    reference: float,
) -> dict[str, Any]:
    """One bank's table of the record.

    survey : powers, in nominal units, over which a law is laid; reference : that of the bias.
    """
    spec, numbers = plant.spec, plant.spec.numbers
    offset_error, shift_error = stream.standard_normal((2, spec.elements))
    offset, shift, curvature = _own_law(plant, bank, survey, curved=quality.curvature)
    if not quality.crosstalk:
        heat = numbers.ring_shift * _relative_powers(plant, bank, reference)
        offset = offset + plant.crosstalk @ heat
    believed = shift * (1.0 + quality.slope * shift_error)
    offset = offset + quality.phase * offset_error - (believed - shift) * reference * spec.p_pi
    offset_sigma = np.hypot(quality.phase, quality.slope * float(shift.mean()) * spec.p_pi)
    bend = 0.0 if quality.curvature else abs(numbers.curvature - numbers.resistance_rise)
    known = quality.splitters
    mean = np.full(spec.elements, numbers.ring_amplitude)
    return {
        "resonance_offset": _estimate(offset, float(offset_sigma)),
        "shift": _estimate(believed, quality.slope),
        "curvature": _estimate(curvature, bend / spec.p_pi),
        "amplitude": _estimate(
            plant.rings.amplitude[bank] if known else mean,
            0.0 if known else numbers.ring_amplitude_spread,
        ),
        "spacing": _ALONE if numbers.ring_spacing is None else numbers.ring_spacing,
        "crosstalk": _crosstalk(plant, known=quality.crosstalk),
    }


def _crosstalk(plant: MicroringPlant, *, known: bool) -> Mapping[str, Any]:
    numbers = plant.spec.numbers
    return {
        "c1": numbers.crosstalk_c1 if known else 0.0,
        "d0": numbers.crosstalk_d0,
        "cg": numbers.crosstalk_cg if known else 0.0,
        "known": known,
    }


def _relative_powers(plant: MicroringPlant, bank: int, level: float) -> Floats:
    """Powers in each heater's own unit with all at `level` nominal ones, (elements,)."""
    spec = plant.spec
    return plant.settled_powers(bank, np.sqrt(level * spec.p_pi * spec.r_nom[bank]))


def _own_law(
    plant: MicroringPlant, bank: int, survey: Floats, *, curved: bool
) -> tuple[Floats, Floats, Floats]:
    """Best law of each ring's own detuning over the survey: offset, shift and curvature.

    x = offset + shift p (1 + curvature p), (elements,) in half-widths, half-widths/W and 1/W.
    """
    numbers = plant.spec.numbers
    x = np.array([_relative_powers(plant, bank, level) for level in survey])
    terms = np.polynomial.polynomial.polyfit(
        survey * plant.spec.p_pi,
        numbers.ring_shift * x * (1.0 + numbers.curvature * x),
        2 if curved else 1,
    )
    bend = terms[2] / terms[1] if curved else np.zeros_like(terms[1])
    return plant.rings.offset[bank] + terms[0], terms[1], bend


def _estimate(value: Floats, sigma: float) -> dict[str, Any]:
    return {"value": value.tolist(), "sigma": float(sigma)}
