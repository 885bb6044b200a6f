"""Storms of faults over thermal stages."""

from __future__ import annotations

import math

from drivers.quantity import Quantity, Value
from tests.wire.fault_storm import TYPED, Plan, Storm


def stage_truth(storm: Storm, quantity: Quantity, channel: int | str) -> Value:
    """What the controller has."""
    value = storm.device.read(int(quantity.command), 1)
    return int(value) if quantity.kind is int else float(value)


async def stage_point(storm: Storm) -> None:
    """Another set point."""
    celsius = storm.dice.randint(160, 480) / 16
    before = storm.device.settings[3000, 1]
    try:
        await storm.driver.set_setpoint_celsius(celsius)
    except TYPED:
        assert storm.device.settings[3000, 1] in (before, celsius)
        raise
    assert storm.device.settings[3000, 1] == celsius
    assert await storm.driver.read_setpoint_celsius() == celsius


async def stage_runs(storm: Storm) -> None:
    """On, measure, and off for good."""
    await storm.driver.on()
    assert storm.device.driving
    found = await storm.driver.read_temperature_celsius()
    assert math.isclose(found, storm.device.stage.object_celsius, abs_tol=0.05)
    await storm.driver.off(stop=True)
    assert not storm.device.driving


def stage_outputs(storm: Storm) -> None:
    """The current limit."""
    assert abs(storm.device.amps) <= max(4.0, storm.device.settings[2030, 1])


STAGE = Plan(
    tells_copies=True,
    operations=(stage_point, stage_runs),
    truth=stage_truth,
    outputs=stage_outputs,
    skip=frozenset(
        {
            "setpoint_celsius",
            "input_selection",
            "output_enable",
            "low_error_celsius",
            "high_error_celsius",
            "current_error",
            "voltage_error",
            "current_limit",
            "voltage_limit",
        }
    ),
)
