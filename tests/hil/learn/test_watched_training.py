"""Training on a simulated bench whose phases step: what the run folder tells of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
from hil.learn.settings import TrainingSettings
from hil.record.reading import all_events
from hil.telemetry.events import Cusum

#: s of bench time: some sixty batches have passed then.
STEP_TIME = 2.0


def _run(tmp_path: Path, epochs: int = 8, **options: Any) -> hil.Result:
    rng = np.random.default_rng(0)
    features = rng.uniform(-1.0, 1.0, (320, 2))
    data = features, (features[:, 0] > 0.0).astype(np.int64)
    step = {"drift_step": 0.2, "drift_step_time": STEP_TIME, "drift_common": 0.0}
    with hil.open("relax-mzi-8", path="slot", plant_seed=3, plant=step) as bench:
        return hil.train(
            bench, data, epochs=epochs, batch=16, n_steps=2, out=tmp_path / "run", gate=0, **options
        )


def _events(result: hil.Result) -> list[dict[str, Any]]:
    rows = [json.loads(row) for row in (result.folder / "metrics.jsonl").read_text().splitlines()]
    return [event for row in rows for event in row["events"]]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> hil.Result:
    return _run(tmp_path_factory.mktemp("watched"))


def test_a_step_alarms_within_twenty_batches_and_is_acted_on(watched: hil.Result) -> None:
    events = _events(watched)
    alarms = [event for event in events if event["kind"] == "alarm"]
    assert alarms[0]["time"] > STEP_TIME
    a_batch = watched.bench_time / (8 * 12)
    assert alarms[0]["time"] < STEP_TIME + 20 * a_batch
    follows = events[events.index(alarms[0]) + 1]
    assert (follows["kind"], follows["batch"]) == ("action", alarms[0]["batch"])


def test_the_sums_are_told_of_every_look(watched: hil.Result) -> None:
    told = [e.event for e in all_events(watched.folder, Cusum)]
    sums = {one.step: one for one in told if isinstance(one, Cusum)}
    alarmed = {event["batch"] for event in _events(watched) if event["kind"] == "alarm"}
    every = TrainingSettings().watch.every
    assert set(sums) >= set(range(every, 8 * 12 + 1, every))
    for step, one in sums.items():
        highest = max(one.whole, one.new, one.element or 0.0)
        assert highest >= 0.0
        assert (highest >= 1.0) == (step in alarmed)


def test_the_summary_counts_what_the_epochs_tell(watched: hil.Result) -> None:
    told, events = watched.summary["drift_watch"], _events(watched)
    assert told["events"] == events
    assert told["alarms"] == len([event for event in events if event["kind"] == "alarm"])
    assert watched.epochs[-1].alarms == told["alarms"]
    assert sum(told["actions"].values()) >= 1
    assert watched.ledger["device_passes"]["drift-watch"] > 0


def test_a_fixed_twin_is_told_about_only(tmp_path: Path) -> None:
    told = _run(tmp_path, twin="fixed").summary["drift_watch"]
    assert told["alarms"] >= 1
    assert told["actions"] == {}
    assert {event["kind"] for event in told["events"]} == {"alarm"}


def test_switched_off_no_reference_input_is_sent(tmp_path: Path) -> None:
    result = _run(tmp_path, epochs=2, drift_watch=0)
    assert "drift-watch" not in result.ledger["device_passes"]
    assert result.summary["drift_watch"]["events"] == []
    assert result.summary["drift_watch"]["read_noise"] is None
