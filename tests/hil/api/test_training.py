"""`hil.train` from Python: results, determinism, interruption."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hil
from drivers.transport.link import LinkError
from hil.learn.errors import MethodError
from hil.learn.reports import EpochReport, StepReport
from hil.record.folder import RunFolder
from hil.record.reading import all_events
from hil.tasks import TaskError
from hil.telemetry.event import Stamped, fields_of

WriteBench = Callable[..., Path]
Data = tuple[Any, Any]


def files_of(folder: Path) -> dict[str, Any]:
    """Everything in a run folder that a rerun must give again, to the last digit."""
    kept: dict[str, Any] = {}
    kept["events"] = [_plain(one) for one in all_events(folder)]
    for path in folder.iterdir():
        if path.suffix in (".sqlite", ".h5"):
            continue  # read as events
        if path.suffix == ".safetensors":  # whose header is in no fixed order
            tensors, notes = RunFolder(folder).read_tensors(path.name)
            kept[path.name] = notes, {key: value.tolist() for key, value in tensors.items()}
        else:
            kept[path.name] = [json.loads(line) for line in one_line_each(path)]
    del kept["summary.json"][0]["wall_seconds"]
    del kept["calibration.json"][0]["created"]
    for name in ("snapshot-start.json", "snapshot-end.json"):
        del kept[name][0]["taken"]
    return kept


def _plain(told: Stamped) -> tuple[Any, ...]:
    """What an event says, but for what the wall's clock and the folder's name make of it."""
    fields = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in fields_of(told.event).items()
        if name not in ("run", "outlets")
    }
    return told.number, told.bench_time, told.event.KIND, repr(fields)


def one_line_each(path: Path) -> list[str]:
    """The JSON documents of a file."""
    text = path.read_text(encoding="utf-8")
    return text.splitlines() if path.suffix == ".jsonl" else [text]


def test_a_run_of_ones_own_data(write_bench: WriteBench, data: Data, tmp_path: Path) -> None:
    with hil.open(write_bench()) as bench:
        result = hil.train(bench, data, epochs=3, batch=16, n_steps=3, out=tmp_path / "run")
    assert result.folder == tmp_path / "run"
    assert [report.epoch for report in result.epochs] == [1, 2, 3]
    assert 0.5 < result.accuracy <= 1.0
    assert result.accuracy == result.summary["accuracy"]
    assert "logistic regression" in result.baselines
    assert result.ledger["device_passes"]["training"] == 3 * 57
    assert result.bench_time > 0.0


@pytest.mark.parametrize("batch", [8, 16, 40, 57, 200])
@pytest.mark.parametrize("twin", ["online", "fixed"])
def test_any_batch_size_will_do(
    batch: int, twin: str, write_bench: WriteBench, data: Data, tmp_path: Path
) -> None:
    with hil.open(write_bench(), path="slot") as bench:
        result = hil.train(
            bench, data, epochs=4, batch=batch, n_steps=2, twin=twin, out=tmp_path / "run"
        )
    assert np.isfinite(result.epochs[-1].loss)


def test_the_same_seed_is_the_same_run_to_the_last_digit(
    write_bench: WriteBench, data: Data, tmp_path: Path
) -> None:
    def run(name: str, **options: Any) -> dict[str, Any]:
        with hil.open(write_bench(3, 2)) as bench:
            result = hil.train(
                bench, data, epochs=3, batch=16, n_steps=3, out=tmp_path / name, **options
            )
        return files_of(result.folder)

    first = run("first")
    assert run("again") == first
    other = run("other", seed=1)
    assert other["checkpoint.safetensors"] != first["checkpoint.safetensors"]


class Interrupter:
    """Sends this process a signal in the middle of the second epoch."""

    def step(self, report: StepReport) -> None:
        if report.epoch == 2 and report.index == 1:
            os.kill(os.getpid(), signal.SIGINT)

    def epoch(self, report: EpochReport, network: Any, twin: Any) -> None:
        pass


def test_ctrl_c_leaves_the_bench_off_and_the_folder_readable(
    write_bench: WriteBench, data: Data, tmp_path: Path, behind: Any
) -> None:
    inside: list[Any] = []
    folder = tmp_path / "run"

    def work() -> None:
        with hil.open(write_bench()) as bench:
            inside.append(behind(bench))
            hil.train(bench, data, epochs=10_000, batch=16, out=folder, watcher=Interrupter())

    with pytest.raises(KeyboardInterrupt):
        work()
    assert inside[0].is_safe()
    assert json.loads((folder / "metrics.jsonl").read_text().splitlines()[0])["epoch"] == 1
    assert (folder / "checkpoint.safetensors").is_file()
    assert not (folder / "summary.json").exists()


def test_ctrl_c_interrupts_a_call_but_not_the_bench(
    write_bench: WriteBench, data: Data, tmp_path: Path
) -> None:
    with hil.open(write_bench()) as bench:
        with pytest.raises(KeyboardInterrupt):
            hil.train(
                bench, data, epochs=10_000, batch=16, out=tmp_path / "a", watcher=Interrupter()
            )
        again = hil.train(bench, data, epochs=1, batch=16, out=tmp_path / "b")
    assert again.accuracy >= 0.0


class Unplugger:
    """Pulls a plug after the first epoch."""

    def __init__(self, faults: Any) -> None:
        self.faults = faults

    def step(self, report: StepReport) -> None:
        pass

    def epoch(self, report: EpochReport, network: Any, twin: Any) -> None:
        self.faults.drop()


def test_a_link_lost_in_training_is_told_and_the_bench_goes_off(
    write_bench: WriteBench, data: Data, tmp_path: Path, behind: Any
) -> None:
    inside: list[Any] = []

    def work() -> None:
        with hil.open(write_bench()) as bench:
            inside.append(behind(bench))
            watcher = Unplugger(inside[0].simulated.faults["box-0"])
            hil.train(bench, data, epochs=9, batch=16, out=tmp_path / "run", watcher=watcher)

    with pytest.raises(LinkError, match="rp-0"):
        work()
    assert inside[0].is_safe()
    assert (tmp_path / "run" / "checkpoint.safetensors").is_file()


@pytest.mark.parametrize(
    ("task", "options", "error", "said"),
    [
        ("mnist", {}, TaskError, "no task 'mnist'"),
        ("spirals", {"method": "sgd"}, MethodError, "no method 'sgd'"),
        ("spirals", {"twin": "evil"}, MethodError, "no twin mode"),
        ("spirals", {"n_steps": 1}, ValueError, "--n-steps 2 or more"),
        ("spirals", {"n_banks": 3}, ValueError, "bench small has 2"),
        ("spirals", {"split_seed": -1}, TaskError, "split_seed is -1"),
        ("spirals", {"as_built": "none.json"}, ValueError, "no such calibration record"),
        ((np.zeros((5, 2)), np.zeros(4)), {}, TaskError, "(items, features) and (items,)"),
        ((np.full((40, 2), np.nan), np.arange(40) % 2), {}, TaskError, "NaN or infinity"),
        ((np.full((40, 2), 99.0), np.arange(40) % 2), {}, TaskError, "scale them"),
        ((np.zeros((40, 2)), np.zeros(40, int)), {}, TaskError, "at least two classes"),
    ],
)
def test_a_mistake_is_raised_before_anything_is_written_or_sent(
    task: Any,
    options: dict[str, Any],
    error: type[Exception],
    said: str,
    write_bench: WriteBench,
    tmp_path: Path,
) -> None:
    with hil.open(write_bench()) as bench:
        before = [one.exchanges for one in bench.core.parts.instruments]
        with pytest.raises(error) as caught:
            hil.train(bench, task, out=tmp_path / "run", **options)
        assert said in str(caught.value)
        assert not (tmp_path / "run").exists()
        assert [one.exchanges for one in bench.core.parts.instruments] == before
        assert bench.state == "idle"


def test_slots_is_the_bench_as_a_torch_module(write_bench: WriteBench, tmp_path: Path) -> None:
    with hil.open(write_bench()) as bench:
        bench.core.write_as_built("best", tmp_path / "record.json")
        twin = hil.twin_from_record(bench, tmp_path / "record.json")
        slots = hil.Slots(bench, twin, hil.Schedule(2, 3))
        inputs = torch.rand(5, 2, dtype=torch.float64, requires_grad=True)
        slots(inputs).square().sum().backward()
        assert slots.trace is not None
        assert slots.trace.measured.shape == (5, 3, 2)
        for value in (inputs, slots.powers, slots.gain, slots.bias):
            assert value.grad is not None
            assert value.grad.abs().sum() > 0.0
        refit = hil.OnlineRefit(twin, hil.RefitSettings(every=1), seed=0)
        assert np.isfinite(refit.observe(slots.powers, slots.trace))
