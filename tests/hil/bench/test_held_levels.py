"""Heaters that give up while levels are held: found by the look, before a test is believed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
import hil.evaluate
import hil.train
from drivers.errors import OutputFault
from hil.control.feedback import run_schedule
from hil.learn import measuring, methods
from hil.record.reading import all_events
from hil.telemetry.events import Fault, RunEnded
from tests.hil.conftest import WriteBench

LOST = r"^heaters-0: .*have lost their power.*: see to the supply"


def lose_power(bench: Any, behind: Any, *, told: bool) -> None:
    """Of the first chassis; `told`: by its error line, too."""
    chain = behind(bench).simulated.instruments["heaters-0"]
    if not told:
        chain.listeners.clear()
    chain.lose_power()


def test_a_frame_with_unchanged_levels_hears_of_it(small_bench: hil.Bench, behind: Any) -> None:
    levels, x = 0.3 * small_bench.level_max, np.full((8, 2), 0.6)
    small_bench.run(levels, x)
    small_bench.run(levels, x)
    lose_power(small_bench, behind, told=True)
    small_bench.do(asyncio.sleep(0.1))
    with pytest.raises(OutputFault, match=LOST):
        small_bench.run(levels, x)


def test_a_look_every_few_seconds_finds_it_untold(small_bench: hil.Bench, behind: Any) -> None:
    """Whether anybody hears of readings or not."""
    core = small_bench.core
    small_bench.run(0.3 * small_bench.level_max, np.full((8, 2), 0.6))
    small_bench.do(core.between_steps())
    lose_power(small_bench, behind, told=False)
    small_bench.do(core.between_steps())  # not yet
    small_bench.do(asyncio.sleep(11.0))
    with pytest.raises(OutputFault, match=LOST):
        small_bench.do(core.between_steps())


def test_looks_cost_a_run_next_to_nothing(small_bench: hil.Bench) -> None:
    core = small_bench.core
    spent = sum(sum(one.busy.values()) for one in core.parts.instruments)
    for _ in range(10):
        small_bench.do(core.between_steps())
        small_bench.do(asyncio.sleep(10.1))
    spent = sum(sum(one.busy.values()) for one in core.parts.instruments) - spent
    assert 0.0 < spent < 0.005 * 101.0  # all chassis together, though they are asked at once


@pytest.fixture
def fails_in_the_test(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """`fails_in_the_test(chain)`: it loses power as soon as the test's figures were measured."""

    def order(chains: Callable[[], Any]) -> None:
        async def measured(machine: Any, *of: Any) -> Any:
            trace = await run_schedule(machine, *of)
            chain = chains()
            chain.listeners.clear()
            chain.lose_power()
            return trace

        monkeypatch.setattr(measuring, "run_schedule", measured)

    return order


def chassis_of(monkeypatch: pytest.MonkeyPatch, behind: Any) -> Callable[[], Any]:
    """The first chassis of the bench that is open last."""
    opened: list[Any] = []
    connect = hil.bench.opening.OpenBench.connect  # type: ignore[attr-defined]

    async def noted(core: Any, *of: Any) -> None:
        opened.append(core)
        await connect(core, *of)

    monkeypatch.setattr("hil.bench.opening.OpenBench.connect", noted)
    return lambda: behind(opened[-1]).simulated.instruments["heaters-0"]


def test_figures_of_a_test_without_heat_are_not_believed(
    write_bench: WriteBench, tmp_path: Path, behind: Any, monkeypatch: pytest.MonkeyPatch,
    fails_in_the_test: Callable[[Any], None], capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Of `hil.train` and of `hil.evaluate`: one line, exit 2, the bench off, a record of it."""
    chain = chassis_of(monkeypatch, behind)
    job = ["--bench", str(write_bench()), "--task", "spirals", "--epochs", "1"]
    assert hil.train.main([*job, "--out", str(tmp_path / "good")]) == 0
    capsys.readouterr()

    real = methods.Assembly.test_logits

    async def last(assembly: Any, trained: Any) -> Any:
        fails_in_the_test(chain)
        return await real(assembly, trained)

    monkeypatch.setattr(methods.Assembly, "test_logits", last)
    monkeypatch.setattr(methods, "measure_logits", measuring.measure_logits)
    assert hil.train.main([*job, "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr()
    assert re.search(r"heaters-0: .*see to the supply", told.err.splitlines()[-1])
    assert "Traceback" not in told.err
    assert not chain().volts.any()
    assert not (tmp_path / "run" / "summary.json").exists()
    ended = [e.event for e in all_events(tmp_path / "run", RunEnded, Fault)]
    assert [type(one).__name__ for one in ended] == ["Fault", "RunEnded"]
    assert ended[0].source == "heaters-0"  # type: ignore[union-attr]

    assert hil.evaluate.main([str(tmp_path / "good")]) == 2
    told = capsys.readouterr()
    assert re.search(r"heaters-0: .*see to the supply", told.err.splitlines()[-1])
    assert "accuracy" not in told.out


def test_a_loss_of_power_before_a_run_is_not_lost_in_its_snapshot(
    small_bench: hil.Bench, behind: Any, tmp_path: Path
) -> None:
    lose_power(small_bench, behind, told=True)
    small_bench.do(asyncio.sleep(0.1))
    rng = np.random.default_rng(0)
    features = rng.uniform(-1.0, 1.0, (96, 2))
    data = features, (features[:, 0] > 0.0).astype(np.int64)
    with pytest.raises(OutputFault, match=LOST):
        hil.train(small_bench, data, epochs=1, batch=16, out=tmp_path / "run")
