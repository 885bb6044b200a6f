"""How numbers are read and told, and commands of one channel are entered."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, named
from sim_backends.engine.session import Command, Reply, ScpiSession
from sim_backends.engine.writing import nr3

from .channel import Channel

if TYPE_CHECKING:
    from .generator import Keysight33600A

_FIFTEEN = nr3(15)
SOURCE = "[SOURce#:]"
Suffixes = tuple[int, ...]


def form(value: float) -> str:
    """How all numbers are told: `+1.000000000000000E+03`."""
    return "+9.900000000000000E+37" if math.isinf(value) else _FIFTEEN(value)


def on_channel(generator: Keysight33600A, act: Callable[[Channel, str], Reply]) -> Command:
    """A command of one channel, given the text of its parameters."""

    def run(session: ScpiSession, suffixes: Suffixes, text: str) -> Reply:
        return act(generator.channel(suffixes), text)

    return run


def bounded(
    text: str, least: float, most: float, default: float, read: Callable[[str], float]
) -> float:
    """A number, or MIN, MAX or DEF."""
    (word,) = arguments(text, 1, 1)
    special = named(word)
    return {"MIN": least, "MAX": most, "DEF": default}[special] if special else read(word)


def told(text: str, value: float, least: float, most: float, default: float) -> str:
    """The answer of a query that takes MIN, MAX or DEF."""
    if not text.strip():
        return form(value)
    special = named(arguments(text, 1, 1)[0])
    if not special:
        raise ScpiError(-224)
    return form({"MIN": least, "MAX": most, "DEF": default}[special])
