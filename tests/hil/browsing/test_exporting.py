"""Runs for other programs: tables, arrays, event-model documents."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import event_model
import numpy as np
import pytest

from hil.browsing.documents import documents
from hil.browsing.story import read_story
from hil.record.history import history
from hil.runs import main as runs_command
from hil.telemetry.events import Levels, Slots, Step
from tests.hil.browsing.conftest import Tell, started


def rows(path: Path) -> list[dict[str, str]]:
    """A table as it is read by anybody."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tables_hold_what_was_told(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["export", "online", "--out", "out", "--levels-csv", "--arrays", "levels", "slots"]
    assert runs_command([*words, "believed"]) == 0
    printed = capsys.readouterr().out.split()
    assert sorted(printed) == sorted(str(path) for path in Path("out").iterdir())
    steps: list[Any] = [one.event for one in history(runs / "online", Step)]
    table = rows(Path("out/steps.csv"))
    assert [int(row["step"]) for row in table] == [step.step for step in steps]
    assert [float(row["loss"]) for row in table] == [step.loss for step in steps]
    assert [row["epoch"] for row in rows(Path("out/epochs.csv"))] == ["1", "2"]
    kinds = Counter(row["kind"] for row in rows(Path("out/events.csv")))
    assert kinds["run_started"] == 1
    assert "step" not in kinds
    (fault,) = [row for row in rows(Path("out/events.csv")) if row["kind"] == "fault"]
    assert fault["text"] == "no answer <i>twice</i>"
    assert json.loads(fault["fields"])["source"] == "box-0"
    units = {(row["file"], row["column"]): row["unit"] for row in rows(Path("out/columns.csv"))}
    assert units["steps.csv", "loss"] == "nat"
    assert {column for file, column in units if file == "steps.csv"} == set(table[0])

    told: list[Any] = [one.event for one in history(runs / "online", Levels)]
    first = rows(Path("out/levels.csv"))[0]
    assert len(first) == 3 + 2 * 16
    np.testing.assert_allclose(float(first["bank1_element15"]), told[0].levels[1, 15], rtol=1e-6)
    with np.load("out/levels.npz") as found:
        np.testing.assert_array_equal(found["levels"], np.stack([e.levels for e in told]))
    slots: list[Any] = [one.event for one in history(runs / "online", Slots)]
    with np.load("out/slots.npz") as found:
        assert len(set(found["samples"])) == 2  # the last batch of an epoch is smaller
        for event, samples, measured in zip(
            slots, found["samples"], found["measured"], strict=True
        ):
            np.testing.assert_array_equal(measured[:samples], event.measured)
            assert np.isnan(measured[samples:]).all()


def test_nothing_is_written_over(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("full").mkdir()
    Path("full/mine").write_text("precious", encoding="utf-8")
    assert runs_command(["export", "online", "--out", "full"]) == 2
    assert "full is not empty" in capsys.readouterr().err
    for said in ("full/mine exists", "none/file cannot be written"):
        words = ["export", "online", "--format", "bluesky", "--out", said.split()[0]]
        assert runs_command(words) == 2
        assert said in capsys.readouterr().err
    assert Path("full/mine").read_text(encoding="utf-8") == "precious"


def test_arrays_that_there_are_none_of(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    tell("killed", [started()])
    for words in (["--arrays", "slots", "--out", "a"], ["--levels-csv", "--out", "b"]):
        assert runs_command(["export", "killed", *words]) == 2
        assert "holds no" in capsys.readouterr().err


def read_documents(path: Path) -> list[tuple[event_model.DocumentNames, dict[str, Any]]]:
    """Documents of a file, each valid by the schema of its name."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        name, document = json.loads(line)
        kind = event_model.DocumentNames[name]
        event_model.schema_validators[kind].validate(document)
        found.append((kind, document))
    return found


def test_documents_are_those_of_the_event_model(runs: Path) -> None:
    names = event_model.DocumentNames
    words = ["export", "online", "--format", "bluesky", "--arrays", "slots", "levels"]
    assert runs_command(words) == 0
    found = read_documents(Path("online.jsonl"))
    assert found[0][0] is names.start
    assert found[-1][0] is names.stop
    run = found[0][1]["uid"]
    streams: dict[str, tuple[str, dict[str, Any]]] = {}
    counted: Counter[str] = Counter()
    for kind, document in found:
        if kind is names.descriptor:
            assert document["run_start"] == run
            streams[document["uid"]] = document["name"], document["data_keys"]
        elif kind is names.event:
            name, keys = streams[document["descriptor"]]
            counted[name] += 1
            assert document["seq_num"] == counted[name]
            assert document["data"].keys() == keys.keys() == document["timestamps"].keys()
            for key, value in document["data"].items():
                assert list(np.shape(value)) == keys[key]["shape"], (name, key)
    stop = found[-1][1]
    assert stop["exit_status"] == "success"
    assert stop["num_events"] == dict(counted)
    assert counted["primary"] == len(history(runs / "online", Step))
    by_name = dict(streams.values())
    assert by_name["levels"]["levels"]["units"] == "W"
    assert by_name["levels"]["levels"]["dims"] == ["n_banks", "elements"]
    assert by_name["primary"]["loss"]["dtype"] == "number"
    assert by_name["spent"]["seconds_write"]["units"] == "s"
    # Asked for again, they are the same; a run's id is its start document's.
    assert run.replace("-", "") == read_story(runs / "online").facts.id
    assert [d["uid"] for _, d in documents(read_story(runs / "online"), [Slots, Levels])] == [
        document["uid"] for _, document in found
    ]


@pytest.mark.parametrize(("going_on", "last"), [(True, "event"), (False, "stop")])
def test_documents_of_a_run_that_told_no_end(tell: Tell, going_on: bool, last: str) -> None:
    step = Step(step=1, epoch=1, loss=float("nan"), accuracy=0.5, residual=None, clamped=0,
                measured_on="bench", seconds=0.1)  # fmt: skip
    tell("run", [started(), step], going_on=going_on)
    assert runs_command(["export", "run", "--format", "bluesky"]) == 0
    found = read_documents(Path("run.jsonl"))
    assert found[-1][0].name == last
    (event,) = [document for name, document in found if name.name == "event"
                and "loss" in document["data"]]  # fmt: skip
    assert event["data"]["loss"] is None
    if not going_on:
        assert found[-1][1]["exit_status"] == "fail"
        assert "killed" in found[-1][1]["reason"]
