"""Storms of faults over delay generators."""

from __future__ import annotations

import math

from drivers.quantity import Quantity, Value
from drivers.srs_dg645 import settings as dg645
from tests.wire.fault_storm import TYPED, Plan, Storm, same

_NUMBERS = ("T0", "T1", *dg645.CHANNELS)


def delay_truth(storm: Storm, quantity: Quantity, channel: int | str) -> Value:
    """What the delay generator has."""
    number = storm.driver._number(quantity, channel)
    said = storm.ask(quantity.query(number).encode("ascii") + b"\n")
    return dg645.parse(quantity, said.decode("ascii").strip())


async def delay_set(storm: Storm) -> None:
    """Another delay."""
    seconds = round(storm.dice.uniform(0.0, 1e-3), 9)
    channel = storm.dice.choice("ACEG")
    number = _NUMBERS.index(channel)
    before = storm.device.state.delays[number]
    try:
        await storm.driver.set_delay(channel, "T0", seconds)
    except TYPED:
        has = storm.device.state.delays[number]
        assert same(has, seconds) or same(has, before)
        raise
    assert math.isclose(storm.device.state.delays[number], seconds, abs_tol=5e-12)
    reference, told = await storm.driver.read_delay(channel)
    assert (reference, round(told, 9)) == ("T0", seconds)


async def delay_parts(storm: Storm) -> None:
    """What D is timed from, which leaves by how much as it was: two quantities on one command."""
    reference = storm.dice.choice(("T0", "A", "C"))
    before = storm.device.state.delays[_NUMBERS.index("D")]
    try:
        await storm.driver.set(dg645.DELAY_FROM, reference, "D")
    finally:
        assert same(storm.device.state.delays[_NUMBERS.index("D")], before)
    assert await storm.driver.get(dg645.DELAY_FROM, "D") == reference
    assert same(await storm.driver.get(dg645.DELAY, "D"), before)


async def delay_fire(storm: Storm) -> None:
    """Arm and fire: one cycle, never two."""
    await storm.driver.arm()
    storm.device.cycles.clear()
    try:
        await storm.driver.fire()
    except TYPED:
        assert len(storm.device.cycles) <= 1
        raise
    assert len(storm.device.cycles) == 1


def delay_outputs(storm: Storm) -> None:
    """-2 to 5 V into 50 ohm."""
    for output in range(5):
        assert all(-2.0 <= storm.device.volts(output, active) <= 5.0 for active in (False, True))


def delay_off(storm: Storm) -> None:
    """0 V, and no triggers."""
    assert [storm.device.volts(output, False) for output in range(5)] == [0.0] * 5


DELAYS = Plan(
    operations=(delay_set, delay_set, delay_parts, delay_fire),
    truth=delay_truth,
    outputs=delay_outputs,
    safe=delay_off,
    # Delays go by operations of their own: any value at random would time two from each other.
    skip=frozenset({"holdoff", "burst", "advanced_triggering", "prescale", "delay", "delay_from"}),
)
