"""Storms of faults over what reads frames: boxes, which play as well, and power meters that log."""

from __future__ import annotations

import numpy as np

from tests.wire.fault_storm import Plan, Storm


async def frame(storm: Storm) -> None:
    """Prepare, load, arm, fetch: what comes back is what was loaded."""
    driver = storm.driver
    seed = storm.dice.randrange(2**32)
    volts = np.random.default_rng(seed).uniform(-0.9, 0.9, (32, 2))
    await driver.prepare(1024e-9, 128, True)
    await driver.load(volts)
    await driver.arm(32)
    found = await driver.fetch(0, 32)
    assert np.allclose(found, driver.quantise(volts), atol=5e-3)


def box_off(storm: Storm) -> None:
    """Both outputs off."""
    assert not any(output.enabled for output in storm.device.outputs)


async def log(storm: Storm) -> None:
    """Log some points of all ports: what comes back is what the ports hold."""
    driver, points = storm.driver, storm.dice.randint(1, 400)
    await driver.arm(points)
    found = await driver.fetch(0, points)
    ports = [storm.device.ports[number - 1] for number in driver.ports]
    held = np.stack([port.result() for port in ports], axis=1)
    assert np.array_equal(found, held.astype(np.float32))


def no_log(storm: Storm) -> None:
    """No port logs."""
    assert not any(port.running for port in storm.device.ports)


PREPARED = frozenset({
    "function", "frequency", "amplitude", "offset", "burst", "cycles", "repetitions", "initial",
    "last", "output_trigger", "output", "format", "units", "gain", "average", "trigger_delay",
    "input_debounce", "output_debounce",
})  # fmt: skip
"""All that a frame depends on but the decimation, which is read (set, it would be another's)."""

BOX = Plan(
    rounding=6e-6,  # six digits
    operations=(frame,) * 3,
    simulated={"period": 1.0},  # of which the stand-alone box remembers the last four
    safe=box_off,
    skip=PREPARED,
    patience=40.0,
)

LOGGER = Plan(
    operations=(log,),
    options={"ports": (3, 1, 8)},
    simulated={"power_dbm": -3.0, "period": 0.3},
    safe=no_log,
    skip=frozenset(
        {
            "unit",
            "range_dbm",
            "auto_range",
            "averaging",
            "auto_gain",
            "wavelength",
            "trigger_input",
            "trigger_output",
            "trigger_routing",
        }
    ),
    patience=40.0,
)
