"""What a run prints and leaves, and that it can be measured again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors

import hil.evaluate

Command = Callable[..., Any]
WriteBench = Callable[..., Path]
KEYS = {
    "accuracy",
    "test_items",
    "confusion",
    "held_out_accuracy",
    "loss",
    "twin_residual",
    "baselines",
    "method",
    "twin",
    "task",
    "bench",
    "backend",
    "path",
    "measured_on",
    "bench_time",
    "wall_seconds",
    "ledger",
    "versions",
}


def accuracy_in(text: str) -> float:
    found = re.search(r"^accuracy +([\d.]+)", text, re.MULTILINE)
    assert found, text
    return float(found[1])


@pytest.mark.parametrize("path", ["wire", "slot"])
def test_a_run_leaves_what_it_says_and_is_measured_again(path: str, command: Command) -> None:
    job = ["--bench", "relax-mzi-8", "--task", "spirals", "--path", path, "--epochs", "6"]
    ended = command([*job, "--n-steps", "4", "--as-built", "std", "--out", "run"])
    assert ended.code == 0, ended.err
    assert ended.err == ""
    run = Path("run")
    assert {p.name for p in run.iterdir()} == {
        "arrays-1.h5",
        "events.sqlite",
        "answers.safetensors",
        "bench.json",
        "calibration.json",
        "checkpoint.safetensors",
        "configuration.json",
        "ledger.json",
        "metrics.jsonl",
        "summary.json",
        "twin.safetensors",
        *(("snapshot-start.json", "snapshot-end.json") if path == "wire" else ()),
    }
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    assert set(summary) >= KEYS
    confusion = np.array(summary["confusion"])
    assert confusion.shape == (3, 3)
    assert np.trace(confusion) / confusion.sum() == pytest.approx(summary["accuracy"])
    with safetensors.safe_open(run / "answers.safetensors", framework="np") as file:
        labels, answers = file.get_tensor("labels"), file.get_tensor("logits").argmax(axis=1)
    assert confusion[1, 2] == np.sum((labels == 1) & (answers == 2))
    assert confusion.sum() == len(labels) == 240
    assert f"{summary['accuracy']:.4f}" in ended.out
    assert "run folder      run" in ended.out
    assert summary["measured_on"] == "bench"
    ledger = summary["ledger"]
    assert sum(ledger["seconds"].values()) == pytest.approx(ledger["bench_seconds"], rel=1e-9)
    passes = ledger["device_passes"]
    # Seven looks of the drift watch in 72 batches, the first one twice: sixteen reference inputs
    # through two banks are eight passes of four slots. No alarm adds to them.
    looks = 8 * (7 + 1)
    spent = {"training": 6 * 760, "drift-watch": looks, "validation": 6 * 200, "evaluation": 240}
    assert passes == spent
    if path == "wire":
        assert set(ledger["instruments"]) >= {"heaters-0", "heaters-1", "pattern", "box-3"}
        assert all(sum(kinds.values()) > 0.0 for kinds in ledger["instruments"].values())
    rows = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(row)["epoch"] for row in rows] == list(range(1, 7))
    with safetensors.safe_open(run / "checkpoint.safetensors", framework="np") as file:
        assert file.get_tensor("powers").shape == (2, 64)
        final = json.loads(file.metadata()["bench_time"])
    # The weights were final before the chip rested and the test part was measured.
    assert final == json.loads(rows[-1])["bench_time"]
    spent = summary["ledger"]["bench_seconds"]
    assert spent - 4.0 < json.loads(rows[-1])["bench_seconds"] < spent
    assert final < summary["bench_time"] < final + 4.0

    again = command(["run"], hil.evaluate.main)
    assert again.code == 0, again.err
    assert f"at bench time {final:.1f} s" in again.out
    assert f"the run's own   {summary['accuracy']:.4f}" in again.out
    assert summary["accuracy"] > 0.5
    assert accuracy_in(again.out) == pytest.approx(summary["accuracy"], abs=0.04)


def test_a_comparison_runs_every_method_on_one_bench(
    write_bench: WriteBench, command: Command
) -> None:
    job = ["--bench", str(write_bench(3, 2)), "--task", "spirals", "--path", "slot"]
    ended = command([*job, "--epochs", "1", "--n-steps", "2", "--compare", "--out", "all"])
    assert ended.code == 0, ended.err
    labels = ["ideal", "pat online", "pat fixed", "pat-final", "in-silico", "in-silico-refit"]
    labels += ["frozen", "logistic regression"]
    data = json.loads(Path("all/comparison.json").read_text(encoding="utf-8"))
    assert list(data) == labels
    table = ended.out[ended.out.index("method  ") :]
    for label in labels:
        assert re.search(rf"^{label} +{data[label]['accuracy']:.4f}", table, re.MULTILINE)
    records = {
        json.dumps(json.loads(p.read_text(encoding="utf-8"))["banks"])
        for p in Path("all").glob("*/calibration.json")
    }
    assert len(records) == 1  # one plant, one survey
    ideal = command(["all/ideal"], hil.evaluate.main)
    assert ideal.code == 2
    assert "ideal, digital run" in ideal.err


def test_more_banks_than_the_packaged_file_has(command: Command) -> None:
    job = ["--bench", "relax-mzi-8", "--task", "spirals", "--path", "slot", "--epochs", "1"]
    ended = command([*job, "--n-banks", "6", "--n-steps", "6", "--out", "run"])
    assert ended.code == 0, ended.err
    kept = json.loads(Path("run/bench.json").read_text(encoding="utf-8"))
    assert kept["n_banks"] == 6
    assert kept["wiring"]["lines"]["coding"] == "binary"


def test_a_bench_file_of_ones_own_is_not_given_more_banks(
    write_bench: WriteBench, command: Command
) -> None:
    ended = command(["--bench", str(write_bench()), "--n-banks", "3", "--task", "spirals"])
    assert ended.code == 2
    assert "python -m hil.bench new --core mzi-mesh --ports 2 --banks 3" in ended.err


def test_a_comparison_of_severities_changes_the_plant_only(command: Command) -> None:
    job = ["--bench", "relax-mzi-8", "--task", "spirals", "--path", "slot", "--epochs", "1"]
    for severity in ("std", "harsh"):
        assert command([*job, "--severity", severity, "--out", severity]).code == 0
    benches = [
        json.loads(Path(name, "bench.json").read_text(encoding="utf-8"))
        for name in ("std", "harsh")
    ]
    assert [bench["plant"].pop("severity") for bench in benches] == ["std", "harsh"]
    assert benches[0] == benches[1]
