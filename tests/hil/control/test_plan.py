"""Planned bench time against what a simulated run over the wire really spends."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hil.train import main

JOB = ["--bench", "relax-mzi-8", "--task", "spirals", "--twin", "fixed", "--epochs", "2"]


def planned(text: str) -> tuple[float, float]:
    """(s a step, s an epoch) of what --dry-run prints."""
    step = re.search(r"planned bench time: ([\d.e+-]+) ms a step", text)
    epoch = re.search(r"([\d.e+-]+) s an epoch", text)
    assert step
    assert epoch
    return float(step[1]) * 1e-3, float(epoch[1])


@pytest.mark.parametrize(
    "size", [["--n-steps", "3", "--batch", "128"], ["--n-banks", "1", "--n-steps", "2"]]
)
def test_dry_run_tells_what_an_epoch_really_takes(
    size: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*JOB, *size, "--dry-run"]) == 0
    step, epoch = planned(capsys.readouterr().out)
    taken = {}
    for path in ("wire", "slot"):
        out = tmp_path / path
        assert main([*JOB, *size, "--path", path, "--out", str(out)]) == 0
        rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        taken[path] = rows[1]["bench_time"] - rows[0]["bench_time"]
        ledger = json.loads((out / "ledger.json").read_text())
        total = sum(ledger["seconds"].values())
        assert total == pytest.approx(ledger["bench_seconds"], rel=1e-9)
    assert taken["wire"] == pytest.approx(epoch, rel=0.10)
    assert taken["slot"] == pytest.approx(taken["wire"], rel=0.10)
    assert 0.0 < step < epoch


def test_dry_run_opens_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    # Nothing answers at the real bench's addresses: a dry run does not ask.
    assert main(["--backend", "real", "--dry-run", "--n-steps", "7"]) == 0
    text = capsys.readouterr().out
    assert "n_banks 2, n_steps 7, 3.5 passes a bank, 6 bank changes" in text
    assert "features 0 to 15" in text
    assert not list(tmp_path.iterdir())
