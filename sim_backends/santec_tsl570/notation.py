"""How a TSL-570 writes and reads numbers: as the Legacy or as the SCPI command set."""

from __future__ import annotations

import re

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import number
from sim_backends.engine.writing import nr1, nr1_signed, nr2, nr3
from sim_backends.tunable_source import dbm_to_watts, watts_to_dbm

_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
_LONG = nr3(8, exponent=3)
_METRES = {"PM": 1e-12, "NM": 1e-9, "UM": 1e-6, "MM": 1e-3, "M": 1.0}
_HERTZ = {"HZ": 1.0, "KHZ": 1e3, "MHZ": 1e6, "GHZ": 1e9, "THZ": 1e12}
PICOMETRE_STEP = 1e-13
"""Resolution of wavelengths, m."""
_FREQUENCY_STEP = 1e7


def plain_decimal(text: str) -> float:
    """A number as the Legacy set takes it: no exponent, no unit. Raises `ScpiError`."""
    if _DECIMAL.fullmatch(text) is None:
        raise ScpiError(-138 if text[-1:].isalpha() else -121)
    return float(text)


def _stripped(value: float, places: int) -> str:
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".")


class Notation:
    """Numbers in the command set and the power unit that are set now."""

    def __init__(self, scpi: bool) -> None:
        self.scpi = scpi
        self.milliwatts = False

    # -- reading ----------------------------------------------------------------------------------

    def bare(self, text: str) -> float:
        """A number without a unit."""
        return number(text) if self.scpi else plain_decimal(text)

    def metres(self, text: str) -> float:
        """A wavelength, to 0.1 pm: nm in the Legacy set, else m or with its unit."""
        value = number(text, "M") if self.scpi else 1e-9 * plain_decimal(text)
        return round(value / PICOMETRE_STEP) * PICOMETRE_STEP

    def hertz(self, text: str) -> float:
        """A frequency, to 10 MHz: THz in the Legacy set, else Hz or with its unit."""
        value = number(text, "HZ") if self.scpi else 1e12 * plain_decimal(text)
        return round(value / _FREQUENCY_STEP) * _FREQUENCY_STEP

    def level(self, text: str) -> float:
        """A power in dBm, to 0.01 of the unit: in the unit that is set, or with its own."""
        upper = text.upper().removesuffix("ATT")
        if self.scpi and upper.endswith("DBM"):
            return round(number(upper.removesuffix("DBM").strip()), 2)
        if self.scpi and upper.endswith("W"):
            return self._of_watts(number(upper, "W"))
        value = self.bare(text)
        return self._of_watts(1e-3 * value) if self.milliwatts else round(value, 2)

    @staticmethod
    def _of_watts(watts: float) -> float:
        if not watts > 0.0:
            raise ScpiError(-222)
        return watts_to_dbm(1e-5 * round(watts * 1e5))

    # -- writing ----------------------------------------------------------------------------------

    def whole(self, value: float) -> str:
        """`1` or `+1`."""
        return nr1_signed(value) if self.scpi else nr1(value)

    def metres_text(self, metres: float, unit: str = "") -> str:
        """`1550.0000` or `+1.55000000E-006`; in another unit where one was asked for."""
        if not self.scpi:
            return nr2(4)(metres * 1e9)
        return _LONG(metres / _METRES[unit or "M"])

    def hertz_text(self, hertz: float, unit: str = "") -> str:
        """`200` or `+2.00000000E+014`; in another unit where one was asked for."""
        if not self.scpi:
            return _stripped(hertz * 1e-12, 5)
        return _LONG(hertz / _HERTZ[unit or "HZ"])

    def level_text(self, dbm: float, unit: str = "") -> str:
        """`10.00` or `+1.00000000E+001`, dBm or mW as set, or as asked for."""
        in_milliwatts = self.milliwatts if not unit else unit == "MW"
        value = 1e3 * dbm_to_watts(dbm) if in_milliwatts else dbm
        return _LONG(value) if self.scpi else nr2(2)(value)

    def decimal(self, value: float, places: int) -> str:
        """`3.0` or `+3.00000000E+000`."""
        return _LONG(value) if self.scpi else nr2(places)(value)

    def speed(self, value: float) -> str:
        """`200.0` or `+200.0`."""
        return f"{value:+.1f}" if self.scpi else f"{value:.1f}"

    def units(self, text: str) -> str:
        """The unit of a query's parameters, "" if none. Raises `ScpiError`."""
        upper = text.upper()
        if not upper:
            return ""
        if not self.scpi or upper not in {*_METRES, *_HERTZ, "DBM", "MW"}:
            raise ScpiError(-224)
        return upper
