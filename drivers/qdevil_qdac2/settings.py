"""The declared settings of a QDAC-II, and how lists of channels are asked and answered.

Their channels are counted from 1, as on the panel; sources: see the package.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from drivers.quantity import Quantity, Value

CHANNELS = 24
NUMBERS = tuple(range(1, CHANNELS + 1))
V_FULL = 10.0
I_FULL = 0.01
SLEW_LOW, SLEW_HIGH = 20.0, 2e7
AT_ZERO = 1e-3
"""V within which an output counts as being at 0 V."""

VOLTS = Quantity(
    "volts", "SOUR{channel}:VOLT", "Control an output in V (-10 to 10).", unit="V", low=-V_FULL,
    high=V_FULL, ramp=1000.0, safe=0.0, channels=NUMBERS,
)  # fmt: skip
LAST_VOLTS = Quantity(
    "last_volts", "SOUR{channel}:VOLT:LAST", "Get the voltage that was set last in V (-10 to 10).",
    unit="V", low=-V_FULL, high=V_FULL, channels=NUMBERS,
)  # fmt: skip
SLEW = Quantity(
    "slew", "SOUR{channel}:VOLT:SLEW",
    "Control how fast an output goes to a new voltage in V/s (20 to 2e7).", unit="V/s",
    low=SLEW_LOW, high=SLEW_HIGH, channels=NUMBERS,
)  # fmt: skip
MODE = Quantity(
    "mode", "SOUR{channel}:VOLT:MODE", "Get what the DC generator of an output does.", kind=str,
    choices=("FIX", "SWE", "LIST"), words={"FIX": "FIXed", "SWE": "SWEep"}, channels=NUMBERS,
)  # fmt: skip
RANGE = Quantity(
    "range", "SOUR{channel}:RANG", "Control an output's range: LOW 2 V, HIGH 10 V, both ways.",
    kind=str, choices=("LOW", "HIGH"), channels=NUMBERS,
)  # fmt: skip
FILTER = Quantity(
    "filter", "SOUR{channel}:FILT",
    "Control an output's low-pass filter: DC 10 Hz, MED 10 kHz, HIGH about 300 kHz.",
    kind=str, choices=("DC", "MED", "HIGH"), words={"MED": "MEDium"}, channels=NUMBERS,
)  # fmt: skip
CURRENT_RANGE = Quantity(
    "current_range", "SENS{channel}:RANG",
    "Control a current meter's range: LOW 200 nA, HIGH 10 mA, both ways.", kind=str,
    choices=("LOW", "HIGH"), channels=NUMBERS,
)  # fmt: skip
APERTURE = Quantity(
    "aperture", "SENS{channel}:APER",
    "Control how long a current is measured in s (0.0003 to 1).", unit="s", low=0.0003, high=1.0,
    channels=NUMBERS,
)  # fmt: skip
AMPS = Quantity(
    "amps", "READ{channel}", "Measure an output's current in A (-0.01 to 0.01).", unit="A",
    low=-I_FULL, high=I_FULL, channels=NUMBERS,
)  # fmt: skip
QUANTITIES = (
    VOLTS, LAST_VOLTS, SLEW, MODE, RANGE, FILTER, CURRENT_RANGE, APERTURE, AMPS,
)  # fmt: skip
AT_ZERO_ONLY = (RANGE, FILTER)
"""What is changed at 0 V only."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def listed(numbers: Iterable[int]) -> str:
    """A channel list of channel numbers, neighbours as ranges: `(@1:3,7)`."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    parts = (str(a) if a == b else f"{a}:{b}" for a, b in spans)
    return f"(@{','.join(parts)})"


def parse_values(text: str, count: int) -> list[float]:
    """Numbers between commas. Raises `ValueError` for another count, or what is no number."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != count:
        raise ValueError(f"{len(parts)} values came, not {count}")
    for part in parts:
        if not _NUMBER.fullmatch(part):
            raise ValueError(f"{part!r} is no number")
    values = [float(part) for part in parts]
    if not all(map(math.isfinite, values)):
        raise ValueError("a value is beyond all numbers")
    return values


def parse_words(quantity: Quantity, text: str, count: int) -> list[Value]:
    """Values of a quantity between commas. Raises `ValueError` as `parse_values`."""
    parts = text.split(",")
    if len(parts) != count:
        raise ValueError(f"{len(parts)} values came, not {count}")
    return [quantity.parse(part) for part in parts]


def spelled(volts: float) -> str:
    """A voltage to the microvolt (the converter's step is 0.6 uV): `-1.5`, `0`."""
    text = f"{volts:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
