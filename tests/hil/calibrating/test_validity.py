"""Stale and foreign records are refused, with every reason and the mend."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import hil
from calibration.record import RecordError
from calibration.record_reading import read_record
from hil.bench.entry import make_core, plant_overlay
from hil.bench.file import load
from hil.calibrating.validity import bench_table, check_holds, why_foreign, why_stale

Changed = Callable[..., Path]


def at(record: Any, hours: float) -> datetime:
    return datetime.fromisoformat(record.steps[0]["created"]).astimezone(UTC) + timedelta(
        hours=hours
    )


def test_steps_age_by_the_bench_file(calibrated: Path) -> None:
    record = read_record(calibrated / "first" / "record.json")
    text = (calibrated / "small.toml").read_text(encoding="utf-8")
    aged = calibrated / "aged.toml"
    aged.write_text(text.replace("ages = {}", "ages = { dark = 1.0 }"), encoding="utf-8")
    assert why_stale(record, load(aged), at(record, 0.9)) == []
    told = why_stale(record, load(aged), at(record, 2.0))
    assert told == ["dark is 2.0 h old, the bench file allows 1 h"]
    assert len(why_stale(record, load(aged), at(record, 25.0))) == len(record.steps)


def test_a_step_without_a_time_is_stale(changed: Changed, calibrated: Path) -> None:
    def spoil(document: dict[str, Any]) -> None:
        document["steps"][1]["created"] = "yesterday"

    record = read_record(changed(spoil))
    told = why_stale(record, load(calibrated / "small.toml"), at(record, 0.1))
    assert len(told) == 1
    assert told[0].startswith("detector is ")


@pytest.mark.parametrize("path", ["wire", "slot"])
def test_another_simulated_bench_is_foreign(calibrated: Path, path: str) -> None:
    record = read_record(calibrated / "first" / "record.json")
    for seed, holds in ((1, True), (2, False)):
        core = make_core(load(calibrated / "small.toml", plant_overlay(plant_seed=seed)), path=path)
        if holds:
            assert check_holds(record, core, "r", now=at(record, 1.0)) == []
            continue
        with pytest.raises(RecordError, match=r"another simulated bench.*--accept-stale"):
            check_holds(record, core, "r", now=at(record, 1.0))
        assert check_holds(record, core, "r", accept_stale=True, now=at(record, 1.0))


def test_a_simulated_record_is_not_a_real_benchs(calibrated: Path) -> None:
    record = read_record(calibrated / "first" / "record.json")
    core = make_core(calibrated / "small.toml", backend="real")
    told = why_foreign(record, bench_table(core), {})
    assert told == ["made on a bench whose backend was sim, not real"]


def test_another_serial_number_is_foreign(changed: Changed, calibrated: Path) -> None:
    def swap(document: dict[str, Any]) -> None:
        document["serials"] = {"heaters-0": "9999", "gone": "1"}

    record = read_record(changed(swap))
    table = bench_table(make_core(calibrated / "small.toml"))
    told = why_foreign(record, table, {"heaters-0": "0001", "new": "2"})
    assert told == ["heaters-0 had serial number 9999, now it has 0001"]


def test_training_refuses_a_stale_record_before_a_run_folder_is_made(
    changed: Changed, calibrated: Path, tmp_path: Path
) -> None:
    def age(document: dict[str, Any]) -> None:
        document["steps"][0]["created"] = "2020-01-01T00:00:00+00:00"

    stale = changed(age)
    options: dict[str, Any] = {
        "as_built": stale,
        "out": tmp_path / "run",
        "epochs": 1,
        "n_steps": 2,
    }
    with hil.open(calibrated / "small.toml", path="slot") as bench:
        with pytest.raises(RecordError, match=r"dark is .* h old.*calibrate again"):
            hil.train(bench, "spirals", **options)
        assert not (tmp_path / "run").exists()
        result = hil.train(bench, "spirals", accept_stale=True, **options)
    assert (result.folder / "calibration.json").read_bytes() == stale.read_bytes()


def test_an_as_built_file_does_not_age(calibrated: Path, tmp_path: Path) -> None:
    core = make_core(calibrated / "small.toml", path="slot")
    path = tmp_path / "as-built.json"
    core.write_as_built("best", path)
    later = datetime.now(UTC) + timedelta(days=3000)
    assert check_holds(core.read_record(path), core, str(path), now=later) == []
