"""A run that was really made, once, and records that tell what a test says."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import hil
from hil.bench.file import from_document
from hil.record.holding import Hold
from hil.record.recorder import Recorder
from hil.telemetry.bus import Bus
from hil.telemetry.commands import CommandDesk
from hil.telemetry.event import Event
from hil.telemetry.events import Fault, RunStarted
from tests.hil.twin.plants import document

OPTIONS: dict[str, Any] = {"epochs": 2, "n_steps": 3, "batch": 64}
Tell = Callable[..., Path]


def started(**changed: Any) -> RunStarted:
    """The beginning of a run."""
    fields: dict[str, Any] = {
        "run": "told",
        "bench": "tiny",
        "backend": "sim",
        "path": "slot",
        "task": "spirals",
        "method": "pat",
        "epochs": 2,
        "batches": 3,
        "n_banks": 2,
        "n_steps": 3,
        "ports": 4,
        "code_version": "0",
    }
    return RunStarted(**(fields | changed))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `runs` of two runs on one small bench, `online` and `frozen`. Not to be changed."""
    runs = tmp_path_factory.mktemp("made") / "runs"
    with hil.open(from_document(document(4, 2), source="tiny"), path="slot") as bench:
        hil.train(bench, "spirals", out=runs / "online", **OPTIONS)
        bench.core.bus.publish(Fault(source="box-0", text="no answer <i>twice</i>"))
        hil.train(bench, "spirals", "frozen", out=runs / "frozen", **OPTIONS)
    return runs


@pytest.fixture
def runs(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`runs` in the working directory: a copy of `made`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HIL_RUNS", raising=False)
    shutil.copytree(made, tmp_path / "runs")
    return Path("runs")


@pytest.fixture
def tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tell]:
    """`tell(name, events, going_on=False)`: a run folder under `runs` that tells these events.

    One that goes on has told all of them, and is held.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HIL_RUNS", raising=False)
    going: list[Hold] = []

    def make(name: str, events: Sequence[Event], *, going_on: bool = False) -> Path:
        folder = Path("runs") / name
        folder.mkdir(parents=True, exist_ok=True)
        bus = Bus()
        recorder = Recorder(folder, bus, CommandDesk(bus), {})
        for event in events:
            bus.publish(event)
        recorder.close()
        if going_on:
            going.append(Hold(folder))
        return folder

    yield make
    for hold in going:
        hold.release()
