"""Storms of faults over fibre switches."""

from __future__ import annotations

from tests.wire.fault_storm import TYPED, Plan, Storm


async def select(storm: Storm) -> None:
    """Switch, and see where it stands."""
    before = storm.device.position
    way = storm.dice.randint(1, storm.driver.positions)
    try:
        await storm.driver.select(way)
    except TYPED:
        assert storm.device.position in (before, way)
        raise
    assert storm.device.position == way
    assert await storm.driver.position() == way


def parked(storm: Storm) -> None:
    """Where the bench's off state has it."""
    assert storm.device.position == 1


SWITCH = Plan(operations=(select,), options={"park": 1}, safe=parked, tells_copies=True)
