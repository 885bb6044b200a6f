"""Thresholds at which the device stops by itself, each with the error that it then shows."""

from __future__ import annotations

from collections.abc import Mapping

from .faults import Faults


def passed(
    settings: Mapping[tuple[int, int], float],
    faults: Faults,
    amps: float,
    volts: float,
    celsius: float,
) -> tuple[int, int] | None:
    """The error of the first threshold that has been passed, and the parameter that passed it.

    `amps` and `volts` are at the stage, `celsius` is what the object's sensor reads.
    """
    checks = (
        (faults.supply_volts < 11.0, 30, 1060),
        (faults.supply_volts > 26.0, 31, 1060),
        (faults.device_celsius > 90.0, 60, 1063),
        (amps > settings[2032, 1], 100, 1020),
        (amps < -settings[2032, 1], 101, 1020),
        (volts > settings[2033, 1], 104, 1021),
        (volts < -settings[2033, 1], 105, 1021),
        (celsius < settings[4010, 1], 137, 1000),
        (celsius > settings[4011, 1], 138, 1000),
    )
    return next(((error, parameter) for over, error, parameter in checks if over), None)
