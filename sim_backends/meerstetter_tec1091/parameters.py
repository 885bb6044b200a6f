"""The parameters of the controller: number, type, flags, instances, range, value when new.

Numbers, types, instances and ranges as in the metadata of a real 4 A, 21 V device
(JulienKluge/pyMeComTEC, `params.csv`); values when new are this simulation's choice, unless noted.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from . import kept

FLOAT, INT = 0, 1
"""Types as `?VM` tells them."""
READ, WRITE = 1, 2
"""Flags as `?VM` tells them."""


def to_float32(value: float) -> float:
    """The nearest value that a FLOAT32 holds."""
    return struct.unpack(">f", struct.pack(">f", value))[0]


@dataclass(frozen=True)
class Parameter:
    """One parameter of the device."""

    number: int
    kind: int
    low: float
    high: float
    instances: int = 2
    new: float = 0.0
    writable: bool = True

    @property
    def flags(self) -> int:
        """Readable, and writable where it is."""
        return READ | (WRITE if self.writable else 0)

    def encode(self, value: float) -> str:
        """Eight digits, as the wire has a value of this parameter."""
        if self.kind == FLOAT:
            return struct.pack(">f", value).hex().upper()
        return struct.pack(">I", int(value) & 0xFFFFFFFF).hex().upper()

    def decode(self, digits: str) -> float:
        """The value in eight digits. Raises ValueError when they are none."""
        raw = bytes.fromhex(digits)
        return struct.unpack(">f" if self.kind == FLOAT else ">i", raw)[0]

    def allows(self, value: float) -> bool:
        """Whether the value may be set."""
        low, high = self.low, self.high
        if self.kind == FLOAT:
            low, high = to_float32(low), to_float32(high)
        return low <= value <= high


def _told(kind: int, instances: int, *numbers: int) -> list[Parameter]:
    low, high = (-math.inf, math.inf) if kind == FLOAT else (0, 2**31 - 1)
    return [Parameter(number, kind, low, high, instances, writable=False) for number in numbers]


def _float(number: int, low: float, high: float, new: float, instances: int = 2) -> Parameter:
    return Parameter(number, FLOAT, low, high, instances, new)


def _int(number: int, low: int, high: int, new: int = 0, instances: int = 2) -> Parameter:
    return Parameter(number, INT, low, high, instances, new)


def _kept() -> list[Parameter]:
    """What nothing acts on."""
    found = [
        _float(number, *limits) for numbers, limits in kept.FLOATS.items() for number in numbers
    ]
    for numbers, (instances, low, high, new) in kept.INTEGERS.items():
        found += [_int(number, low, high, new, instances) for number in numbers]
    for (kind, instances), numbers in kept.READINGS.items():
        found += _told(kind, instances, *numbers)
    return found


SAVE_OFF, FLASH_STATUS = 108, 109
"""Only in firmware before 6, which saves every setting by itself."""

TABLE = {
    parameter.number: parameter
    for parameter in [
        *_told(INT, 1, 100, 101, 102, 103, 104, 105, 106, 107),
        _int(SAVE_OFF, 0, 1, instances=1),
        Parameter(FLASH_STATUS, INT, 0, 2, 1, writable=False),
        Parameter(1081, INT, 0, 2, 1, writable=False),
        *_told(FLOAT, 2, 1000, 1001, 1010, 1011, 1020, 1021),
        *_told(FLOAT, 1, 1060, 1063),
        Parameter(1200, INT, 0, 2, 2, writable=False),
        _int(2000, 0, 2, 2),
        _int(2010, 0, 3),
        _float(2020, -4.0, 4.0, 0.0),
        _float(2021, 0.0, 21.0, 0.0),
        _float(2030, 0.0, 4.0, 2.0),
        _float(2031, 0.0, 21.0, 8.0),
        _float(2032, 0.0, 5.6, 2.5),
        _float(2033, 0.0, 25.0, 10.0),
        _int(2040, 0, 2, instances=1),
        _int(2050, 4800, 1000000, 57600, instances=3),
        _int(2051, 1, 254, 2, instances=1),
        _float(3000, -273.0, 1000.0, 25.0),
        _float(3002, 0.0, 200.0, 1.0),
        _float(3003, 1e-6, 50.0, 0.5),
        _float(3010, 0.0, 1e4, 40.0),
        _float(3011, 1e-4, 1e4, 15.0),
        _float(3012, 0.0, 1e4, 0.0),
        _int(3020, 0, 2),
        _float(4010, -273.0, 1000.0, -10.0),
        _float(4011, -273.0, 1000.0, 90.0),
        _float(4040, 0.0, 50.0, 0.05),
        _float(4041, 0.0, 86400.0, 10.0),
        _float(6310, 0.0, 86400.0, 0.0, instances=1),
        _int(50000, 0, 1),
        _float(50001, -4.0, 4.0, 0.0),
        _float(50002, 0.0, 21.0, 0.0),
        *_kept(),
    ]
}
