"""Heaters on source-measure units: the file's checks, opening, the preflight, and making safe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
import hil.check
from hil.bench.entry import make_core
from hil.bench.errors import BenchFileError
from hil.bench.file import parse
from tests.hil.source_meter_bench import bench_text, unit


@pytest.fixture(params=[4, 1], ids=["all", "one"])
def bench_file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "units.toml"
    path.write_text(bench_text("units", request.param), encoding="utf-8")
    return path


def units_of(core: Any) -> list[Any]:
    """The simulated units."""
    simulated = core.simulation._bench.instruments
    return [device for name, device in simulated.items() if name.startswith("smu-")]


def plant_of(core: Any) -> Any:
    return core.simulation._bench._plant


def test_a_bench_warms_runs_and_is_made_safe(bench_file: Path) -> None:
    with hil.open(bench_file, tell=lambda line: None) as bench:
        devices = units_of(bench.core)
        for device in devices:
            assert device.output
            assert device.unit.load.current(4.0) == pytest.approx(4.0 / 800.0, rel=0.2)
        warm = bench.core.idle_levels()
        state = plant_of(bench.core)._heaters[0].state_at(bench.core.now())
        assert (state.settled > 0.7).all()  # of P_pi: the plant's own heaters
        first = bench.run(warm, np.full((3, bench.ports), 0.5))
        other = bench.run(0.5 * warm, np.full((3, bench.ports), 0.5))
        assert np.abs(first.measured - other.measured).max() > 0.01
        with pytest.raises(ValueError, match="element 0"):
            bench.run(2.0 * bench.core.level_max, np.zeros((1, bench.ports)))
    assert not any(device.output for device in devices)
    left = plant_of(bench.core)._heaters[0].state_at(1e9)
    assert not left.settled.any()


def test_the_preflight_passes(bench_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hil.check.main([str(bench_file)]) == 0
    told = capsys.readouterr().out
    assert "0 FAIL" in told
    assert "PASS     heaters on smu-0: 1 of 1 are" in told


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            "load=short",
            "shorted: it took all the current that it may have, and was switched off at 0.1 V",
        ),
        ("load=open", "mA at 1 V, 1.25 mA is due"),
        ("load=300", "is -6"),
    ],
)
def test_the_preflight_names_a_bad_heater(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: str,
    told: str,
) -> None:
    def making(*args: Any, **how: Any) -> Any:
        core = make_core(*args, **how)
        for device in units_of(core):
            name, _, value = fault.partition("=")
            device.own_faults[name](value)()
        return core

    monkeypatch.setattr(hil.check, "make_core", making)
    path = tmp_path / "units.toml"
    path.write_text(bench_text("units"), encoding="utf-8")
    assert hil.check.main([str(path)]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert len(lines) == 4
    assert all(told in line for line in lines), lines


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ("module = 0, channel = 0, r_nom", "module = 1, channel = 0, r_nom", "has module 0 alone"),
        ("module = 0, channel = 0, r_nom", "module = 0, channel = 1, r_nom", "has channel 0 alone"),
        ("i_max = 0.012", "i_max = 1.2", "1200 mA is above the 1050 mA full scale"),
        ("v_max = 6.5", "v_max = 211.0", "211 V is above the 210 V full scale"),
        ('chassis = "smu-1"', 'chassis = "smu-0"', "drives wiring.elements.0 already"),
    ],
)
def test_what_does_not_fit_is_told(was: str, now: str, told: str) -> None:
    text = bench_text("units")
    assert was in text
    with pytest.raises(BenchFileError, match=r"units\.toml") as raised:
        parse(text.replace(was, now, 1), source="units.toml")
    assert told in str(raised.value)


def test_more_power_than_a_unit_has_is_told_with_the_file(tmp_path: Path) -> None:
    text = bench_text("units").replace("max_volts = 10.0, max_amperes = 0.02", "nplc = 1.0")
    text = text.replace("v_max = 6.5, i_max = 0.012", "v_max = 30.0, i_max = 0.5")
    with pytest.raises(BenchFileError, match=r"wiring\.elements: smu-0"):
        make_core(parse(text.replace("p_max = 0.053", "p_max = 15.0"), source="units.toml"))


def test_a_spare_unit_is_opened_and_driven_by_nobody(tmp_path: Path) -> None:
    path = tmp_path / "spare.toml"
    path.write_text(bench_text("spare", 0, [unit(7)]), encoding="utf-8")
    with hil.open(path, tell=lambda line: None) as bench:
        assert "'smu-7' drives no element" in "".join(bench.core.file.notes)
        (device,) = units_of(bench.core)
        assert not device.output
