"""`python -m hil.calibrate iv`: laws of heaters against the plant's own, faults, limits, safety."""

from __future__ import annotations

import csv
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.transport.link import LinkClosed
from hil.bench.states import BenchState
from hil.calibrate import main
from hil.calibrating import heater_command
from tests.hil.source_meter_bench import bench_text, unit

Ran = tuple[int, str, Any]
Iv = Callable[..., Ran]


@pytest.fixture
def iv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iv:
    """`iv(text, *options, spoil=)`: the command on a bench file; its code, lines, and the bench."""
    made: list[Any] = []
    make = heater_command.make_core

    def run(text: str, *options: str, spoil: Callable[[Any], None] = lambda core: None) -> Ran:
        def making(*args: Any, **how: Any) -> Any:
            made.append(make(*args, **how))
            spoil(made[-1])
            return made[-1]

        monkeypatch.setattr(heater_command, "make_core", making)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "units.toml").write_text(text, encoding="utf-8")
        try:
            code = main(["iv", "units.toml", *options])
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capsys.readouterr()
        return code, out + err, made[-1] if made else None

    return run


def laws(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "heaters.json").read_text(encoding="utf-8"))["heaters"]


def pulls(core: Any, folder: Path) -> list[tuple[float, float]]:
    """Errors of R0 and k over their uncertainties, by the plant's own numbers."""
    plant = core.simulation._bench._plant
    found = []
    for one in laws(folder):
        place = (one["bank"], one["element"])
        law = one["law"]
        r0 = plant.devices.r0[place]
        k = plant.spec.numbers.resistance_rise / plant.devices.p_pi[place]
        found.append(
            (
                (law["r0"]["value"] - r0) / law["r0"]["sigma"],
                (law["per_watt"]["value"] - k) / law["per_watt"]["sigma"],
            )
        )
    return found


@pytest.mark.parametrize("driven", ["by units", "by a chassis"])
def test_laws_are_the_plants_within_what_is_stated(iv: Iv, tmp_path: Path, driven: str) -> None:
    table = []
    for seed in range(1, 6):
        out = f"seed-{seed}"
        text = bench_text("units", 4 if driven == "by units" else 0, seed=seed)
        code, told, core = iv(text, "--element", "all", "--out", out)
        assert code == 0, told
        assert core.state is BenchState.OFF
        table += pulls(core, tmp_path / out)
    errors = np.array(table)
    assert errors.shape == (20, 2)
    assert (np.abs(errors) < 3.5).all(), errors
    assert (np.sqrt(np.square(errors).mean(axis=0)) < 1.5).all(), errors
    if driven == "by a chassis":  # of scatter alone: nothing is stated that is far too much
        assert (np.sqrt(np.square(errors).mean(axis=0)) > 0.3).all(), errors


def test_uncertainties_are_of_use(iv: Iv, tmp_path: Path) -> None:
    iv(bench_text("units"), "--element", "all", "--out", "one")
    for one in laws(tmp_path / "one"):
        law = one["law"]
        assert law["r0"]["sigma"] < 1e-3 * law["r0"]["value"]
        assert law["per_watt"]["sigma"] < 0.02 * law["per_watt"]["value"]
        assert law["accuracy_known"]


def test_a_meter_goes_from_heater_to_heater_by_hand(iv: Iv, tmp_path: Path) -> None:
    text = bench_text("units", 0, [unit(7)])
    code, told, core = iv(text, "--element", "0:2", "--element", "0:0", "--meter", "smu-7",
                          "--out", "one")  # fmt: skip
    assert code == 0, told
    assert told.count("put its leads at heater") == 2
    assert "take the wire of heaters-0 off it" in told
    assert [one["element"] for one in laws(tmp_path / "one")] == [0, 2]
    assert np.abs(pulls(core, tmp_path / "one")).max() < 2.0
    device = core.simulation._bench.instruments["smu-7"]
    assert not device.output
    assert device.unit.load.joined == (0, 2)
    driver = next(one for one in core.parts.chassis if one.name == "smu-7")
    assert driver.v_max.tolist() == driver.i_max.tolist() == [0.0]  # for nobody else to drive


def test_the_readings_are_kept_and_within_the_limits(iv: Iv, tmp_path: Path) -> None:
    iv(bench_text("units"), "--element", "0:1", "--levels", "7", "--out", "one")
    with (tmp_path / "one" / "heaters.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7
    assert {(row["bank"], row["element"]) for row in rows} == {("0", "1")}
    volts, amps, levels = (
        np.array([float(row[key]) for row in rows]) for key in ("volts", "amperes", "level_w")
    )
    assert np.diff(levels) == pytest.approx(levels[0], rel=1e-6)
    assert volts.max() < 6.5 * 1.001
    assert (volts * amps).max() < 0.053
    assert amps.max() < 0.012


def spoiling(fault: str) -> Callable[[Any], None]:
    def spoil(core: Any) -> None:
        name, _, value = fault.partition("=")
        core.simulation._bench.instruments["smu-0"].own_faults[name](value)()

    return spoil


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("load=open", "open: "),
        ("load=short", "shorted: smu-0 gave in at 0.13 V"),
        ("load=1300", "out of tolerance: +62.5 % from r_nom 800 ohm"),
        ("load=500", "out of tolerance: -37.5 %"),
    ],
)
@pytest.mark.parametrize("old", [False, True], ids=["2450", "2400"])
def test_a_bad_heater_is_named_and_not_raised(
    iv: Iv, tmp_path: Path, fault: str, told: str, old: bool
) -> None:
    text = bench_text("units")
    if old:
        text = text.replace(unit(0), unit(0, old=True))
    code, lines, core = iv(text, "--element", "0:0", "--element", "0:1", "--out", "one",
                           spoil=spoiling(fault))  # fmt: skip
    assert code == 1
    bad, good = laws(tmp_path / "one")
    assert bad["verdict"].startswith(told)
    assert good["verdict"] == "ok"
    assert told in lines
    assert "1 of 2 heaters are as they should be" in lines
    assert core.state is BenchState.OFF
    assert not core.simulation._bench.instruments["smu-0"].output


def test_a_low_resistance_ends_below_its_limits(iv: Iv, tmp_path: Path) -> None:
    _, told, _ = iv(bench_text("units"), "--element", "0:0", "--out", "one",
                    spoil=spoiling("load=500"))  # fmt: skip
    (one,) = laws(tmp_path / "one")
    assert "ended below" in one["note"]
    assert one["note"] in told
    with (tmp_path / "one" / "heaters.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert max(float(row["volts"]) * float(row["amperes"]) for row in rows) < 0.053
    assert max(float(row["amperes"]) for row in rows) < 0.012


def test_an_interruption_leaves_all_off_and_keeps_what_is_done(
    iv: Iv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = heater_command.write_files

    def interrupted(*args: Any) -> None:
        write(*args)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(heater_command, "write_files", interrupted)
    code, told, core = iv(bench_text("units"), "--element", "all", "--out", "one")
    assert code == 130
    assert " of 4 heaters are kept in one" in told
    assert 1 <= len(laws(tmp_path / "one")) < 4
    instruments = core.simulation._bench.instruments
    assert not any(instruments[f"smu-{number}"].output for number in range(4))
    assert core.state is BenchState.OFF


@pytest.mark.parametrize("done", [0, 2])
def test_a_lost_link_leaves_all_off_and_says_what_is_kept(
    iv: Iv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    write = heater_command.write_files

    def lost(folder: Path, file: Any, measured: list[Any], *more: Any) -> None:
        if len(measured) > done:
            measured.pop()
            raise LinkClosed("smu-2: the other end has closed; look at its cable")
        write(folder, file, measured, *more)

    monkeypatch.setattr(heater_command, "write_files", lost)
    code, told, core = iv(bench_text("units"), "--element", "all", "--out", "one")
    assert code == 2
    assert ("broken off; 2 of 4 heaters are kept in one" in told) == bool(done)
    assert (tmp_path / "one").exists() == bool(done)  # nothing was kept: no folder is left
    assert core.state is BenchState.OFF


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--element", "0"], "--element 0: write bank:index, as 0:3, or all"),
        (["--element", "1:0"], "has banks 0 to 0 of elements 0 to 3"),
        (["--element", "0:4"], "has banks 0 to 0 of elements 0 to 3"),
        (["--element", "0:0", "--meter", "box-0"], "--meter box-0: no instrument of that name"),
        (["--element", "0:0", "--meter", "heaters-0"], "its channels drive heaters"),
        (["--element", "0:0", "--levels", "2"], "'2' is not 3 to 1000"),
        (["--element", "0:0", "--settle", "nan"], "'nan' is no number above 0"),
        (["--element", "all", "--meter", "smu-7", "--assume", "smu-7=on"], "one heater only"),
        (["--element", "0:0", "--assume", "laser=on"], "not worked by hand on this bench"),
        ([], "--element"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(iv: Iv, options: list[str], told: str) -> None:
    code, lines, _ = iv(bench_text("units", 0, [unit(7)]), *options)
    assert code == 2
    assert told in lines
    assert len(lines.strip().splitlines()) == 1
