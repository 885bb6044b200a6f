"""A calibration is broken off in the middle of a sweeping step, and gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from calibration.record_reading import read_record
from hil.bench.writing import Start, starting_text
from hil.calibrate import main
from hil.calibrating.folder import CalibrationFolder
from hil.calibrating.watching import StepWatch
from tests.hil.calibrating.conftest import Calibrate

#: Breaks off with the second part of a step's settings on disk: as kill -9 does.
KILLED = """
import os, signal, sys
from hil.calibrate import main
from hil.calibrating.watching import StepWatch
kept, parts = StepWatch.keep, []
def killed(self, key, **arrays):
    kept(self, key, **arrays)
    parts.append(key)
    if len(parts) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
StepWatch.keep = killed
main(sys.argv[1:])
"""


#: Steps of rings, after the fast ones.
RINGS = ("resonances", "weights", "lock", "verify")


def settings_in(folder: str, step: str) -> int:
    """Settings in the raw sweeps of an ended step; times must ascend."""
    with h5py.File(Path(folder) / "raw" / f"{step}.h5") as raw:
        parts = [raw[name] for name in sorted(raw) if name.startswith("settings-")]
        times = np.concatenate([np.asarray(part["times"]) for part in parts])
    assert (np.diff(times) > 0.0).all()
    return len(times)


@pytest.fixture(scope="module")
def few_rings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small bench of rings, and `start`: its fast parts calibrated."""
    where = tmp_path_factory.mktemp("few-rings")
    text = starting_text(Start(4, 2, "few-rings", core="microring"))
    (where / "few-rings.toml").write_text(text, encoding="utf-8")
    skipped = [word for step in ("switch", *RINGS) for word in ("--skip", step)]
    words = ["run", str(where / "few-rings.toml"), "--path", "slot", "--out", str(where / "start")]
    assert main([*words, *skipped]) == 0
    return where


@pytest.mark.parametrize(
    ("core", "steps", "broken_in", "count"),
    [
        ("mzi-mesh", ("global",), "global", 60),
        ("mzi-mesh", ("crosstalk",), "crosstalk", 160),
        ("microring", RINGS[:1], "resonances", 40),
        ("microring", RINGS[:2], "weights", 100),
    ],
)
def test_ctrl_c_in_a_sweep_loses_a_few_settings_at_most(
    calibrate: Calibrate,
    few_rings: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    core: str,
    steps: tuple[str, ...],
    broken_in: str,
    count: int,
) -> None:
    folder = str(tmp_path / "broken")
    mesh = core == "mzi-mesh"
    bench = "small.toml" if mesh else str(few_rings / "few-rings.toml")
    start = "first/record.json" if mesh else str(few_rings / "start" / "record.json")
    kept = StepWatch.keep

    def interrupted(self: StepWatch, key: str, **arrays: Any) -> None:
        kept(self, key, **arrays)
        if self.step == broken_in:
            os.kill(os.getpid(), signal.SIGINT)

    asked = [word for step in steps for word in ("--only", step)]
    with monkeypatch.context() as patch:
        patch.setattr(StepWatch, "keep", interrupted)
        ended = calibrate("run", bench, "--path", "slot", "--from", start, *asked, "--out", folder)
    assert ended.code == 130
    assert f"--resume {folder}" in ended.out
    finished = len(list(Path(folder, "raw", broken_in).glob("*.h5")))
    assert finished >= 1
    last = CalibrationFolder(Path(folder)).last_kept()
    assert last is not None
    # A mesh's steps were all done, in the record that was begun with: those asked for are not.
    later = [] if mesh else asked
    again = calibrate("run", bench, "--path", "slot", "--resume", folder, *later)
    assert again.code == 0, again.err
    record = read_record(Path(folder, "record.json"))
    row = next(row for row in record.steps if row["name"] == broken_in)
    assert row["state"] == "passed"
    assert row["resumed_sweeps"] == finished
    assert row["frames"] < count
    assert settings_in(folder, broken_in) == count
    assert record.bench_time > last[0]


def test_kill_in_a_sweep_loses_a_few_settings_at_most(calibrate: Calibrate) -> None:
    words = ["run", "small.toml", "--path", "slot"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *words, "--from", "first/record.json", "--only", "crosstalk",
         "--out", "killed"],
        capture_output=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again = calibrate(*words, "--resume", "killed")
    assert again.code == 0, again.err
    row = next(r for r in read_record(Path("killed/record.json")).steps if r["name"] == "crosstalk")
    assert row["resumed_sweeps"] == 2
    assert row["frames"] == 120
    assert settings_in("killed", "crosstalk") == 160
