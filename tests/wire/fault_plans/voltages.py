"""Storms of faults over voltage outputs."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from tests.wire.fault_storm import TYPED, Storm


def volts_of(storm: Storm) -> np.ndarray:
    """What the outputs give."""
    if storm.model == "qontrol_q8":
        return storm.device.volts
    now = storm.device.now()
    return np.array([channel.wanted(now) for channel in storm.device.channels])


async def voltages_begin(storm: Storm) -> None:
    """Limits of this bench: 4 V, 20 mA."""
    count = storm.driver.channels if storm.model == "qontrol_q8" else 24
    storm.driver.set_limits(np.full(count, 4.0), np.full(count, 0.02))
    await storm.driver.apply_limits()


async def write_volts(storm: Storm) -> None:
    """Set some outputs."""
    await asyncio.sleep(0.1)  # what is slewing comes to rest
    count = len(volts_of(storm))
    chosen = np.array(sorted(storm.dice.sample(range(count), storm.dice.randint(1, count))))
    volts = np.array([round(storm.dice.uniform(0.0, 4.0), 3) for _ in chosen])
    before = volts_of(storm).copy()
    wanted = before.copy()
    wanted[chosen] = volts
    try:
        await storm.driver.write_volts(chosen, volts)
    except TYPED:
        await asyncio.sleep(0.1)
        now = volts_of(storm)
        new, old = np.isclose(now, wanted, atol=1e-3), np.isclose(now, before, atol=1e-3)
        assert (new | old).all()
        raise
    if storm.model != "qontrol_q8":  # that one is done when it acknowledges, and not before
        await asyncio.sleep(0.1)  # slewing
    assert np.allclose(volts_of(storm), wanted, atol=1e-3)


async def read_volts(storm: Storm) -> None:
    """Read all outputs."""
    await asyncio.sleep(0.1)
    assert np.allclose(await storm.driver.read_volts(), volts_of(storm), atol=0.02)


async def read_amps(storm: Storm) -> None:
    """Measure all currents: 800 ohm (1 kOhm) at every output."""
    await asyncio.sleep(0.1)
    amps = await storm.driver.read_amps()
    ohms = 800.0 if storm.model == "qontrol_q8" else storm.device.loads.ohms
    assert np.allclose(amps, volts_of(storm) / ohms, atol=1e-4)


def voltages_limited(storm: Storm) -> None:
    """Within this bench's limits."""
    volts = volts_of(storm)
    assert volts.min() >= -1e-3
    assert volts.max() <= 4.001


def voltages_off(storm: Storm) -> None:
    """0 V."""
    assert np.allclose(volts_of(storm), 0.0, atol=1e-3)


VOLTAGES: dict[str, Any] = {
    "operations": (write_volts, write_volts, write_volts, read_volts, read_amps),
    "begin": voltages_begin,
    "outputs": voltages_limited,
    "safe": voltages_off,
}
