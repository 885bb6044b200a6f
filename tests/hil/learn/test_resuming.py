"""A run that stops, or is killed, goes on where it was; or is refused, with the reason."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import hil
from hil.bench.file import from_document
from hil.learn.api import Quiet
from hil.learn.continuing import differences
from hil.learn.reports import StepReport
from hil.learn.resuming import VALUES
from hil.record.checkpoints import EPOCH, STEP, read_checkpoints
from hil.record.folder import CHECKPOINT, RunFolder, RunFolderError
from hil.record.reading import all_events
from hil.record.state import StateError, from_tensors, give, take, to_tensors
from hil.telemetry.bus import Outlet
from hil.telemetry.commands import Command, Stopped
from hil.telemetry.events import (
    EpochEnded,
    Health,
    Levels,
    RunEnded,
    RunResumed,
    StateChanged,
    Step,
)
from tests.hil.twin.plants import document

OPTIONS: dict[str, Any] = {"epochs": 3, "n_steps": 3, "batch": 64}
METHODS = ("pat", "pat-final", "in-silico", "in-silico-refit", "frozen", "ideal")


def _bench(start_time: float = 0.0, **changed: Any) -> hil.Bench:
    file = from_document({**document(4, 2), **changed}, source="tiny")
    return hil.open(file, path="slot", start_time=start_time)


def _ask(bench: hil.Bench, verb: str, id_: str = "1") -> None:
    bench.core.desk.give(Command(id_, verb, "test", time.time() + 60.0))


class _Asks(Quiet):
    """Gives a command at a step."""

    def __init__(self, bench: hil.Bench, at: int, verb: str = "stop") -> None:
        self.bench, self.at, self.verb, self.seen = bench, at, verb, 0

    def step(self, report: StepReport) -> None:
        self.seen += 1
        if self.seen == self.at:
            _ask(self.bench, self.verb)


def _stopped(folder: Path, at: int, method: str = "pat", **options: Any) -> None:
    with _bench() as bench:
        watcher = _Asks(bench, at)
        with pytest.raises(Stopped, match="stopped by a command"):
            hil.train(
                bench, "spirals", method, out=folder, watcher=watcher, **{**OPTIONS, **options}
            )
    assert str(bench.core.state) == "off"


def _resumed(folder: Path) -> Any:
    left = max(c.notes["bench_time"] for c in read_checkpoints(RunFolder(folder)))
    with _bench(left) as bench:
        return hil.train(bench, resume=folder)


@pytest.fixture(scope="module")
def in_one_go(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], hil.Result]:
    """`in_one_go(method)`: a run that nobody stopped, made once. Not to be changed."""

    @cache
    def run(method: str) -> hil.Result:
        with _bench() as bench:
            folder = tmp_path_factory.mktemp("whole") / method
            return hil.train(bench, "spirals", method, out=folder, **OPTIONS)

    return run


@pytest.mark.parametrize(
    ("method", "at"), [*((method, 12) for method in METHODS), ("pat", 1), ("pat", 20)]
)
def test_a_run_goes_on_where_it_was_stopped(
    tmp_path: Path, method: str, at: int, in_one_go: Callable[[str], hil.Result]
) -> None:
    _stopped(tmp_path / "run", at, method)
    result = _resumed(tmp_path / "run")
    whole = in_one_go(method)
    assert [e.epoch for e in result.epochs] == [e.epoch for e in whole.epochs]
    rows = RunFolder(tmp_path / "run").read_metrics()
    assert [row["epoch"] for row in rows] == [e.epoch for e in whole.epochs]
    events = [e.event for e in all_events(tmp_path / "run")]
    (resumed,) = [e for e in events if isinstance(e, RunResumed)]
    assert resumed.step == at
    assert [e.step for e in events if isinstance(e, Step)] == [
        e.event.step  # type: ignore[attr-defined]
        for e in all_events(whole.folder, Step)
    ]
    outcomes = [e.outcome for e in events if isinstance(e, RunEnded)]
    assert outcomes == ["stopped", "finished"]
    times = [e.bench_time for e in all_events(tmp_path / "run", Step, EpochEnded)]
    assert times == sorted(times)
    # What was spent is all that was spent: of training passes as many as in one go.
    spent, expected = (
        {name: passes for name, passes in of["device_passes"].items() if name != "drift-watch"}
        for of in (result.ledger, whole.ledger)
    )
    assert spent == expected
    assert result.ledger["digital_passes"] == whole.ledger["digital_passes"]
    assert not (tmp_path / "run" / STEP).exists()


@pytest.mark.parametrize("at", [1, 12, 20, 35])
def test_on_a_machine_without_noise_nothing_shows_that_it_stopped(
    tmp_path: Path, at: int, in_one_go: Callable[[str], hil.Result]
) -> None:
    _stopped(tmp_path / "run", at, "ideal")
    result = _resumed(tmp_path / "run")
    whole = in_one_go("ideal")
    assert result.accuracy == whole.accuracy
    kept, expected = (
        RunFolder(folder).read_tensors(CHECKPOINT)[0] for folder in (tmp_path / "run", whole.folder)
    )
    for name, value in expected.items():
        torch.testing.assert_close(kept[name], value, rtol=0.0, atol=0.0)


@pytest.mark.parametrize("refit", ["layered", "layered-neural", "adam"])
def test_all_of_a_trainer_is_kept(
    tmp_path: Path, refit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was restored, taken again, is what was kept: watch, refit, optimisers, generators."""
    from hil.learn.resuming import LeftOff

    options = {"refit": refit, "drift_watch": 3, "gate": 7}
    _stopped(tmp_path / "run", 20, **options)
    found: list[Any] = []
    put = LeftOff.put

    def spied(self: LeftOff, trainer: Any) -> None:
        put(self, trainer)
        found.append(take(trainer, heavy=False))

    monkeypatch.setattr(LeftOff, "put", spied)
    step = next(c for c in read_checkpoints(RunFolder(tmp_path / "run")) if c.notes["number"] == 20)
    _resumed(tmp_path / "run")
    assert _differ(step.state, found[0]) == []
    assert {"position", "network", "twin", "refit", "guard", "_optimiser", "_rng"} <= set(found[0])


def _differ(one: Any, other: Any, where: str = "") -> list[str]:
    if isinstance(one, Tensor | np.ndarray):
        same = np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)
        return [] if same else [where]
    if isinstance(one, dict):
        if set(one) != set(other):
            return [f"{where}: {set(one) ^ set(other)}"]
        return [d for key in one for d in _differ(one[key], other[key], f"{where}.{key}")]
    if isinstance(one, list):
        if len(one) != len(other):
            return [f"{where}: {len(one)} and {len(other)}"]
        return [
            d
            for i, (a, b) in enumerate(zip(one, other, strict=True))
            for d in _differ(a, b, f"{where}[{i}]")
        ]
    same = one == other or (one != one and other != other)
    return [] if same else [f"{where}: {one} and {other}"]


_RUN = """
import sys, hil
from hil.learn.api import Quiet
class Told(Quiet):
    def step(self, report):
        print(report.number, flush=True)
with hil.open(sys.argv[2], path="wire") as bench:
    hil.train(bench, "spirals", out=sys.argv[1], epochs=2, n_steps=3, watcher=Told())
"""


@pytest.mark.parametrize("after", [3, 17])
def test_after_kill_9_one_step_is_lost_at_most(
    tmp_path: Path, after: int, write_bench: Callable[..., Path]
) -> None:
    from hil.train import main

    folder = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", _RUN, str(folder), str(write_bench(4))],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(after)]
        os.kill(process.pid, signal.SIGKILL)
    assert main(["--resume", str(folder)]) == 0
    (resumed,) = [e.event for e in all_events(folder, RunResumed)]
    assert isinstance(resumed, RunResumed)
    assert resumed.step >= told[-1] - 1
    rows = RunFolder(folder).read_metrics()
    assert [row["epoch"] for row in rows] == [1, 2]
    assert json.loads((folder / "summary.json").read_text())["accuracy"] > 0.4


def test_off_ends_a_run_at_once_and_it_can_be_gone_on_with(tmp_path: Path) -> None:
    with _bench() as bench:
        watcher = _Asks(bench, 4, "off")
        with pytest.raises(Stopped, match="driven off"):
            hil.train(bench, "spirals", out=tmp_path / "run", watcher=watcher, **OPTIONS)
    states = [e.event.state for e in all_events(tmp_path / "run", StateChanged)]  # type: ignore[attr-defined]
    assert states[-1] == "off"
    _resumed(tmp_path / "run")


def test_a_pause_holds_the_run_and_keeps_the_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.bench.pausing.BEAT", 0.0)
    with _bench() as bench:
        watcher = _Asks(bench, 4, "pause")
        ended: list[Any] = []
        thread = threading.Thread(
            target=lambda: ended.append(
                hil.train(bench, "spirals", out=tmp_path / "run", watcher=watcher, **OPTIONS)
            )
        )
        idle, alive = threading.Event(), threading.Event()

        def told(events: Any) -> None:
            for one in events:
                if isinstance(one.event, StateChanged) and one.event.state == "idle":
                    idle.set()
                if isinstance(one.event, Health) and idle.is_set():
                    alive.set()

        bench.core.bus.add(Outlet("test", told))
        thread.start()
        assert idle.wait(30.0)
        assert alive.wait(30.0)  # a run that is paused is not taken for dead
        assert watcher.seen == 4
        _ask(bench, "resume", "2")
        thread.join(60.0)
    assert ended[0].accuracy > 0.3
    events = [e.event for e in all_events(tmp_path / "run", StateChanged, Step)]
    at = next(i for i, e in enumerate(events) if isinstance(e, StateChanged) and e.state == "idle")
    assert events[at - 1].step == 4  # type: ignore[attr-defined]
    assert events[at + 1].state == "running"  # type: ignore[attr-defined]


def test_a_long_pause_lowers_the_heaters_and_brings_them_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.bench.pausing.HOLD_MOST", 0.0)
    file = from_document(document(4, 2), source="tiny")
    with hil.open(file, path="wire") as bench:
        core, seen = bench.core, list[np.ndarray]()

        def told(events: Any) -> None:
            for one in events:
                if isinstance(one.event, StateChanged) and "idle levels" in one.event.why:
                    seen.append(core.machine.levels.copy())
                    _ask(bench, "resume", "2")

        core.bus.add(Outlet("test", told))
        watcher = _Asks(bench, 4, "pause")
        hil.train(bench, "spirals", out=tmp_path / "run", watcher=watcher, **OPTIONS)
        np.testing.assert_array_equal(seen[0], core.idle_levels())
    kept = all_events(tmp_path / "run", StateChanged, Step, Levels)
    why = [e.event.why for e in kept if isinstance(e.event, StateChanged)]
    assert why[1:4] == [
        "paused by a command; levels are held",
        "paused for over 0 s; heaters are at the idle levels",
        "goes on",
    ]
    steps = {e.event.step: e.bench_time for e in kept if isinstance(e.event, Step)}
    # Down, up again, and the wait for the slow tail.
    chip = file.chip
    assert steps[5] - steps[4] > 2 * chip.ramp_time + chip.warm_up
    assert steps[6] - steps[5] < 1.0


def test_a_run_that_has_ended_is_not_resumed(tmp_path: Path) -> None:
    with _bench() as bench:
        hil.train(bench, "spirals", out=tmp_path / "run", **OPTIONS)
        with pytest.raises(RunFolderError, match="has come to its end"):
            hil.train(bench, resume=tmp_path / "run")


def test_another_bench_is_refused_with_what_differs(tmp_path: Path) -> None:
    _stopped(tmp_path / "run", 4)
    before = (tmp_path / "run" / "bench.json").read_bytes()
    chip = {**document(4, 2)["chip"], "power_max": 0.1}
    with _bench(1e3, chip=chip) as bench:
        with pytest.raises(RunFolderError, match=r"chip\.power_max was .* is 0\.1"):
            hil.train(bench, resume=tmp_path / "run")
    assert (tmp_path / "run" / "bench.json").read_bytes() == before
    assert len(all_events(tmp_path / "run", RunEnded)) == 1  # nothing was written


def test_a_bench_that_is_too_early_is_refused(tmp_path: Path) -> None:
    _stopped(tmp_path / "run", 4)
    with _bench() as bench, pytest.raises(RunFolderError, match="start_time="):
        hil.train(bench, resume=tmp_path / "run")


def test_other_data_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, (96, 2))
    y = (x[:, 0] > 0.0).astype(np.int64)
    with _bench() as bench:
        with pytest.raises(Stopped):
            hil.train(
                bench, (x, y), out=tmp_path / "run", watcher=_Asks(bench, 2), epochs=3, n_steps=3
            )
    with _bench(1e3) as bench:
        with pytest.raises(RunFolderError, match="data of its own"):
            hil.train(bench, resume=tmp_path / "run")
        with pytest.raises(RunFolderError, match="other data"):
            hil.train(bench, (x + 0.1, y), resume=tmp_path / "run")
        hil.train(bench, (x, y), resume=tmp_path / "run")


@pytest.mark.parametrize("damage", ["cut", "text", "gone"])
def test_a_damaged_checkpoint_is_told_in_a_line(tmp_path: Path, damage: str) -> None:
    _stopped(tmp_path / "run", 4)
    path = tmp_path / "run" / STEP
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "text":
        path.write_text("no tensors")
    else:
        path.unlink()
        (tmp_path / "run" / EPOCH).unlink(missing_ok=True)
    with _bench(1e3) as bench, pytest.raises(RunFolderError, match=r"cannot be read|no checkpoint"):
        hil.train(bench, resume=tmp_path / "run")


def test_a_checkpoint_makes_nothing_but_what_is_allowed() -> None:
    class Thing:
        STATE = ("value",)
        value: Any = None

    for tree in (
        {"object": "Path", "state": {}},
        {"value": "Path", "fields": {}},
        {"enum": "Path", "is": "/"},
        {"else": 1},
        {"random": {}},
        {"optimiser": {}},
    ):
        with pytest.raises(StateError):
            give(Thing(), {"value": tree}, VALUES)
    with pytest.raises(StateError, match="no state 'other'"):
        give(Thing(), {"other": 1}, VALUES)
    thing = Thing()
    thing.value = object()
    with pytest.raises(StateError, match=r"Thing\.value: a object cannot be kept"):
        take(thing)


def test_a_state_survives_its_way_through_a_file() -> None:
    tree = {"a": torch.ones(2, 3), "b": [1, 2.5, None, "x", np.arange(3)], "c": {"d": float("inf")}}
    back = from_tensors(*to_tensors(tree))
    assert _differ(tree, back) == []
    with pytest.raises(StateError):
        from_tensors({}, '{"tensor": ["float64", 0, [2]]}')
    with pytest.raises(StateError):
        from_tensors({"float64": torch.ones(1)}, '{"tensor": ["float64", 0, [2]]}')
    with pytest.raises(StateError):
        from_tensors({}, "{")


def test_differences_are_told_by_their_place() -> None:
    before = {"name": "a", "chip": {"power_max": 1.0, "old": 1}, "list": [1, 2]}
    now = {"name": "a", "chip": {"power_max": 2.0, "new": 1}, "list": [1, 3]}
    assert list(differences(before, now)) == [
        "chip.power_max was 1.0, is 2.0",
        "chip.old is gone",
        "chip.new is new",
        "list[1] was 2, is 3",
    ]
    assert list(differences({"description": "a"}, {"description": "b"})) == []
