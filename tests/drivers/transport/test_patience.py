"""Time-outs of links: on time, and hardly a timer where waits are short."""

from __future__ import annotations

import asyncio

import pytest

from drivers.transport.link import LinkTimeout
from drivers.transport.patience import Patience
from drivers.transport.receive import ReceiveBuffer
from tests.drivers.conftest import run


def timers() -> int:
    """Timers of the running loop that are to come."""
    loop = asyncio.get_running_loop()
    return sum(not timer.cancelled() for timer in loop._scheduled)  # type: ignore[attr-defined]


@pytest.mark.parametrize("real_clock", [False, True])
def test_waits_end_on_time_whatever_went_before(real_clock: bool) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        buffer = ReceiveBuffer("port", real_clock=real_clock)
        others = timers()
        for timeout in (1.0, 0.1, 3.0, 3.0, 0.5):
            loop.call_later(0.05, buffer.feed, b"1\n")
            assert await buffer.read_until(b"\n", timeout) == b"1\n"
            began = loop.time()
            with pytest.raises(LinkTimeout):
                await buffer.read_until(b"\n", timeout)
            assert loop.time() - began == pytest.approx(timeout)
        assert timers() == others

    run(scenario())


def test_many_short_waits_share_one_timer() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        buffer = ReceiveBuffer("port", real_clock=True)
        others = timers()
        for _ in range(100):
            loop.call_soon(buffer.feed, b"1\n")
            assert await buffer.read_until(b"\n", 2.0) == b"1\n"
            assert timers() == others + 1
        await asyncio.sleep(3.0)
        assert timers() == others

    run(scenario())


def test_none_is_left_where_time_is_virtual_and_none_after_the_end() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        others = timers()
        for real_clock in (False, True):
            buffer = ReceiveBuffer("port", real_clock=real_clock)
            loop.call_soon(buffer.feed, b"1\n")
            assert await buffer.read_until(b"\n", 2.0) == b"1\n"
            assert timers() == others + real_clock
            buffer.fail(LinkTimeout("closed"))
            assert timers() == others

    run(scenario())


def test_a_timer_that_comes_between_two_waits_is_no_time_out() -> None:
    expired: list[float] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        patience = Patience(lambda: expired.append(loop.time()), lasting=True)
        patience.begin(loop, 1.0)
        patience.end()
        await asyncio.sleep(0.9)
        patience.begin(loop, 1.0)
        await asyncio.sleep(0.5)  # the timer of the first has come up meanwhile
        assert not expired
        await asyncio.sleep(1.0)

    run(scenario())
    assert expired == pytest.approx([1.9])
