"""Modulators and detectors: from instrument volts to field amplitudes and back."""

from __future__ import annotations

import numpy as np

from sim_backends.plant.devices import Devices
from sim_backends.plant.signals import Floats
from sim_backends.plant.spec import PlantSpec


class Modulators:
    """Null-biased Mach-Zehnder modulators, E = sin(pi/2 kappa u + b), u = V_modulator / V_pi."""

    def __init__(self, spec: PlantSpec, devices: Devices) -> None:
        per_volt = spec.polarity * spec.drive_gain / spec.v_pi
        self._scale = 0.5 * np.pi * devices.modulator_gain * per_volt
        self._bias = devices.modulator_bias

    def amplitudes(self, volts: Floats) -> Floats:
        """Field amplitudes for volts (..., N) at the instruments' outputs."""
        return np.sin(volts * self._scale + self._bias)


class Detectors:
    """Detectors with soft saturation, gain and offset; volts at the input of the digitiser."""

    def __init__(self, spec: PlantSpec, devices: Devices) -> None:
        self._saturation = spec.numbers.saturation
        self._gain = devices.detector_gain / spec.detector_range
        self._offset = devices.detector_offset / spec.detector_range
        self._range = spec.detector_range
        self._noise = spec.numbers.read_noise

    def volts(self, signal: Floats) -> Floats:
        """Settled volts for optical signals (..., N) in signal units."""
        limit = self._saturation
        if limit is None:
            return signal * self._gain + self._offset
        volts = signal / limit
        np.tanh(volts, out=volts)
        volts *= limit * self._gain
        volts += self._offset
        return volts

    def noise_volts(self, duration: float) -> Floats:
        """Volts rms (N,) of the white read noise of a point that lasts `duration` s.

        The number `read_noise` is stated for a mean over 384 ns.
        """
        return self._noise * np.sqrt(384e-9 / duration) / self._range
