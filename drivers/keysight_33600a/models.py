"""What differs between the models of both families."""

from __future__ import annotations

import re
from dataclasses import dataclass

MODELS = (r"335(09|10|11|12|19|20|21|22)B", r"3352[12]A", r"336(11|12|21|22)A")
"""Model names, second field of `*IDN?`."""


@dataclass(frozen=True)
class Family:
    """`bits` of the DAC; a waveform has `least_points` to `most_points` (without the memory
    option).
    """

    bits: int
    least_points: int
    most_points: int


SMALL = Family(16, 8, 1_000_000)
LARGE = Family(14, 32, 4_000_000)
UNKNOWN = Family(14, 32, 1_000_000)
"""What both can do."""


def family(model: str) -> Family:
    """The family of a model name; what both can do for one that is not known (yet)."""
    if re.fullmatch(r"336\d\dA", model, re.IGNORECASE):
        return LARGE
    return SMALL if re.fullmatch(r"335\d\d[AB]", model, re.IGNORECASE) else UNKNOWN


def channel_count(model: str) -> int:
    """1 or 2: models of one channel have odd numbers (33511B, 33611A)."""
    digits = re.match(r"\d{5}", model)
    return 1 if digits and int(digits[0]) % 2 else 2
