"""What a Red Pitaya's 14-bit converters make of volts: checks, words, and their spelling."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from drivers.errors import LimitError

FULL_SCALE = 1.0
"""Volts of the outputs."""
INPUT_FULL_SCALE = {"LV": 1.0, "HV": 20.0}
"""Volts of the inputs, by the setting of their jumpers."""
STEPS = 8192
"""Steps of one polarity: words run from -8192 to 8191."""


def check_volts(instrument: str, volts: NDArray[np.float64]) -> None:
    """Raise `LimitError` for volts (samples, outputs) outside +-1 V, NaN and inf."""
    # NaN compares false, so one comparison of the largest magnitude refuses it as well.
    if volts.size and not np.abs(volts).max() <= FULL_SCALE:
        at = np.unravel_index(int(np.argmin(np.abs(volts) <= FULL_SCALE)), volts.shape)
        channel: int | str = int(at[1]) + 1 if volts.ndim == 2 else "output"
        limit = f"-{FULL_SCALE:g} to {FULL_SCALE:g} V"
        raise LimitError(instrument, channel, float(volts[at]), limit, "V")


def words(volts: NDArray[np.float64]) -> NDArray[np.int64]:
    """DAC words nearest to checked volts; same shape. 1 V is the top word, one step short of it."""
    return np.minimum(np.rint(volts * (STEPS / FULL_SCALE)).astype(np.int64), STEPS - 1)


def volts(
    adc_or_dac: NDArray[np.int64] | NDArray[np.float64], full_scale: float = FULL_SCALE
) -> NDArray[np.float64]:
    """The volts that words of a converter of so many volts stand for; same shape."""
    return np.multiply(adc_or_dac, full_scale / STEPS, dtype=np.float64)


@cache
def word_texts() -> list[str]:
    """Each DAC word as a fraction of full scale in decimals, far finer than half a step.

    Indexed by the word itself: a negative one counts from the end.
    """
    every = (*range(STEPS), *range(-STEPS, 0))
    return [f"{word / STEPS:.5f}".rstrip("0").rstrip(".") if word else "0" for word in every]
