"""Storms of faults over source meters."""

from __future__ import annotations

import math

from tests.sim_backends.source_meter_client import WatchedResistor
from tests.wire.fault_storm import Plan, Storm


async def meter_begins(storm: Storm) -> None:
    """A source of volts on a resistor."""
    unit = storm.device.unit
    unit.load = unit.own_load = load = WatchedResistor()
    load.driven(0.0)
    await storm.driver.source_volts(30e-3)


async def meter_level(storm: Storm) -> None:
    """Ramp the source to a level."""
    level = round(storm.dice.uniform(-5.0, 5.0), 3)
    await storm.driver.on()
    await storm.driver.set_level(level)
    assert storm.device.output
    assert math.isclose(storm.device.unit.load.seen[-1], level, abs_tol=0.02)


async def meter_measures(storm: Storm) -> None:
    """Measure what is over the resistor."""
    await storm.driver.on()
    found = await storm.driver.measure()
    volts = storm.device.unit.load.seen[-1]
    assert math.isclose(found.volts, volts, abs_tol=0.02)
    assert math.isclose(found.amperes, volts / 1000.0, abs_tol=5e-5)


def meter_outputs(storm: Storm) -> None:
    """What the bench allows: 6 V."""
    load = storm.device.unit.load
    assert max(map(abs, load.seen)) <= 6.01
    del load.seen[:-1]


def meter_off(storm: Storm) -> None:
    """Nothing over the resistor."""
    assert not storm.device.output
    assert storm.device.unit.load.seen[-1] == 0.0


METER = Plan(
    operations=(meter_level, meter_level, meter_measures),
    options={"max_volts": 6.0, "max_amperes": 0.05, "nplc": 0.1, "ramp_volts": 400.0},
    skip=frozenset({
        "function", "output", "level_volts", "level_amperes", "volts_limit", "amperes_limit",
        "volts_protection",  # it holds volts at a step of its own, below the level that was set
        "auto_clear", "source_volts_range_auto", "source_delay", "delay_volts", "nplc",
        "nplc_volts",
        "nplc_amperes", "terminals", "amperes_range_auto", "volts_range_auto", "filter_on",
        "filter_count", "count", "remote_sense",
    }),
    begin=meter_begins,
    outputs=meter_outputs,
    safe=meter_off,
)  # fmt: skip
