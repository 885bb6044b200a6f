"""The controller's feedback, against the machine's equation written down plainly."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from hil.control.electronics import Electronics
from hil.control.feedback import run_schedule
from hil.control.first_banks import FirstBanks
from hil.control.ledger import Ledger
from hil.control.machine import DRIVE_LIMIT, Reading
from hil.control.schedule import Schedule

Floats = NDArray[np.float64]
PORTS, BANKS = 3, 3


class Mixer:
    """A machine of plain matrices that remembers what it was asked."""

    def __init__(self) -> None:
        self.matrices = np.random.default_rng(0).normal(size=(BANKS, PORTS, PORTS))
        self.ledger = Ledger(lambda: 0.0)
        self.programmed: list[Floats] = []
        self.frames: list[tuple[int, Floats]] = []
        self.ports, self.n_banks = PORTS, BANKS
        self.time = 5.0

    def now(self) -> float:
        """A second a frame."""
        return self.time

    async def program(self, levels: Floats) -> None:
        """Remember."""
        self.programmed.append(levels)

    async def rest(self, seconds: float) -> None:
        """Pass."""
        self.time += seconds

    async def frame(self, bank: int, values: Floats) -> Reading:
        """Multiply."""
        self.frames.append((bank, values.copy()))
        self.time += 1.0
        dark = np.arange(len(values)) == 0
        clipped = np.full(values.shape, bank == 1)
        return Reading(values, values @ self.matrices[bank].T, clipped, dark)


def test_state_follows_the_machines_equation() -> None:
    machine, schedule = Mixer(), Schedule(BANKS, 5)
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(4, 5, PORTS))
    electronics = Electronics(rng.normal(size=BANKS), rng.normal(size=(BANKS, PORTS)), skip=0.3)
    levels = rng.uniform(size=(BANKS, PORTS**2))
    with machine.ledger.purpose("training"):
        trace = asyncio.run(run_schedule(machine, schedule, levels, electronics, inputs))

    state = inputs[:, 0]
    for t, bank in enumerate((0, 1, 2, 0, 1)):
        sent = np.clip(state, -DRIVE_LIMIT, DRIVE_LIMIT)
        measured = sent @ machine.matrices[bank].T
        np.testing.assert_array_equal(trace.sent[:, t], sent)
        np.testing.assert_array_equal(trace.measured[:, t], measured)
        state = 0.3 * state + electronics.gain[bank] * measured + electronics.bias[bank]
        state = state + (inputs[:, t + 1] if t < 4 else 0.0)
    np.testing.assert_allclose(trace.state, state, atol=1e-14)
    assert np.abs(trace.sent).max() == DRIVE_LIMIT  # the test reaches the clamp
    assert trace.banks == (0, 1, 2, 0, 1)
    assert trace.batch == 4
    assert trace.times.tolist() == [5.0, 6.0, 7.0, 8.0, 9.0]
    assert trace.after_dark.tolist() == [True, False, False, False]
    assert trace.clipped.all(axis=(0, 2)).tolist() == [False, True, False, False, True]
    assert machine.programmed == [levels]
    assert machine.ledger.passes == {"training": 4}


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (np.zeros((2, 4, PORTS)), r"\(batch, 3, 3\) is needed"),
        (np.zeros((2, 3, PORTS + 1)), "is needed"),
        (np.zeros((2, PORTS)), "is needed"),
        (np.full((2, 3, PORTS), np.nan), "NaN or infinity; nothing was sent"),
        (np.full((2, 3, PORTS), -np.inf), "NaN or infinity; nothing was sent"),
    ],
)
def test_wrong_inputs_are_refused_before_anything_moves(inputs: Floats, said: str) -> None:
    machine = Mixer()
    levels = np.zeros((BANKS, PORTS**2))
    with pytest.raises(ValueError, match=said):
        asyncio.run(
            run_schedule(
                machine, Schedule(BANKS, 3), levels, Electronics.plain(BANKS, PORTS), inputs
            )
        )
    assert not machine.programmed
    assert not machine.frames


def test_fewer_banks_leave_the_others_at_rest() -> None:
    machine = Mixer()
    rest = np.arange(27.0).reshape(3, 9)
    few = FirstBanks(machine, 2, rest)
    levels = np.full((2, 9), 0.5)
    asyncio.run(few.program(levels))
    assert few.n_banks == 2
    np.testing.assert_array_equal(machine.programmed[0], np.concatenate([levels, rest[2:]]))
    reading = asyncio.run(few.frame(1, np.ones((1, PORTS))))
    assert machine.frames[0][0] == 1
    assert reading.measured.shape == (1, PORTS)
    asyncio.run(few.rest(2.0))
    assert few.now() == machine.now()
    assert few.ledger is machine.ledger
