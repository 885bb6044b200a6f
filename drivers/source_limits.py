"""What a source-measure unit may be asked for: its power, and the bench's own limits.

Source: specifications of the 2400 and 2450: 21 V at 1.05 A and 210 V at 105 mA, 22 W at most.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.errors import LimitError
from drivers.quantity import Quantity

MOST_VOLTS, MOST_AMPERES = 210.0, 1.05
LARGE_VOLTS, LARGE_AMPERES = 21.0, 0.105
"""Beyond 21 V no more than 105 mA."""


@dataclass(frozen=True)
class SourceLimits:
    """Limits of one unit on its bench, V and A, of levels and limits alike; 0 allows nothing.

    Raises `ValueError` for what is negative, or more than the unit has.
    """

    name: str
    max_volts: float
    max_amperes: float

    def __post_init__(self) -> None:
        for what, value, most in (
            ("max_volts", self.max_volts, MOST_VOLTS),
            ("max_amperes", self.max_amperes, MOST_AMPERES),
        ):
            if not 0.0 <= value <= most:
                raise ValueError(
                    f"{self.name}: {what} {value!r} must be above 0 and at most {most:g}"
                )

    def narrowed(self, volts: float, amperes: float) -> SourceLimits:
        """These limits, no wider than `volts` V and `amperes` A."""
        return SourceLimits(self.name, min(self.max_volts, volts), min(self.max_amperes, amperes))

    def check_bench(self, quantity: Quantity, value: float) -> None:
        """Raise `LimitError` for more than the bench allows, NaN too."""
        unit = quantity.unit
        most = self.max_volts if unit == "V" else self.max_amperes
        if not abs(value) <= most:
            limit = f"{-most:g} to {most:g} {unit} on this bench"
            raise LimitError(self.name, quantity.name, value, limit, unit)

    def check_power(self, quantity: Quantity, value: float, other: float) -> None:
        """A level beside its limit, or the other way round. Raises `LimitError`."""
        volts, amperes = (value, other) if quantity.unit == "V" else (other, value)
        if abs(volts) > LARGE_VOLTS and abs(amperes) > LARGE_AMPERES:
            limit = f"{LARGE_VOLTS:g} V above {LARGE_AMPERES:g} A (beside it stand {other:g} A)"
            if quantity.unit == "A":
                limit = f"{LARGE_AMPERES:g} A above {LARGE_VOLTS:g} V (beside it stand {other:g} V)"
            raise LimitError(self.name, quantity.name, value, limit, quantity.unit)
