"""Storms of faults over a pattern generator."""

from __future__ import annotations

import asyncio

import numpy as np

from drivers.roles import LineProgram
from tests.wire.fault_storm import Plan, Storm


async def run_lines(storm: Storm) -> None:
    """Load a program, run it to its end."""
    dice = storm.dice
    durations = np.array([dice.randint(10, 10_000) for _ in range(5)])
    masks = np.array([dice.randrange(256) for _ in range(5)], dtype=np.uint8)
    program = LineProgram(durations, masks, dice.randrange(256))
    await storm.driver.load(program)
    slot = storm.device.sequencer.slots[0]
    assert slot.program.masks.tolist() == masks.tolist()
    assert slot.program.durations.tolist() == durations.tolist()
    await storm.driver.start()
    playback = storm.device.sequencer.playback
    assert playback.program.masks.tolist() == masks.tolist()
    await asyncio.sleep(1e-3)
    assert await storm.driver.finished()
    assert storm.device.mask() == program.final


async def hold_lines(storm: Storm) -> None:
    """Hold the lines."""
    mask = storm.dice.randrange(256)
    await storm.driver.hold(mask)
    assert storm.device.mask() == mask


async def tell_lines(storm: Storm) -> None:
    """Whether it has finished."""
    assert await storm.driver.finished() == storm.device.sequencer.has_finished()


def lines_low(storm: Storm) -> None:
    """All low."""
    assert storm.device.mask() == 0


LINES = Plan(
    operations=(run_lines, run_lines, hold_lines, tell_lines),
    safe=lines_low,
    tells_copies=True,
)
