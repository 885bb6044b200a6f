"""Microring weight banks: N x N rings a bank, one row of rings for each output.

Every output has a bus with one ring a wavelength; what a ring drops goes to one photodiode, what
passes goes to the other, and their difference is read. With x the detuning of a ring's resonance
from its own laser in half-widths, a ring drops the share L(x) = A / (1 + x^2) of its wavelength,
and, being `spacing` half-widths away, L(x + spacing (m - j)) of another one's. Light that one ring
has dropped is not there for the next, so of wavelength j a row drops

    d_j = 1 - prod over its rings m of (1 - L_m(x_m + spacing (m - j)))

which is its own ring's share plus its neighbours' tails to first order. The weight is w = 2 d - 1.

The inputs are powers: each modulator is biased at quadrature, so its light is 1 + s in units of
its light there, s = sin(pi/2 kappa u + b). The rest of the plant (heaters, gates, memory,
detectors) is that of a mesh, with powers in the place of fields.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from sim_backends.plant.devices import Devices
from sim_backends.plant.electronics import Modulators
from sim_backends.plant.heaters import HeaterState
from sim_backends.plant.layout import distance_law
from sim_backends.plant.plant import Plant
from sim_backends.plant.signals import Complexes, Floats
from sim_backends.plant.spec import PlantSpec

#: Numbers of the random streams; like those of `devices`, never to be changed.
_OFFSET, _AMPLITUDE = 31, 32
#: No ring drops less than this share at its resonance, however wide the spread is set.
_LEAST_AMPLITUDE = 0.2


@cache
def ring_positions(ports: int) -> Floats:
    """Places of the heaters, (N^2, 2), in heater pitches: x = wavelength, y = output."""
    y, x = np.divmod(np.arange(ports * ports), ports)
    return np.stack([x, y], axis=1).astype(np.float64)


@dataclass(frozen=True)
class Rings:
    """Constants of the rings of a bench, (n_banks, N^2) each, in element order.

    offset : half-widths, detuning of the cold resonance. amplitude : share dropped at resonance.
    """

    offset: Floats
    amplitude: Floats


def draw_rings(spec: PlantSpec) -> Rings:
    """Draw the rings that the seed of a bench stands for."""
    numbers, shape = spec.numbers, (spec.n_banks, spec.elements)

    def normal(stream: int) -> Floats:
        words = np.random.SeedSequence([spec.seed, stream])
        return np.random.default_rng(words).standard_normal(shape)

    amplitude = numbers.ring_amplitude + numbers.ring_amplitude_spread * normal(_AMPLITUDE)
    return Rings(
        offset=numbers.ring_offset + numbers.ring_offset_spread * normal(_OFFSET),
        # A ring never drops more than there is.
        amplitude=np.clip(amplitude, _LEAST_AMPLITUDE, 1.0),
    )


def weights(detuning: Floats, amplitude: Floats, spacing: float | None) -> Floats:
    """Weights of a bank, (N, N): output by wavelength.

    Parameters
    ----------
    detuning : (N, N) half-widths, of each ring's resonance from its own laser.
    amplitude : (N, N).
    spacing : half-widths from one laser to the next; None: rings see their own laser only.
    """
    if spacing is None:
        return 2.0 * amplitude / (1.0 + detuning**2) - 1.0
    number = np.arange(detuning.shape[1])
    # [i, m, j]: ring m of row i at laser j.
    apart = detuning[:, :, None] + spacing * np.subtract.outer(number, number)
    passed = np.prod(1.0 - amplitude[:, :, None] / (1.0 + apart**2), axis=1)
    return 1.0 - 2.0 * passed


class QuadratureModulators(Modulators):
    """Modulators biased at quadrature: powers 1 + sin(pi/2 kappa u + b), 1 when not driven."""

    def amplitudes(self, volts: Floats) -> Floats:
        """Powers for volts (..., N), in units of the power at quadrature."""
        return 1.0 + super().amplitudes(volts)


class MicroringPlant(Plant):
    """A bench whose banks are microring weight banks, read by balanced detectors.

    `matrix` is the bank's weights by sqrt N, and `devices.leak` the share of power of the other
    banks, 10^(-extinction / 10). In signal units, 1 is the current of sqrt N channels at
    quadrature, all dropped. Drift is in half-widths.
    """

    coherent = False

    def __init__(self, spec: PlantSpec) -> None:
        super().__init__(spec)
        self.rings = draw_rings(spec)

    def _make_devices(self) -> Devices:
        devices = super()._make_devices()
        return replace(devices, leak=(np.abs(devices.leak) ** 2).astype(np.complex128))

    def _make_modulators(self) -> Modulators:
        return QuadratureModulators(self.spec, self.devices)

    def _make_crosstalk(self) -> Floats:
        numbers = self.spec.numbers
        return distance_law(
            ring_positions(self.spec.ports),
            numbers.crosstalk_c1,
            numbers.crosstalk_d0,
            numbers.crosstalk_cg,
        )

    def detuning(self, bank: int, x: Floats) -> Floats:
        """Detunings without drift, (elements,) half-widths, at powers x in each ring's own unit."""
        numbers = self.spec.numbers
        own = numbers.ring_shift * x * (1.0 + numbers.curvature * x)
        return self.rings.offset[bank] + own + self.crosstalk @ (numbers.ring_shift * x)

    def _matrix(self, bank: int, state: HeaterState, at: float) -> Complexes:
        still = self.detuning(bank, self._heaters[bank].power(state, at))
        detuning = self._drifted(bank, still, at)
        ports = self.spec.ports
        amplitude = self.rings.amplitude[bank].reshape(ports, ports)
        signed = weights(detuning.reshape(ports, ports), amplitude, self.spec.numbers.ring_spacing)
        return (signed / np.sqrt(ports)).astype(np.complex128)
