"""How a bench may be opened, and the states that an open one is in."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Backend = Literal["sim", "real"]
Path_ = Literal["wire", "slot"]
BACKENDS = ("sim", "real")
PATHS = ("wire", "slot")


class BenchError(RuntimeError):
    """A bench that cannot be opened or used as asked."""


class BenchState(StrEnum):
    """States of an open bench."""

    OFF = "off"
    IDLE = "idle"
    ARMED = "armed"
    """Warm and lit, for levels and frames by hand."""
    RUNNING = "running"
    TRIPPED = "tripped"


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse an unknown word, naming the known ones.

    Raises
    ------
    BenchError
    """
    if value not in choices:
        raise BenchError(f"no {name} {value!r}; there are {', '.join(choices)}")
