"""Storms of faults over waveform generators."""

from __future__ import annotations

import asyncio
import math

import numpy as np

from tests.wire.fault_storm import Plan, Storm


async def play(storm: Storm) -> None:
    """Load a frame and see it played after an edge."""
    driver, device = storm.driver, storm.device
    seed = storm.dice.randrange(2**32)
    volts = np.random.default_rng(seed).uniform(-0.9, 0.9, (40, driver.outputs))
    await driver.load(volts, 1e-6)
    await driver.arm()
    edge = math.floor(device.now() / 0.01 + 2) * 0.01
    await asyncio.sleep(edge + 1e-3 - device.now())
    device.advance()
    times = edge + device.latency + (np.arange(40) + 0.5) * 1e-6
    for channel, output in enumerate(device.outputs):
        expected = driver.quantise(volts)[:, channel]
        assert np.allclose(output.at(times), expected, atol=1e-4)


def generator_outputs(storm: Storm) -> None:
    """2 Vpp, as the driver was told."""
    device = storm.device
    device.advance()
    times = device.now() + np.arange(-20, 20) * 1e-6
    assert max(np.abs(output.at(times)).max() for output in device.outputs) <= 1.0 + 1e-3


def generator_off(storm: Storm) -> None:
    """Off."""
    assert not any(output.enabled for output in storm.device.outputs)


GENERATOR = Plan(
    operations=(play,) * 3,
    simulated={"jitter": 0.0},
    outputs=generator_outputs,
    safe=generator_off,
    skip=frozenset(
        {
            "output",
            "burst",
            "function",
            "offset",
            "amplitude",
            "unit",
            "load",
            "polarity",
            "mode",
            "sample_rate",
            "advance",
            "burst_mode",
            "cycles",
            "trigger_source",
            "trigger_slope",
            "trigger_delay",
            "byte_order",
            "filter",
            "phase",
            "frequency",
        }
    ),
    patience=40.0,
)
