"""What a run tells on the bus, in order, and that it tells it truly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
from hil.bench.file import from_document
from hil.learn.publishing import severity
from hil.learn.reports import EpochReport, StepReport
from hil.learn.trust import Event
from hil.telemetry.bus import Outlet, OutletFailed
from hil.telemetry.event import Severity, Stamped
from hil.telemetry.events import (
    Baselines,
    Believed,
    BenchDescribed,
    EpochEnded,
    Fault,
    Levels,
    RunEnded,
    RunStarted,
    Slots,
    Spent,
    StateChanged,
    Step,
    Watched,
)
from sim_backends.plant import Plant
from tests.hil.twin.plants import document

OPTIONS: dict[str, Any] = {"epochs": 2, "n_steps": 3, "batch": 64}


def _bench(path: str = "slot") -> hil.Bench:
    return hil.open(from_document(document(4, 2), source="tiny"), path=path)


def _heard(folder: Path, path: str = "slot", **options: Any) -> tuple[Any, list[Stamped]]:
    heard: list[Stamped] = []
    with _bench(path) as bench:
        outlet = bench.core.bus.add(Outlet("test", heard.extend, size=10_000, lossy=False))
        result = hil.train(bench, "spirals", out=folder, **OPTIONS, **options)
    assert outlet.close()
    return result, heard


def test_a_run_tells_all_that_it_does_in_order(tmp_path: Path) -> None:
    result, heard = _heard(tmp_path / "run")
    events = [one.event for one in heard]
    assert [one.number for one in heard] == list(range(heard[0].number, heard[-1].number + 1))
    times = [one.bench_time for one in heard]
    assert times == sorted(times)
    states = [e.state for e in events if isinstance(e, StateChanged)]
    assert states == ["running", "off"]
    started = next(e for e in events if isinstance(e, RunStarted))
    steps = [e for e in events if isinstance(e, Step)]
    assert [e.step for e in steps] == list(range(1, started.epochs * started.batches + 1))
    assert {e.step for e in events if isinstance(e, Slots)} == {e.step for e in steps}
    believed = [e for e in events if isinstance(e, Believed)]
    assert [e.step for e in believed] == [n for n in range(1, len(steps) + 1) if n % 5 == 0]
    off = [float(np.sqrt(np.mean((e.believed - e.measured) ** 2))) for e in believed]
    residuals = {e.step: e.residual for e in steps}
    assert off == pytest.approx([residuals[e.step] for e in believed], rel=0.3)
    bench = next(e for e in events if isinstance(e, BenchDescribed))
    assert bench.level_max.shape == bench.resistance.shape == (2, 16)
    baselines = next(e for e in events if isinstance(e, Baselines))
    assert baselines.accuracy == result.baselines
    levels = [e for e in events if isinstance(e, Levels)]
    assert len(levels) == len(steps)
    assert levels[0].levels.shape == (2, 16)
    assert not np.array_equal(levels[0].levels, levels[-1].levels)
    epochs = [e for e in events if isinstance(e, EpochEnded)]
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [e.held_out_accuracy for e in epochs] == [row["held_out_accuracy"] for row in rows]
    assert epochs[0].loss == pytest.approx(
        np.mean([e.loss for e in steps if e.epoch == 1]), abs=1e-12
    )
    told = [e for e in events if isinstance(e, Watched)]
    assert [e.text for e in told] == [event["text"] for row in rows for event in row["events"]]
    spent = [e for e in events if isinstance(e, Spent)]
    assert spent[-1].device_passes == result.ledger["device_passes"]
    ended = next(e for e in events if isinstance(e, RunEnded))
    assert (ended.outcome, ended.accuracy) == ("finished", result.accuracy)
    order = [type(e) for e in events if not isinstance(e, StateChanged)]
    assert order[0] is RunStarted
    assert order[-1] is RunEnded


@pytest.mark.parametrize("path", ["wire", "slot"])
def test_the_dark_level_of_each_port_is_told_where_it_is_read(tmp_path: Path, path: str) -> None:
    _, heard = _heard(tmp_path / "run", path)
    dark = [one.event.dark for one in heard if isinstance(one.event, Slots)]
    assert dark
    if path == "slot":  # whose frames have no dark samples
        assert {one.shape for one in dark} == {(0,)}
        return
    whole = np.stack(dark)
    assert whole.shape[1] == 4
    offset = Plant.from_document(document(4, 2)).devices.detector_offset
    assert np.ptp(offset) > 0.01
    np.testing.assert_allclose(whole.mean(axis=0), offset, atol=0.005)


def test_what_a_twin_computed_is_not_told_as_measured(tmp_path: Path) -> None:
    with _bench() as bench:
        heard: list[Stamped] = []
        outlet = bench.core.bus.add(Outlet("test", heard.extend, size=10_000, lossy=False))
        hil.train(bench, "spirals", "in-silico", out=tmp_path / "run", **OPTIONS)
    assert outlet.close()
    events = [one.event for one in heard]
    assert {e.measured_on for e in events if isinstance(e, Step)} == {"twin"}
    assert not any(isinstance(e, (Levels, Slots)) for e in events)


def test_who_listens_changes_nothing(tmp_path: Path) -> None:
    result, _ = _heard(tmp_path / "heard")
    with _bench() as bench:
        alone = hil.train(bench, "spirals", out=tmp_path / "alone", **OPTIONS)
    assert alone.accuracy == result.accuracy
    assert alone.ledger == result.ledger


def test_the_light_is_told_of_as_it_is(tmp_path: Path) -> None:
    heard: list[Stamped] = []
    core = _bench("wire")
    with core as bench:
        outlet = bench.core.bus.add(Outlet("test", heard.extend, lossy=False))
        bench.run(np.full((2, 16), 0.01), np.zeros((4, 4)))
    assert outlet.close()
    said = [(e.state, e.light) for one in heard if isinstance(e := one.event, StateChanged)]
    assert said == [("running", True), ("off", False)]


class _Stopped:
    def step(self, report: StepReport) -> None:
        if report.number == 3:
            raise RuntimeError("a fuse blew")

    def epoch(self, report: EpochReport, network: Any, twin: Any) -> None:
        """Not reached."""


def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    heard: list[Stamped] = []
    with _bench() as bench:
        outlet = bench.core.bus.add(Outlet("test", heard.extend, lossy=False))
        with pytest.raises(RuntimeError, match="fuse"):
            hil.train(bench, "spirals", out=tmp_path / "run", watcher=_Stopped(), **OPTIONS)
    assert outlet.close()
    ended = [one.event for one in heard if isinstance(one.event, RunEnded)]
    assert [(e.outcome, e.why) for e in ended] == [("failed", "a fuse blew")]
    faults = [one.event for one in heard if isinstance(one.event, Fault)]
    assert [(e.source, e.text, e.severity) for e in faults] == [
        ("RuntimeError", "a fuse blew", Severity.MAJOR)
    ]


def test_a_record_that_cannot_be_kept_ends_the_run(tmp_path: Path) -> None:
    def full(events: Sequence[Stamped]) -> None:
        raise OSError("no space left on device")

    with _bench() as bench:
        bench.core.bus.add(Outlet("record", full, lossy=False, size=1))
        with pytest.raises(OutletFailed, match="no space left"):
            hil.train(bench, "spirals", out=tmp_path / "run", **OPTIONS)
    assert str(bench.core.state) == "off"


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("alarm", {}, Severity.MINOR),
        ("gate", {"verdict": "failed"}, Severity.MAJOR),
        ("gate", {"verdict": "passed"}, Severity.NONE),
        ("action", {"action": "accept"}, Severity.MAJOR),
        ("action", {"action": "refit"}, Severity.NONE),
        ("health", {}, Severity.NONE),
    ],
)
def test_how_bad_it_is(kind: str, data: dict[str, Any], expected: Severity) -> None:
    assert severity(Event(1, 0.0, kind, "", data)) is expected
