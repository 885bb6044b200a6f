"""From volts to the words of the waveform memory and back, within what one channel may play."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.errors import LimitError
from drivers.keysight_33600a.settings import AMPLITUDE, MOST_EMF

FULL_SCALE = 32767
"""Word of +-half the amplitude, whatever the DAC's bits (`DATA:ARB:DAC`)."""


@dataclass(frozen=True)
class Scale:
    """One channel: `amplitude` (Vpp) and `offset` (V) into `load` (ohm, inf for an open one)."""

    amplitude: float
    offset: float
    load: float

    def check(self, instrument: str, channel: int) -> None:
        """Raise `LimitError` for what no model can put out: 5 V into 50 ohm at most."""
        load = self.load
        if not (1.0 <= load <= 1e4 or load == math.inf):
            limit = "1 to 10000 ohm, or inf for an open circuit"
            raise LimitError(instrument, channel, load, limit, "ohm")
        AMPLITUDE.check(self.amplitude, instrument=instrument, channel=channel)
        most = MOST_EMF if math.isinf(load) else MOST_EMF * load / (load + 50.0)
        peak = abs(self.offset) + 0.5 * self.amplitude
        if not peak <= most * (1.0 + 1e-12):
            limit = f"|offset| + amplitude / 2 <= {most:.6g} V into {load:g} ohm"
            raise LimitError(instrument, channel, peak, limit, "V")

    @property
    def low(self) -> float:
        """Lowest voltage, V."""
        return self.offset - 0.5 * self.amplitude

    @property
    def high(self) -> float:
        """Highest voltage, V."""
        return self.offset + 0.5 * self.amplitude

    def check_volts(self, volts: NDArray[np.float64], instrument: str, channel: int) -> None:
        """Raise `LimitError` for volts (samples,) beyond the ends, NaN or inf."""
        slack = 1e-12 * (abs(self.offset) + self.amplitude)
        good = (volts >= self.low - slack) & (volts <= self.high + slack)
        if not good.all():
            bad = float(volts[int(np.argmin(good))])
            limit = f"{self.low:.9g} to {self.high:.9g} V, by its amplitude and offset"
            raise LimitError(instrument, channel, bad, limit, "V")

    def words(self, volts: NDArray[np.float64], bits: int) -> NDArray[np.int64]:
        """Words (samples,) of volts (samples,) that a DAC of so many bits plays as they are."""
        grid = 1 << (16 - bits)
        top = FULL_SCALE // grid * grid
        steps = np.rint((volts - self.offset) * (2.0 * FULL_SCALE / (self.amplitude * grid)))
        return np.clip(steps.astype(np.int64) * grid, -top, top)

    def volts(self, words: NDArray[np.int64]) -> NDArray[np.float64]:
        """Volts (samples,) that words (samples,) play."""
        volts = self.offset + words * (0.5 * self.amplitude / FULL_SCALE)
        return np.asarray(volts, dtype=np.float64)


def payload(words: NDArray[np.int64]) -> bytes:
    """Words as the bytes of a block, least significant first (`FORM:BORD SWAP`)."""
    return words.astype("<i2").tobytes()
