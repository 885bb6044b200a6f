"""`python -m hil.calibrate configure`: a mesh is made a target unitary."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from calibration.decompose import haar
from calibration.mesh import matrix_fidelity
from hil.bench.file import load
from sim_backends.plant.plant import Plant
from tests.hil.calibrating.conftest import Calibrate

HERE = ("small.toml", "--path", "slot", "--record", "first/record.json")


def test_each_bank_becomes_its_target(calibrate: Calibrate, tmp_path: Path) -> None:
    np.save(tmp_path / "u.npy", haar(4, 7))
    out = tmp_path / "levels.json"
    ended = calibrate(
        "configure", *HERE, "--target", str(tmp_path / "u.npy"), "--target", "haar:2",
        "--iterations", "3", "--out", str(out),
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "bank 1: matrix fidelity" in ended.out
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["bench"] == "small"
    assert np.shape(written["matrix_fidelity"]) == (4, 2)
    # The plant at those levels, but for half a minute's drift, is the target.
    file = load("small.toml")
    plant = Plant.from_document(file.document)
    for bank in range(2):
        levels = np.array(written["levels"][bank])
        volts = np.sqrt(levels * plant.spec.r_nom[bank])
        plant.set_volts(bank, np.arange(16), volts, at=0.0)
    seen = np.array(plant.detected(40.0)) / plant.devices.detector_gain[:, None]
    goal = np.stack([haar(4, 7), haar(4, 2)])
    assert (matrix_fidelity(seen, goal) > 0.95).all()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--target", "haar:one"), "whole number"),
        (("--target", "nowhere.npy"), "no such file"),
        (("--target", "haar:1", "--target", "haar:2", "--target", "haar:3"), "3 targets"),
        (("--target", "ones.npy"), "not unitary"),
        (("--target", "large.npy"), "the bench has 4 ports"),
        (("--target", "text.npy"), "no array of numbers"),
        (("--target", "identity", "--iterations", "-1"), "0 or more"),
        (("--target", "identity", "--out", "first/record.json"), "exists"),
    ],
)
def test_mistakes_are_one_line(calibrate: Calibrate, options: tuple[str, ...], told: str) -> None:
    np.save("ones.npy", np.ones((4, 4)))
    np.save("large.npy", np.eye(6))
    Path("text.npy").write_text("no array", encoding="utf-8")
    ended = calibrate("configure", *HERE, *options)
    assert ended.code == 2
    assert told in ended.err
    assert ended.err.count("\n") == 1
