"""The command on a bench of microring banks, from nothing to a report."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from calibration.procedures import steps_of
from calibration.record_reading import read_record
from hil.bench.file import load
from hil.bench.writing import Start, starting_text
from hil.twin.machine import twin_of
from sim_backends.plant.plant import Plant
from tests.hil.calibrating.conftest import Calibrate

RINGS = "rings.toml"


@pytest.fixture
def rings(calibrate: Calibrate) -> str:
    """A bench file of 4 ports and 2 banks, and a calibration of it in `rings`."""
    if not Path(RINGS).exists():
        Path(RINGS).write_text(starting_text(Start(4, 2, "rings", core="microring")), "utf-8")
        ended = calibrate("run", RINGS, "--path", "slot", "--out", "rings")
        assert ended.code == 0, ended.err
        assert "every gate passed" in ended.out
        assert "SKIPPED" not in ended.out
    return RINGS


def test_rings_are_calibrated_from_nothing(rings: str) -> None:
    record = read_record(Path("rings/record.json"))
    assert [step["name"] for step in record.steps] == [s.name for s in steps_of("microring")]
    assert all(step["state"] == "passed" for step in record.steps)
    file = load(Path(rings))
    plant = Plant.from_document(file.document)
    # About the resonances, where they were measured.
    powers = np.random.default_rng(5).uniform(0.4, 1.0, (2, 16))
    for bank in range(2):
        volts = np.sqrt(powers[bank] * file.chip.p_pi * plant.spec.r_nom[bank])
        plant.set_volts(bank, np.arange(16), volts, at=record.bench_time - 20.0)
    seen = np.array([plant.matrix(bank, record.bench_time).real for bank in range(2)])
    believed = twin_of(record, file.chip.p_pi).matrices(torch.tensor(powers)).numpy()
    # Since the lock rings have drifted by some 0.02 half-widths: a hundredth of their range.
    assert np.sqrt(((believed - seen) ** 2).mean()) < 0.02


def test_show_check_and_report_of_rings(calibrate: Calibrate, rings: str) -> None:
    shown = calibrate("show", "rings")
    assert shown.code == 0
    for words in ("PASS    weights:", "precision:", "half-widths/W", "lasers"):
        assert words in shown.out
    checked = calibrate("check", rings, "--path", "slot", "--record", "rings/record.json")
    assert checked.code == 0, checked.err
    assert "PASS    verify" in checked.out
    assert calibrate("report", "rings").code == 0
    page = Path("rings/report.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 8  # six rings' lines, weights asked and seen, errors of each bank
    for words in ("level, mW", "ring of output", "weight asked for", "every gate passed"):
        assert words in page


def test_check_fails_where_rings_are_not_what_the_record_says(
    calibrate: Calibrate, rings: str, tmp_path: Path
) -> None:
    document = json.loads(Path("rings/record.json").read_text(encoding="utf-8"))
    for bank in document["banks"]:
        bank["shift"]["value"] = [1.3 * value for value in bank["shift"]["value"]]
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(document), encoding="utf-8")
    ended = calibrate("check", rings, "--path", "slot", "--record", str(wrong))
    assert ended.code == 1
    assert "FAILED" in ended.out


def test_raw_sweeps_of_rings_can_be_solved_anew(rings: str) -> None:
    with h5py.File("rings/raw/weights.h5") as raw:
        parts = [raw[name] for name in sorted(raw) if name.startswith("settings-")]
        assert sum(len(part["times"]) for part in parts) == 100
        assert set(parts[0]) == {"times", "levels", "seen", "sent", "measured", "clipped"}
