"""The fast way into the plant: settled samples, with the converters, without instruments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sim_backends.plant.plant import Detection, Plant
from sim_backends.plant.signals import Floats
from sim_backends.plant.spec import RAW_SAMPLE

#: V, full scale of the heater drivers' words (Qontrol Q8iv: word = V / 12 * 0xFFFF).
HEATER_FULL_SCALE = 12.0


class SlotMachine:
    """A bench reduced to its slots: levels in, frames through one bank, mean volts out.

    It quantises as the instruments do (16-bit heater words over 12 V, ADC a point) and averages
    the points that the guard leaves of each sample, each with its own read noise.

    Parameters
    ----------
    document : decoded bench file.
    start_time : s of bench time.
    plant : one to share; by default the document's own.

    Attributes
    ----------
    time : s of bench time. It moves by `advance` alone.
    """

    def __init__(
        self, document: Mapping[str, Any], start_time: float = 0.0, plant: Plant | None = None
    ) -> None:
        self._plant = Plant.from_document(document) if plant is None else plant
        spec = self._plant.spec
        self.ports = spec.ports
        self.n_banks = spec.n_banks
        self.elements = spec.elements
        self.time = start_time
        self._words: Floats = np.full((spec.n_banks, spec.elements), np.nan)
        self._frames_now = 0
        self._adc_bits = spec.numbers.adc_bits
        self._metered = spec.metered
        duration = spec.point if spec.average else RAW_SAMPLE
        self._noise = self._plant.detectors.noise_volts(duration)

    def advance(self, seconds: float) -> None:
        """Let bench time pass.

        Raises
        ------
        ValueError
            When `seconds` is negative or not finite.
        """
        if not 0.0 <= seconds < float("inf"):
            raise ValueError(f"bench time cannot advance by {seconds} s")
        if seconds > 0.0:
            self.time += seconds
            self._frames_now = 0

    def program(self, levels: Floats) -> int:
        """Write nominal heater powers in W, (n_banks, elements), now; return how many changed.

        Raises
        ------
        ValueError
            When the shape is another, or a level is negative, not finite, or beyond full scale.
        """
        levels = np.asarray(levels, dtype=np.float64)
        if levels.shape != (self.n_banks, self.elements):
            raise ValueError(
                f"levels of shape {levels.shape}; {(self.n_banks, self.elements)} is needed"
            )
        r_nom = self._plant.spec.r_nom
        wrong = ~((levels >= 0.0) & (levels * r_nom <= HEATER_FULL_SCALE**2))
        if wrong.any():
            bank, element = (int(i) for i in np.argwhere(wrong)[0])
            most = HEATER_FULL_SCALE**2 / r_nom[bank, element]
            raise ValueError(
                f"bank {bank}, element {element}: level {levels[bank, element]} W is not within "
                f"0 to {most:.4g} W"
            )
        volts = np.sqrt(levels * r_nom)
        bits = self._plant.spec.numbers.heater_dac_bits
        if bits is not None:
            step = HEATER_FULL_SCALE / (2**bits - 1)
            volts = np.rint(volts / step) * step
        written = 0
        for bank in range(self.n_banks):
            changed = np.flatnonzero(volts[bank] != self._words[bank])
            if changed.size:
                self._plant.set_volts(bank, changed, volts[bank, changed], self.time)
                written += int(changed.size)
        self._words = volts
        return written

    def frame(
        self, bank: int, volts: Floats, detection: Detection = "homodyne", *, lit: bool = True
    ) -> Floats:
        """Send samples through one bank and read them.

        Parameters
        ----------
        bank : the bank held during the frame.
        volts : (samples, N) V at the instruments' outputs, as their DACs make them.
        detection, lit : as `Plant.slot`.

        Returns
        -------
        (samples, N) V: the mean over the settled points of each sample.
        """
        spec = self._plant.spec
        volts = np.asarray(volts, dtype=np.float64)
        bits = spec.numbers.dac_bits
        # The instruments' own 14 bits are in `volts` already.
        if bits is not None and bits < 14:
            volts = _quantise(volts, bits)
        settled = self._plant.slot(bank, volts, self.time, detection, lit=lit)
        if not spec.numbers.read_noise:
            return self._converted(settled)
        stream = self._plant.noise_stream(self.time, self._frames_now)
        self._frames_now += 1
        read = stream.standard_normal((spec.points, *settled.shape))
        read *= self._noise
        read += settled
        return self._converted(read).mean(axis=0)

    def _converted(self, volts: Floats) -> Floats:
        """What the readouts make of volts (…, N)."""
        if self._metered.all():
            return volts
        return np.where(self._metered, volts, _quantise(volts, self._adc_bits))


def _quantise(volts: Floats, bits: int | None) -> Floats:
    """Round volts to a converter of +-1 V and `bits` bits, two's complement."""
    if bits is None:
        return volts
    half = 2.0 ** (bits - 1)
    codes = np.rint(volts * half)
    return np.clip(codes, -half, half - 1.0, out=codes) / half
