"""The loop of virtual time: order, jumps, executors, other threads, real descriptors."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time

import pytest

from sim_backends.virtual_time import VirtualTimeLoop


def test_time_starts_where_told_and_jumps_to_timers_exactly(run) -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        seen = [loop.time()]
        for wait in (0.1, 1e-6, 3600.0, 1e5):
            due = loop.time() + wait
            await asyncio.sleep(wait)
            assert loop.time() == due
            seen.append(loop.time())
        return seen

    began = time.perf_counter()
    seen = run(main(), start=5.0)
    assert seen[0] == 5.0
    assert seen[-1] > 1e5
    assert time.perf_counter() - began < 5.0


def test_timers_fire_in_the_order_of_their_times(run) -> None:
    async def main() -> list[tuple[float, int]]:
        loop = asyncio.get_running_loop()
        fired: list[tuple[float, int]] = []
        for index, when in enumerate((0.3, 0.1, 0.2, 0.05, 7.0)):
            loop.call_at(when, lambda i=index: fired.append((loop.time(), i)))
        await asyncio.sleep(10.0)
        return fired

    assert run(main()) == [(0.05, 3), (0.1, 1), (0.2, 2), (0.3, 0), (7.0, 4)]


def test_ready_callbacks_run_before_time_moves(run) -> None:
    async def main() -> list[float]:
        times: list[float] = []

        async def busy() -> None:
            for _ in range(1000):
                await asyncio.sleep(0)
            times.append(asyncio.get_running_loop().time())

        await asyncio.gather(busy(), asyncio.sleep(1.0))
        return times

    assert run(main()) == [0.0]


def test_a_cancelled_timer_does_not_hold_time_up(run) -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        loop.call_at(1e9, lambda: None).cancel()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.0):
                await loop.create_future()
        return loop.time()

    assert run(main()) == 2.0


def test_executor_runs_inline_at_no_cost_by_default(run) -> None:
    async def main() -> tuple[int, int, float]:
        ident = await asyncio.to_thread(threading.get_ident)
        return ident, threading.get_ident(), asyncio.get_running_loop().time()

    inner, outer, now = run(main())
    assert inner == outer
    assert now == 0.0


def test_executor_completes_at_now_plus_the_modelled_cost(run) -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.compute_cost = lambda func: 0.25
        other = asyncio.create_task(asyncio.sleep(0.2))
        assert await loop.run_in_executor(None, lambda: 7) == 7
        assert other.done()
        return loop.time()

    assert run(main()) == 0.25


def test_an_executors_exception_is_raised_where_it_is_awaited(run) -> None:
    def fail() -> None:
        raise ZeroDivisionError("in the call")

    async def main() -> None:
        with pytest.raises(ZeroDivisionError, match="in the call"):
            await asyncio.to_thread(fail)

    run(main())


def test_another_thread_wakes_a_loop_without_timers(run) -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str] = loop.create_future()
        thread = threading.Thread(
            target=lambda: loop.call_soon_threadsafe(future.set_result, "from outside")
        )
        thread.start()
        result = await future
        thread.join()
        assert loop.time() == 0.0
        return result

    assert run(main()) == "from outside"


def test_real_descriptors_are_served(run) -> None:
    async def main() -> bytes:
        here, there = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=here)
        there.sendall(b"news")
        data = await reader.readexactly(4)
        writer.close()
        await writer.wait_closed()
        there.close()
        return data

    assert run(main()) == b"news"


def test_a_signal_gets_through_while_time_flies(run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        told = asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, told.set)
        os.kill(os.getpid(), signal.SIGUSR1)
        for _ in range(10_000):
            if told.is_set():
                break
            await asyncio.sleep(1.0)
        assert told.is_set()
        loop.remove_signal_handler(signal.SIGUSR1)

    run(main())


def test_late_in_life_timers_still_fire(run) -> None:
    async def main() -> float:
        await asyncio.sleep(1e-6)
        await asyncio.sleep(1e-3)
        return asyncio.get_running_loop().time()

    assert run(main(), start=1e9) == pytest.approx(1e9 + 1.001e-3)
