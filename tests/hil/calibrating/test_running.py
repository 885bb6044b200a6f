"""Steps that do not apply, and steps that stand on failed ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration.knowledge import Knowledge
from calibration.procedures import steps_of
from calibration.record_reading import read_record
from hil.bench.cores import Core
from hil.bench.writing import Start, starting_text
from hil.calibrating.running import Calibration
from hil.train import main as train
from tests.hil.calibrating.conftest import Calibrate


@pytest.mark.parametrize("path", ["slot", "wire"])
@pytest.mark.parametrize("core", ["mzi-mesh", "microring"])
def test_a_bench_of_one_bank_is_calibrated_and_trained(
    calibrate: Calibrate, tmp_path: Path, core: Core, path: str
) -> None:
    """Nothing leaks through its switch; on the slot path there is no timing to measure either."""
    bench, folder = tmp_path / "one.toml", tmp_path / "calibration"
    bench.write_text(starting_text(Start(4, 1, "one", core=core)), encoding="utf-8")
    # The wire path is the same but for the switch: no more of it is needed here.
    shorter = [word for step in steps_of(core)[4:] if path == "wire"
               for word in ("--skip", step.name)]  # fmt: skip
    ended = calibrate("run", str(bench), "--path", path, "--out", str(folder), *shorter)
    assert ended.code == 0, ended.err
    record = read_record(folder / "record.json")
    switch = next(row for row in record.steps if row["name"] == "switch")
    assert record.raw["complete"] is True
    np.testing.assert_array_equal(record.leak, 0.0)
    if path == "wire":
        assert switch["state"] == "passed"
        assert "one bank: nothing leaks" in switch["notes"]
        return
    assert "SKIPPED switch: nothing to be told here: one bank: nothing leaks; delay" in ended.out
    assert [row["state"] for row in record.steps if row is not switch] == ["passed"] * (
        len(steps_of(core)) - 1
    )
    words = ["--bench", str(bench), "--path", "slot", "--record", str(folder / "record.json"),
             "--task", "spirals", "--epochs", "1", "--n-steps", "2", "--out",
             str(tmp_path / "run")]  # fmt: skip
    assert train(words) == 0


def test_a_dark_bench_fails_its_gates_and_leaves_a_record(
    calibrate: Calibrate, tmp_path: Path
) -> None:
    """No light shows any slope: its uncertainty is infinite, and JSON knows no such number."""
    bench, folder = tmp_path / "dark.toml", tmp_path / "calibration"
    dark = "".join(f'[[plant.fault]]\nkind = "dead_port"\nport = {port}\n' for port in range(2))
    bench.write_text(starting_text(Start(2, 1, "dark")) + dark, encoding="utf-8")
    ended = calibrate("run", str(bench), "--path", "slot", "--out", str(folder), "--keep-going",
                      "--skip", "global", "--skip", "crosstalk", "--skip", "offsets",
                      "--skip", "verify")  # fmt: skip
    assert ended.code == 1, ended.err
    assert "a slope, worst: no finite number (<= 0.05 relative)   FAILED" in ended.out
    phases = next(
        row for row in read_record(folder / "record.json").steps if row["name"] == "phases"
    )
    assert phases["state"] == "failed"
    slope = next(gate for gate in phases["gates"] if gate["name"].startswith("uncertainty"))
    assert slope["value"] is None


def test_what_stands_on_a_failed_step_through_a_skipped_one_is_found() -> None:
    known = Knowledge.nothing(2, 1, 0.02)
    rows = [
        {"name": "detector", "state": "failed"},
        {"name": "modulator", "state": "skipped"},
        {"name": "resonances", "state": "skipped"},
        {"name": "switch", "state": "skipped"},
    ]
    needs = {
        "dark": (),
        "detector": ("dark",),
        "modulator": ("detector",),
        "switch": ("dark",),
        "resonances": ("modulator", "detector", "switch"),
        "weights": ("resonances",),
        "phases": ("switch",),
    }
    calibration = Calibration(known, rows, "")
    assert calibration.failed_below("weights", needs) == ["detector"]
    assert calibration.failed_below("phases", needs) == []
    calibration.withdraw(["detector"])
    assert calibration.failed_below("weights", needs) == []
