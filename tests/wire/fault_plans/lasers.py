"""Storms of faults over lasers."""

from __future__ import annotations

import math
from typing import Any

from tests.wire.fault_storm import TYPED, Storm


async def laser_on(storm: Storm) -> None:
    """Light."""
    await storm.driver.on()
    assert storm.device.source.power > 0.0
    assert await storm.driver.lit()


async def laser_power(storm: Storm) -> None:
    """Another power."""
    dbm = round(storm.dice.uniform(-10.0, 6.0), 2)
    await storm.driver.set_power_dbm(dbm)
    assert math.isclose(storm.device.source._level, 1e-3 * 10 ** (0.1 * dbm), rel_tol=2e-3)
    assert math.isclose(await storm.driver.read_power_dbm(), dbm, abs_tol=6e-3)


async def laser_wavelength(storm: Storm) -> None:
    """Another wavelength."""
    low, high = await storm.driver.wavelength_range()
    wavelength = round(storm.dice.uniform(low, high), 13)
    try:
        await storm.driver.set_wavelength(wavelength)
    except TYPED:
        assert low - 1e-12 <= storm.device.source._set <= high + 1e-12
        raise
    assert math.isclose(storm.device.source._set, wavelength, abs_tol=2e-13)
    assert math.isclose(await storm.driver.read_wavelength(), wavelength, abs_tol=2e-13)


def laser_outputs(storm: Storm) -> None:
    """Never more than the driver lets through, 13 dBm and the setting's error."""
    assert storm.device.source.power <= 20e-3 * 1.05


def dark(storm: Storm) -> None:
    """No light."""
    assert storm.device.source.power == 0.0
    assert not storm.device.source.diode


LASER: dict[str, Any] = {
    "operations": (laser_on, laser_power, laser_wavelength),
    "skip": frozenset(
        {
            "power_dbm",
            "wavelength",
            "diode",
            "shutter_open",
            "lit",
            "output",
            "attenuation",
            "power_control",
        }
    ),
    "outputs": laser_outputs,
    "safe": dark,
    "patience": 60.0,
}
