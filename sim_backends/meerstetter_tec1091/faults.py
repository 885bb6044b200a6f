"""What can go wrong with the device itself, and how it is ordered."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sim_backends.instrument import OwnFault


@dataclass
class Faults:
    """What can go wrong with the device itself. All may be set at any time."""

    refuse: int = 0
    """error that every command is refused with: 2 busy, 3 general communication error"""
    failing: frozenset[int] = frozenset()
    """parameters whose use is refused with error 9"""
    supply_volts: float = 24.0
    """outside 11 to 26 V: device errors 30 and 31 (limits are this simulation's choice)"""
    device_celsius: float = 35.0
    """over 90 degC: device error 60 (so is this limit)"""
    sensor_open: bool = False
    """the object reads far too cold"""


def orders(faults: Faults, stop_on_error: Callable[[int], None]) -> dict[str, OwnFault]:
    """What may be ordered by name and value: each gives what brings it about.

    A value that makes no sense raises `ValueError`.
    """

    def error(value: str) -> Callable[[], None]:
        number = int(value)
        return lambda: stop_on_error(number)

    def sensor(value: str) -> Callable[[], None]:
        if value not in ("open", "well"):
            raise ValueError("a sensor is open or well")
        return lambda: setattr(faults, "sensor_open", value == "open")

    def hot(value: str) -> Callable[[], None]:
        celsius = _finite(value)
        return lambda: setattr(faults, "device_celsius", celsius)

    def supply(value: str) -> Callable[[], None]:
        volts = _finite(value)
        return lambda: setattr(faults, "supply_volts", volts)

    def refuse(value: str) -> Callable[[], None]:
        code = int(value)
        if not 0 <= code <= 0xFF:
            raise ValueError("a code is 0 to 255")
        return lambda: setattr(faults, "refuse", code)

    return {"error": error, "sensor": sensor, "hot": hot, "supply": supply, "refuse": refuse}


def _finite(value: str) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("a finite number")
    return number
