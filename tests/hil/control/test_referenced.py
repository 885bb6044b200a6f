"""A machine whose undriven modulators are bright gives what is left of the pedestal: the signal."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from hil.control.ledger import Ledger
from hil.control.machine import Reading
from hil.control.referenced import LEAD, REFERENCES, Referenced

PORTS = 3
EXTRA = LEAD + REFERENCES


class Bright:
    """Reads 2 + port + the drive; the first undriven sample still echoes the one before it."""

    def __init__(self, noise: float = 0.0, clip: int | None = None) -> None:
        self.ports, self.n_banks = PORTS, 2
        self.ledger = Ledger(lambda: 0.0)
        self.frames: list[int] = []
        self.programmed: list[np.ndarray] = []
        self._noise = noise
        self._clip = clip
        self._random = np.random.default_rng(0)

    def now(self) -> float:
        """S."""
        return 1.5

    async def program(self, levels: np.ndarray) -> None:
        """Noted."""
        self.programmed.append(levels)

    async def rest(self, seconds: float) -> None:
        """At once."""

    async def frame(self, bank: int, values: np.ndarray) -> Reading:
        """The pedestal, the drive, an echo of the sample before."""
        self.frames.append(len(values))
        before = np.concatenate([np.zeros((1, PORTS)), values[:-1]])
        measured = 2.0 + np.arange(PORTS) + bank + values + 0.5 * before
        measured += self._noise * self._random.standard_normal(measured.shape)
        clipped = np.zeros(values.shape, dtype=bool)
        if self._clip is not None:
            clipped[self._clip, 1] = True
        dark = np.arange(len(values)) == 0
        return Reading(sent=values, measured=measured, clipped=clipped, after_dark=dark)


def test_the_pedestal_is_taken_out_and_nothing_of_the_data_is() -> None:
    values = np.random.default_rng(1).uniform(-1.5, 1.5, (5, PORTS))
    reading = asyncio.run(Referenced(Bright(), 100).frame(1, values))
    before = np.concatenate([np.zeros((1, PORTS)), values[:-1]])
    np.testing.assert_allclose(reading.measured, values + 0.5 * before, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(reading.sent, values)
    np.testing.assert_array_equal(reading.after_dark, [True, False, False, False, False])


def test_a_long_batch_goes_in_frames_that_fit_each_with_its_own_reference() -> None:
    whole = Bright()
    values = np.random.default_rng(2).uniform(-1.5, 1.5, (25, PORTS))
    reading = asyncio.run(Referenced(whole, EXTRA + 10).frame(0, values))
    assert whole.frames == [EXTRA + 10, EXTRA + 10, EXTRA + 5]
    np.testing.assert_array_equal(np.flatnonzero(reading.after_dark), [0, 10, 20])
    np.testing.assert_array_equal(reading.sent, values)
    assert reading.measured.shape == values.shape


def test_references_add_little_noise() -> None:
    whole = Bright(noise=0.1)
    reading = asyncio.run(Referenced(whole, 10_000).frame(0, np.zeros((4000, PORTS))))
    assert reading.measured.std() == pytest.approx(0.1, rel=0.05)
    assert np.abs(reading.measured.mean(axis=0)).max() < 4 * 0.1 / np.sqrt(REFERENCES)


@pytest.mark.parametrize(
    ("at", "lost"), [(2, [(2, 1)]), (6 + LEAD, [(k, 1) for k in range(6)]), (6, [])]
)
def test_a_clipped_reference_spoils_its_port(at: int, lost: list[tuple[int, int]]) -> None:
    """One in the data spoils itself, one in the lead sample nothing."""
    reading = asyncio.run(Referenced(Bright(clip=at), 100).frame(0, np.zeros((6, PORTS))))
    assert [tuple(place) for place in np.argwhere(reading.clipped).tolist()] == lost


def test_a_frame_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="no room for the reference samples"):
        Referenced(Bright(), EXTRA)


def test_all_else_is_the_whole_machines() -> None:
    whole = Bright()
    machine = Referenced(whole, 100)
    assert (machine.ports, machine.n_banks, machine.now()) == (PORTS, 2, 1.5)
    assert machine.ledger is whole.ledger
    levels = np.ones((2, 9))
    asyncio.run(machine.program(levels))
    assert whole.programmed == [levels]
