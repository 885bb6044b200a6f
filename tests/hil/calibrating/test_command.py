"""The command as an operator types it: run, show, check, diff, report, and mistakes."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from calibration.mesh import matrix_fidelity
from calibration.procedures import steps_of
from calibration.record_reading import read_record
from drivers.transport.link import LinkClosed
from hil.bench.faces import Bench
from hil.bench.file import load
from hil.calibrating.errors import CalibrationError
from hil.calibrating.folder import newest_record
from hil.calibrating.watching import StepWatch
from hil.twin.machine import twin_of
from sim_backends.plant.plant import Plant
from tests.hil.calibrating.conftest import Calibrate

SMALL = "small.toml"


def test_a_calibration_leaves_a_record_and_raw_sweeps(calibrated: Path) -> None:
    folder = calibrated / "first"
    record = read_record(folder / "record.json")
    assert record.raw["complete"] is True
    assert [step["name"] for step in record.steps] == [s.name for s in steps_of("mzi-mesh")]
    for step in record.steps:
        assert step["state"] == "passed", step
        assert step["frames"] > 0
        assert step["bench_seconds"] > 0
    with h5py.File(folder / "raw" / "phases.h5") as raw:
        sweeps = [name for name in raw if name.startswith("element-")]
        assert len(sweeps) == 16
        assert raw["element-3/seen"].dtype == np.complex64
    assert not [p for p in (folder / "raw").iterdir() if p.is_dir() or p.suffix == ".part"]


def test_the_twin_of_a_record_is_the_bench(calibrated: Path) -> None:
    """Nothing was known of the chip; what training starts from now is the plant, but for drift."""
    record = read_record(calibrated / "first" / "record.json")
    file = load(calibrated / SMALL)
    plant = Plant.from_document(file.document)
    powers = np.random.default_rng(5).uniform(0.4, 1.6, (2, 16))
    for bank in range(2):
        volts = np.sqrt(powers[bank] * 0.02 * plant.spec.r_nom[bank])
        plant.set_volts(bank, np.arange(16), volts, at=record.bench_time - 20.0)
    seen = np.array(plant.detected(record.bench_time)).real
    believed = twin_of(record, file.chip.p_pi).matrices(torch.tensor(powers)).numpy()
    assert (matrix_fidelity(believed.astype(complex), seen.astype(complex)) > 0.985).all()


def test_show_tells_gates_costs_and_quantities(calibrate: Calibrate) -> None:
    ended = calibrate("show", "first")
    assert ended.code == 0
    for words in ("PASS    phases:", "matrix fidelity, bank 1:", "frames", "s of bench time"):
        assert words in ended.out
    assert "rad/W" in ended.out
    assert "gauge: phases mean the same modulo 2 pi" in ended.out
    assert "serials" not in ended.out  # the slot path has no instruments to ask


def test_one_step_renews_the_record_and_diff_says_what_moved(calibrate: Calibrate) -> None:
    renewed = calibrate(
        "run", SMALL, "--path", "slot", "--only", "offsets", "--from", "first/record.json",
        "--out", "second",
    )  # fmt: skip
    assert renewed.code == 0, renewed.err
    ended = calibrate("diff", "first", "second")
    assert ended.code == 0
    moved = {line.split()[0]: line.split() for line in ended.out.splitlines()[2:]}
    assert float(moved["slope"][2]) == 0.0
    assert 0.0 < float(moved["phase_offset"][2]) < 0.2
    assert "phase at p_pi" in ended.out


def test_check_predicts_and_sees(calibrate: Calibrate) -> None:
    before = Path("first/record.json").read_bytes()
    ended = calibrate("check", SMALL, "--path", "slot", "--record", "first/record.json")
    assert ended.code == 0, ended.err
    assert "PASS    verify" in ended.out
    assert Path("first/record.json").read_bytes() == before


def test_check_fails_where_the_record_is_wrong(calibrate: Calibrate, changed: Any) -> None:
    def spoil(document: dict[str, Any]) -> None:
        for k in range(16):
            document["banks"][0]["phase_offset"]["value"][k] += 0.5 * (-1) ** k

    ended = calibrate("check", SMALL, "--path", "slot", "--record", str(changed(spoil)))
    assert ended.code == 1
    assert "FAIL    verify" in ended.out
    assert "FAILED" in ended.out


def test_a_report_is_one_page_with_plots(calibrate: Calibrate) -> None:
    ended = calibrate("report", "first")
    assert ended.code == 0
    page = Path("first/report.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 9  # six fringes, two crosstalk maps, fidelities, residuals
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    for words in ("every gate passed", "level, mW", "crosstalk of bank 1", "matrix fidelity"):
        assert words in page


def test_an_interrupted_step_goes_on_where_it_was(
    calibrate: Calibrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, measured = StepWatch.keep, []

    def interrupted(self: StepWatch, key: str, **arrays: Any) -> None:
        kept(self, key, **arrays)
        measured.append(key)
        if len(measured) == 5:
            os.kill(os.getpid(), signal.SIGINT)  # as Ctrl-C does

    monkeypatch.setattr(StepWatch, "keep", interrupted)
    ended = calibrate("run", SMALL, "--path", "slot", "--out", "broken")
    assert ended.code == 130
    assert f"run {SMALL} --path slot --resume broken" in ended.out
    assert read_record(Path("broken/record.json")).raw["complete"] is False
    finished = len(list(Path("broken/raw/phases").glob("*.h5")))
    assert 5 <= finished < 16  # some more may be done until the signal arrives
    monkeypatch.setattr(StepWatch, "keep", kept)
    other = calibrate("run", SMALL, "--path", "slot", "--plant-seed", "9", "--resume", "broken")
    assert other.code == 2
    assert "another simulated bench" in other.err
    again = calibrate("run", SMALL, "--path", "slot", "--resume", "broken", "--skip", "crosstalk")
    assert again.code == 0, again.err
    assert "done already: dark, detector, modulator, switch" in again.out
    steps = {step["name"]: step for step in read_record(Path("broken/record.json")).steps}
    assert steps["phases"]["resumed_sweeps"] == finished
    assert "crosstalk" not in steps
    with h5py.File("broken/raw/phases.h5") as raw:
        assert len([name for name in raw if name.startswith("element-")]) == 16


def test_a_lost_link_names_the_command_that_goes_on_as_it_was_asked(
    calibrate: Calibrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = StepWatch.keep

    def lost(self: StepWatch, key: str, **arrays: Any) -> None:
        kept(self, key, **arrays)
        raise LinkClosed("box-0: the other end has closed")

    words = ("run", SMALL, "--path", "slot", "--from", "first/record.json")
    monkeypatch.setattr(StepWatch, "keep", lost)
    ended = calibrate(
        *words, "--only", "phases", "--only", "offsets", "--skip", "dark", "--keep-going",
        "--out", "lost here",
    )  # fmt: skip
    assert ended.code == 2
    assert ended.err == "error: box-0: the other end has closed\n"
    options = "--path slot --only phases --only offsets --skip dark --keep-going"
    assert f"run {SMALL} {options} --resume 'lost here'\n" in ended.out


def test_a_bench_that_did_not_open_leaves_nothing_to_go_on_with(
    calibrate: Calibrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(self: object) -> None:
        raise LinkClosed("box-0: the other end has closed")

    monkeypatch.setattr(Bench, "__enter__", silent)
    ended = calibrate("run", SMALL, "--path", "slot", "--out", "not-open")
    assert ended.code == 2
    assert "--resume" not in ended.out
    assert not Path("not-open").exists()


def test_a_calibration_stopped_in_its_first_step_is_gone_on_with_only_there(
    calibrate: Calibrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = StepWatch.__enter__

    def stopped(self: StepWatch) -> StepWatch:
        os.kill(os.getpid(), signal.SIGINT)
        return entered(self)

    with monkeypatch.context() as patch:
        patch.setattr(StepWatch, "__enter__", stopped)
        ended = calibrate("run", SMALL, "--path", "slot", "--out", "first-step")
    assert ended.code == 130
    ended = calibrate(
        "run", SMALL, "--path", "slot", "--severity", "harsh", "--resume", "first-step"
    )
    assert ended.code == 2
    assert "another simulated bench" in ended.err


def test_the_newest_record_is_one_that_came_to_its_end(calibrated: Path, tmp_path: Path) -> None:
    good = (calibrated / "first" / "record.json").read_text(encoding="utf-8")
    broken = json.dumps({**json.loads(good), "complete": False})
    root = tmp_path / "calibrations"
    for time, text in (("20260101-000000", good), ("20260102-000000", broken)):
        (root / "small" / time).mkdir(parents=True)
        (root / "small" / time / "record.json").write_text(text, encoding="utf-8")
    assert newest_record("small", root).parent.name == "20260101-000000"
    (root / "small" / "20260101-000000" / "record.json").unlink()
    with pytest.raises(CalibrationError, match=r"--resume .*20260102-000000"):
        newest_record("small", root)


@pytest.mark.parametrize(
    ("options", "made_by"),
    [
        (("check", SMALL), f"run {SMALL}`"),
        (
            ("check", SMALL, "--path", "slot", "--plant-seed", "3"),
            f"run {SMALL} --path slot --plant-seed 3`",
        ),
        (("configure", SMALL, "--backend", "real", "--target", "identity"),
         f"run {SMALL} --backend real`"),
        (("show", SMALL), f"run {SMALL}`"),
        (("show", "small"), "run small`"),
    ],
)  # fmt: skip
def test_a_missing_record_is_made_of_the_bench_as_it_was_named(
    calibrate: Calibrate, options: tuple[str, ...], made_by: str
) -> None:
    ended = calibrate(*options)
    assert ended.code == 2
    assert f"make one with `python -m hil.calibrate {made_by}, or name a record" in ended.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("run", "small.toml", "--only", "nonsense"), "no step 'nonsense'"),
        (("run", "small.toml", "--path", "slot", "--out", "first"), "exists"),
        (("run", "small.toml", "--resume", "nowhere"), "no calibration folder"),
        (("run", "no-such-bench"), "no packaged bench"),
        (("show", "no-such-bench"), "has no calibration"),
        (("show", "none.json"), "no such calibration record"),
        (("check", "small.toml"), "python -m hil.calibrate run"),
        (("diff", "first", "elsewhere"), "has no calibration"),
        (("run", "relax-mzi-8", "--path", "slot", "--from", "first/record.json"), "made for"),
    ],
)
def test_mistakes_are_one_line(calibrate: Calibrate, options: tuple[str, ...], told: str) -> None:
    ended = calibrate(*options)
    assert ended.code == 2
    assert told in ended.err
    assert ended.err.count("\n") == 1


def test_the_record_is_plain_json_that_a_person_can_read(calibrated: Path) -> None:
    text = (calibrated / "first" / "record.json").read_text(encoding="utf-8")
    assert json.loads(text)["schema"] == "hil-calibration-record"
    assert "NaN" not in text
