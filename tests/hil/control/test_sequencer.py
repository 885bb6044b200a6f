"""The sequencer on a simulated bench: what overlaps, what is split, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import numpy as np
import pytest

import hil
from hil.control.plan import planned_frame, planned_write
from hil.control.sequencer import Sequencer

T = TypeVar("T")


def sequencer_of(bench: hil.Bench) -> Sequencer:
    machine = bench.core.machine
    assert isinstance(machine, Sequencer)
    return machine


def seconds_for(bench: hil.Bench, work: Awaitable[Any]) -> float:
    """Bench time that `work` takes."""

    async def timed() -> float:
        loop = asyncio.get_running_loop()
        before = loop.time()
        await work
        return loop.time() - before

    return bench.do(timed())


def values(samples: int, ports: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.5, 1.5, (samples, ports))


def test_writing_overlaps_with_the_upload_of_the_next_frame(small_bench: hil.Bench) -> None:
    bench, machine = small_bench, sequencer_of(small_bench)
    warm = bench.core.idle_levels()
    seconds_for(bench, machine.frame(0, values(900)))  # sets the boxes up

    async def one_after_the_other() -> None:
        await machine.program(0.9 * warm)
        await machine.settled()
        await machine.frame(0, values(900, seed=1))

    async def together() -> None:
        await machine.program(0.8 * warm)
        await machine.program(0.8 * warm)  # as `run_schedule` does after training's own write
        await machine.frame(0, values(900, seed=2))

    apart = seconds_for(bench, one_after_the_other())
    before = dict(bench.ledger["seconds"])
    overlapped = seconds_for(bench, together())
    spent = {k: s - before.get(k, 0.0) for k, s in bench.ledger["seconds"].items()}
    write = planned_write(bench.core.parts, [4, 4]) + bench.file.timing.settle
    upload = dict(planned_frame(bench.core.parts, 900))["upload"]
    # The shorter of the two is hidden by the longer, whole.
    assert apart - overlapped == pytest.approx(min(write, upload), rel=0.15)
    assert sum(spent.values()) == pytest.approx(overlapped, rel=1e-9)
    assert spent["upload"] == pytest.approx(max(0.0, upload - write), abs=0.2 * upload)
    assert spent["write"] == pytest.approx(write, rel=0.2)


def test_a_frame_never_fires_before_the_heaters_have_settled(
    small_bench: hil.Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, machine = small_bench, sequencer_of(small_bench)
    moments: dict[str, float] = {}
    bank, switch = bench.core.parts.banks[0], bench.core.parts.switch
    program, start = bank.program, switch.start

    async def noted_program(levels: np.ndarray) -> int:
        written = await program(levels)
        moments["written"] = machine.now()
        return written

    async def noted_start() -> None:
        moments["started"] = machine.now()
        await start()

    monkeypatch.setattr(bank, "program", noted_program)
    monkeypatch.setattr(switch, "start", noted_start)

    async def step() -> None:
        await machine.program(0.5 * bench.core.idle_levels())
        await machine.frame(0, values(4))

    bench.do(step())
    assert moments["started"] >= moments["written"] + bench.file.timing.settle


def test_levels_that_are_there_already_cost_nothing(small_bench: hil.Bench) -> None:
    machine = sequencer_of(small_bench)
    levels = small_bench.core.idle_levels()

    async def again() -> None:
        await machine.program(levels)
        await machine.settled()

    small_bench.do(again())
    assert seconds_for(small_bench, again()) == 0.0


def test_a_batch_beyond_the_buffer_is_split_into_frames(small_bench: hil.Bench) -> None:
    machine = sequencer_of(small_bench)
    most = small_bench.core.parts.form.most_samples
    data = values(2 * most + 5)
    before = small_bench.ledger["counts"].get("frames", 0)
    small_bench.do(machine.rest(5.0))
    whole = small_bench.do(machine.frame(0, data))
    assert small_bench.ledger["counts"]["frames"] == before + 3
    assert np.flatnonzero(whole.after_dark).tolist() == [0, most, 2 * most]
    parts = [
        small_bench.do(machine.frame(0, data[i : i + most])) for i in range(0, len(data), most)
    ]
    np.testing.assert_array_equal(whole.sent, np.concatenate([p.sent for p in parts]))
    step = (small_bench.core.parts.lsb * small_bench.file.port_array("detector_range")).max()
    measured = np.concatenate([p.measured for p in parts])
    assert np.abs(whole.measured - measured).max() <= 2 * step


def test_clipped_samples_are_flagged_and_counted(write_bench: Any) -> None:
    narrow = {"detector_range = 3.2": "detector_range = 0.3"}
    with hil.open(write_bench(replace=narrow)) as bench:
        trace = bench.run(bench.core.idle_levels(), values(40), schedule=hil.Schedule(2, 2))
        assert trace.clipped.any()
        assert not trace.clipped.all()
        assert np.abs(trace.measured[~trace.clipped]).max() < 0.3
        assert bench.ledger["counts"]["clipped samples"] == trace.clipped.sum()


def test_only_bank_changes_count_as_toggles(small_bench: hil.Bench) -> None:
    levels = small_bench.core.idle_levels()
    small_bench.run(levels, values(3), schedule=hil.Schedule(2, 5))
    assert small_bench.ledger["counts"]["toggles"] == 5  # four changes, and the first selection
    small_bench.run(levels[:1], values(3), schedule=hil.Schedule(1, 4))
    assert small_bench.ledger["counts"]["toggles"] == 5


def test_levels_for_fewer_banks_must_be_as_many(small_bench: hil.Bench) -> None:
    levels = small_bench.core.idle_levels()
    with pytest.raises(ValueError, match=r"shape \(2, 4\); \(1, 4\) is needed"):
        small_bench.run(levels, values(3), schedule=hil.Schedule(1, 2))


@pytest.mark.parametrize("shape", [(1, 4), (2, 3), (8,), (2, 4, 1)])
def test_levels_of_a_wrong_shape_are_refused(
    small_bench: hil.Bench, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"\(2, 4\) is needed"):
        small_bench.do(sequencer_of(small_bench).program(np.zeros(shape)))


def test_what_a_write_runs_into_is_raised_by_the_frame_and_nothing_fires(
    small_bench: hil.Bench, behind: Any
) -> None:
    machine = sequencer_of(small_bench)
    behind(small_bench).simulated.faults["heaters-1"].drop()

    async def step() -> None:
        await machine.program(0.5 * small_bench.core.idle_levels())
        await machine.frame(0, values(4))

    before = small_bench.ledger["counts"].get("frames", 0)
    with pytest.raises(Exception, match="qontrol-1"):
        small_bench.do(step())
    assert small_bench.ledger["counts"].get("frames", 0) == before
