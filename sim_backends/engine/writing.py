"""How instruments write numbers and blocks: NR1, NR2, NR3, definite (IEEE 488.2-1992, 8.7)."""

from __future__ import annotations

import math
from collections.abc import Callable

Form = Callable[[float], str]
INFINITE, NO_NUMBER = 9.9e37, 9.91e37
"""What SCPI-1999 (volume 1, 7.2.1) writes for infinity and for "not a number"."""


def special(value: float) -> float:
    """The number that stands for infinities and for NaN; others as they are."""
    if math.isnan(value):
        return NO_NUMBER
    return math.copysign(INFINITE, value) if math.isinf(value) else value


def nr1(value: float) -> str:
    """A whole number: `123`."""
    return str(round(special(value)))


def nr1_signed(value: float) -> str:
    """A whole number with its sign: `+123`."""
    return f"{round(special(value)):+d}"


def nr2(places: int) -> Form:
    """A number with so many places and no exponent: `1.50`."""
    return lambda value: f"{special(value):.{places}f}"


def nr3(places: int, *, signed: bool = True, exponent: int = 2) -> Form:
    """A number with one digit, so many places and an exponent of at least so many digits:
    `+1.550000E-06`.
    """
    sign = "+" if signed else ""

    def write(value: float) -> str:
        mantissa, _, power = f"{special(value):{sign}.{places}e}".partition("e")
        return f"{mantissa}E{power[0]}{int(power[1:]):0{exponent}d}"

    return write


def quoted(text: str) -> str:
    """A string in double quotes, those inside doubled."""
    return '"' + text.replace('"', '""') + '"'


def write_block(payload: bytes) -> bytes:
    """`payload` as a definite-length block."""
    length = b"%d" % len(payload)
    return b"#%d%b%b" % (len(length), length, payload)
