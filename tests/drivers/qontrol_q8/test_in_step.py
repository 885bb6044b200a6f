"""Qontrol chains: refusals, late faults and copies are never taken for answers."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from drivers.instrument import InstrumentError
from drivers.qontrol_q8 import QontrolQ8
from drivers.transport.link import LinkTimeout
from tests.drivers.qontrol_q8.conftest import (
    CLOSING,
    SYNC,
    volts_frame,
)


def test_a_refusal_names_command_and_reply_and_forgets_the_words(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        with pytest.raises(InstrumentError, match=r"V of channels 0 to 1.*E14:00.*vector_words"):
            await heaters.write_volts(np.array([0, 1]), np.array([0.0, 0.0]))
        assert await heaters.write_volts(np.array([0, 1]), np.array([0.0, 0.0])) == 2

    play(
        [
            (volts_frame(0, [0, 0]), b"E14:00\nE15:00\n"),
            (volts_frame(0, [0, 0]), b"OK\n"),
        ],
        scenario,
    )


def test_a_garbled_transfer_is_tried_once_more(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        assert await heaters.write_volts(np.array([0]), np.array([0.0])) == 1

    play([(volts_frame(0, [0]), b"E15:01\n"), (volts_frame(0, [0]), b"OK\n")], scenario)


def test_a_trip_beside_a_garbled_transfer_is_not_lost_with_it(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        with pytest.raises(InstrumentError, match="E02:03"):
            await heaters.write_volts(np.array([0]), np.array([0.0]))

    write = volts_frame(0, [0])
    play([(write, b"E02:03\nE15:01\n"), (write, b"OK\n")], scenario)


def test_a_fault_that_comes_in_two_parts_is_raised_once_it_is_whole(play) -> None:
    """Also by a write that sends nothing, which hears the first part."""

    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.write_volts(np.array([3]), np.array([0.0]))
        assert await heaters.write_volts(np.array([3]), np.array([0.0])) == 0
        with pytest.raises(InstrumentError, match=r"E02:03"):
            await heaters.write_volts(np.array([4]), np.array([0.0]))

    play(
        [
            (volts_frame(3, [0]), b"OK\n"),
            (b"ID?\n", CLOSING[1] + b"E02:"),
            (volts_frame(4, [0]), b"03\nOK\n"),
            CLOSING,
        ],
        scenario,
        closed=False,
    )


def test_late_faults_are_raised_with_the_command_before(play) -> None:
    async def trip_late(writer) -> None:
        writer.write(CLOSING[1])
        await asyncio.sleep(0.01)
        writer.write(b"E02:03\n")

    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.write_volts(np.array([3]), np.array([0.0]))
        await asyncio.sleep(0.05)
        with pytest.raises(InstrumentError, match=r"V of channels 3 to 3 before V.*E02:03"):
            await heaters.write_volts(np.array([4]), np.array([0.0]))
        # where a tripped channel is, is not known: both are written again
        assert await heaters.write_volts(np.array([3, 4]), np.zeros(2)) == 2
        with pytest.raises(InstrumentError, match="over-voltage"):
            await heaters.check_faults()

    play(
        [
            (volts_frame(3, [0]), b"OK\n"),
            (b"ID?\n", trip_late),
            (volts_frame(4, [0]), b"OK\n"),
            CLOSING,
            (volts_frame(3, [0, 0]), b"OK\n"),
            (b"ID?\n", CLOSING[1] + b"E01:03\n"),
            CLOSING,
        ],
        scenario,
        closed=False,
    )


def test_interleaved_faults_do_not_count_as_acknowledgements(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        with pytest.raises(InstrumentError, match="E02:07"):
            await heaters.write_volts(np.array([7, 8]), np.zeros(2))
        assert not heaters._link.doubtful  # all was read: no resynchronisation is due

    play([(volts_frame(7, [0, 0]), b"OK\nE02:07\nOK\n")], scenario)


def test_a_late_reply_never_answers_the_next_question(play) -> None:
    async def late(writer) -> None:
        await asyncio.sleep(2.5)
        writer.write(b"+9.9999 V\n" * 16)

    async def scenario(heaters: QontrolQ8) -> None:
        with pytest.raises(LinkTimeout, match="qontrol-0"):
            await heaters.read_volts()
        assert (await heaters.read_volts() == 1.0).all()

    right = (b"VALL?\n", b"+1.0000 V\n" * 16)
    play([(b"VALL?\n", late), CLOSING, SYNC, right, CLOSING], scenario, closed=False)


def after(seconds: float, reply: bytes):
    """An answer that comes so late, in the script's order."""

    async def answer(writer) -> None:
        await asyncio.sleep(seconds)
        writer.write(reply)

    return answer


def copied(later: float):
    """The closing answer, and the acknowledgement once more behind it."""

    async def answer(writer) -> None:
        writer.write(CLOSING[1])
        await asyncio.sleep(later)
        writer.write(b"OK\n")

    return answer


@pytest.mark.parametrize("later", [0.0, 1e-3, 0.015])
def test_a_copy_of_an_acknowledgement_acknowledges_nothing(play, later: float) -> None:
    """The next write is refused; whenever the copy comes, that is what is heard of it."""

    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.write_volts(np.array([0]), np.array([0.0]))
        with pytest.raises(InstrumentError, match=r"V of channels 1 to 1.*E11:03"):
            await heaters.write_volts(np.array([1]), np.array([0.0]))

    play(
        [
            (volts_frame(0, [0]), b"OK\n"),
            (b"ID?\n", copied(later)),
            (volts_frame(1, [0]), after(0.01, b"E11:03\n")),
            CLOSING,
        ],
        scenario,
        closed=False,
    )


@pytest.mark.parametrize("later", [0.0, 1e-3, 0.015])
def test_a_copy_of_an_acknowledgement_does_not_end_the_next_write(play, later: float) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.write_volts(np.array([0]), np.array([0.0]))
        began = asyncio.get_running_loop().time()
        await heaters.write_volts(np.array([1]), np.array([0.0]))
        assert asyncio.get_running_loop().time() >= began + later + 0.02
        assert not heaters._link.doubtful

    play(
        [
            (volts_frame(0, [0]), b"OK\n"),
            (b"ID?\n", copied(later)),
            (volts_frame(1, [0]), after(0.02, b"OK\n")),
            CLOSING,
        ],
        scenario,
        closed=False,
    )


def test_a_reading_that_comes_twice_is_not_believed(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        assert (await heaters.read_volts() == 2.0).all()
        with pytest.raises(InstrumentError, match=r"VALL\?.*do not end where they should.*noise"):
            await heaters.read_volts()

    first, second = b"+1.0000 V\n" * 16, b"+2.0000 V\n" * 16
    ask = b"VALL?\n"
    play([(ask, first * 2), (ask, second), (ask, first + second), (ask, first + second)], scenario)


def test_the_closing_answer_may_come_twice_and_behind_noise(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.write_volts(np.array([0]), np.array([0.0]))
        await heaters.write_volts(np.array([1]), np.array([0.0]))
        await asyncio.sleep(1.0)
        await heaters.write_volts(np.array([2]), np.array([0.0]))
        assert not heaters._link.doubtful

    play(
        [
            (volts_frame(0, [0]), b"OK\n"),
            (b"ID?\n", b"\xff\xa5Q8iv-0001\nQ8iv-0001\n"),
            (volts_frame(1, [0]), b"Q8iv-0001\nOK\n"),
            (b"ID?\n", b"Q8iv-0001\nQ8iv-0001\n"),
            (volts_frame(2, [0]), b"OK\n"),
            CLOSING,
        ],
        scenario,
        closed=False,
    )


def test_a_lost_closing_answer_costs_time_and_no_error(play) -> None:
    async def scenario(heaters: QontrolQ8) -> None:
        await heaters.write_volts(np.array([0]), np.array([0.0]))
        await heaters.write_volts(np.array([1]), np.array([0.0]))

    write, again = volts_frame(0, [0]), volts_frame(1, [0])
    play(
        [
            (write, b"OK\n"),  # a copy of an older one, for all that is known
            (b"ID?\n", None),
            SYNC,
            (write, b"OK\n"),
            CLOSING,
            (again, b"OK\n"),
            CLOSING,
        ],
        scenario,
        closed=False,
    )
