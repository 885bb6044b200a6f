"""The synchronous and the asynchronous face, each in the places where people use them."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
from hil.bench.states import BenchError

WriteBench = Callable[..., Path]
Data = tuple[Any, Any]


async def test_the_synchronous_face_works_where_a_loop_runs_already(
    write_bench: WriteBench, data: Data, tmp_path: Path
) -> None:
    # As in a notebook: this very thread runs an event loop.
    assert asyncio.get_running_loop().is_running()
    with hil.open(write_bench()) as bench:
        trace = bench.run(bench.core.idle_levels(), np.zeros((2, 2)))
        result = hil.train(bench, data, epochs=1, batch=16, n_steps=2, out=tmp_path / "run")
    assert trace.measured.shape == (2, 2, 2)
    assert result.folder.is_dir()


async def test_the_asynchronous_face_leaves_the_callers_loop_free(
    write_bench: WriteBench, data: Data, tmp_path: Path, behind: Any
) -> None:
    turns = 0

    async def something_else() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(something_else())
    async with hil.open_async(write_bench()) as bench:
        inside = behind(bench)
        assert bench.state == "idle"
        trace = await bench.run(bench.core.idle_levels(), np.zeros((2, 2)))
        result = await hil.train_async(
            bench, data, epochs=1, batch=16, n_steps=2, out=tmp_path / "run"
        )
    other.cancel()
    assert turns > 10
    assert trace.batch == 2
    assert result.folder == tmp_path / "run"
    assert inside.is_safe()
    assert await bench.close() == []


async def test_both_faces_measure_the_same(write_bench: WriteBench) -> None:
    x = np.linspace(-1.0, 1.0, 10).reshape(5, 2)
    async with hil.open_async(write_bench()) as bench:
        awaited = await bench.run(bench.core.idle_levels(), x)
    with hil.open(write_bench()) as bench:
        waited = bench.run(bench.core.idle_levels(), x)
    np.testing.assert_array_equal(awaited.measured, waited.measured)
    np.testing.assert_array_equal(awaited.times, waited.times)


async def test_two_benches_at_once(write_bench: WriteBench) -> None:
    x = np.full((3, 2), 0.5)

    async def measure(name: str, seed: int) -> np.ndarray:
        async with hil.open_async(write_bench(name=name), plant_seed=seed) as bench:
            return (await bench.run(bench.core.idle_levels(), x)).measured

    first, second = await asyncio.gather(measure("a", 1), measure("b", 2))
    assert not np.allclose(first, second, atol=0.01)


@pytest.mark.parametrize("times", [1, 3])
async def test_a_cancelled_task_leaves_the_bench_off(
    times: int, write_bench: WriteBench, data: Data, tmp_path: Path, behind: Any
) -> None:
    inside: list[Any] = []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Watch:
        def step(self, report: Any) -> None:
            loop.call_soon_threadsafe(begun.set)

        def epoch(self, report: Any, network: Any, twin: Any) -> None:
            pass

    async def work() -> None:
        async with hil.open_async(write_bench()) as bench:
            inside.append(behind(bench))
            await hil.train_async(
                bench, data, epochs=10_000, batch=16, out=tmp_path / "run", watcher=Watch()
            )

    task = asyncio.create_task(work())
    await begun.wait()
    for _ in range(times):  # impatience must not cut the way to `off` short
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert inside[0].is_safe()


async def test_an_asynchronous_bench_that_is_not_open_says_so(write_bench: WriteBench) -> None:
    bench = hil.open_async(write_bench())
    async with bench:
        levels = bench.core.idle_levels()
    with pytest.raises(BenchError, match="closed; open it again"):
        await bench.run(levels, np.zeros((1, 2)))


def test_an_opening_that_fails_ends_its_thread(write_bench: WriteBench) -> None:
    path = write_bench(replace={'model = "REDPITAYA"': 'model = "X"'})
    before = threading.active_count()
    with pytest.raises(Exception, match="'X' was expected"):
        hil.open(path)

    async def opened_async() -> None:
        with pytest.raises(Exception, match="'X' was expected"):
            async with hil.open_async(path):
                pass

    asyncio.run(opened_async())
    assert threading.active_count() == before


def test_a_bench_forgotten_open_goes_off_when_python_ends(write_bench: WriteBench) -> None:
    code = f"""
import hil
bench = hil.open({str(write_bench())!r}, tell=lambda line: print(line, flush=True))
with hil.open({str(write_bench(name="other"))!r}):
    pass
print("left open", flush=True)
"""
    root = Path(hil.__file__).parents[1]
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    after = ended.stdout.split("left open", 1)[1]
    assert "-> 0 W in 10 steps" in after
    assert ended.stderr == ""


def test_open_benches_do_not_leak(write_bench: WriteBench) -> None:
    before = threading.active_count()
    for _ in range(3):
        with hil.open(write_bench(), path="slot"):
            pass
    gc.collect()
    assert threading.active_count() == before
