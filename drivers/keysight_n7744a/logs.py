"""What an N7744A/N7745A is asked about its logs, and what its ports and ranges may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.errors import LimitError

RANGES_DBM = (-30.0, -20.0, -10.0, 0.0, 10.0)
HEADROOM = 1.9999
"""A range reads up to so many times its power; above it 9.9E37 is told."""
OVER_RANGE = 1e20
"""W above which a value is no power but says that the range was exceeded (after LabExT)."""
COMPLETE = "LOGGING_STABILITY,COMPLETE"
STOP = "SENS{port}:FUNC:STAT LOGG,STOP"
STABILITY = "SENS{port}:FUNC:PAR:STAB {times}"
STABILITY_START = "SENS{port}:FUNC:STAT STAB,STAR"
_FUNCTIONS = ("NONE", "LOGGING_STABILITY", "MINMAX", "STABILITY", "LOGGING")


def port_count(model: str) -> int:
    """Ports of a model."""
    return 4 if model.upper().startswith("N7744") else 8


def chosen_ports(
    name: str, model: str, given: tuple[int, ...] | None, ranges: float | Sequence[float]
) -> tuple[tuple[int, ...], list[float]]:
    """The ports of a model that are read (None: all), and their ranges in dBm.

    Raises `ValueError` for ports that it has not, `LimitError` for what is no range.
    """
    count = port_count(model)
    every = tuple(range(1, count + 1))
    ports = every if given is None else given
    if not ports or len(set(ports)) != len(ports) or not set(ports) <= set(every):
        raise ValueError(f"{name}: ports {ports} are not some of 1 to {count}")
    each = [ranges] if isinstance(ranges, int | float) else list(ranges)
    if len(each) == 1:
        each *= len(ports)
    if len(each) != len(ports):
        raise ValueError(f"{name}: {len(each)} ranges for {len(ports)} ports")
    for port, dbm in zip(ports, each, strict=True):
        check_range(name, port, dbm)
    return ports, [float(dbm) for dbm in each]


def check_range(name: str, port: int, dbm: float) -> None:
    """Raise `LimitError` for what is no range of a port."""
    if dbm not in RANGES_DBM:
        limit = f"one of {', '.join(f'{one:g}' for one in RANGES_DBM)} dBm"
        raise LimitError(name, port, dbm, limit, "dBm")


def state(port: int) -> str:
    """The query for what a port's log does; the answer is a `function,progress`."""
    return f"SENS{port}:FUNC:STAT?"


def is_state(text: str) -> bool:
    """Whether an answer is the state of a log."""
    name, _, progress = text.partition(",")
    return name in _FUNCTIONS and progress in ("PROGRESS", "COMPLETE")


def result(port: int) -> str:
    """The query for all points of a port's log: a block of them."""
    return f"SENS{port}:FUNC:RES?"


def watts(data: bytes) -> NDArray[np.float64]:
    """The points (points,) in W of a block: four bytes each, the least significant first."""
    return np.frombuffer(data, dtype="<f4").astype(np.float64)
