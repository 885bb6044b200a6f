"""Benches whose ports are played and read by instruments of several kinds, on the wire path."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
from hil.control.schedule import Schedule
from tests.hil.port_benches import mixed, scopes

QUIET = {"switch_off": ["drift", "noise"]}
KINDS: dict[str, Callable[[], str]] = {"scopes": scopes, "mixed": mixed}


@pytest.fixture(params=KINDS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / f"{request.param}.toml"
    file.write_text(KINDS[request.param](), encoding="utf-8")
    return file


def read(file: Path, how: str, change: Callable[[Any], None] = lambda _: None) -> np.ndarray:
    """What a batch reads at fixed levels, (batch, steps, ports) signal units.

    change : of the open bench, before anything is read.
    """
    rng = np.random.default_rng(5)
    with hil.open(file, path=how, plant=QUIET) as bench:
        change(bench)
        levels = rng.uniform(0.2, 0.8, (2, 16)) * bench.level_max
        x = rng.uniform(-1.0, 1.0, (12, 4))
        bench.run(levels, x)
        bench.do(bench.core.machine.rest(60.0))  # slow tails of heaters are gone
        return bench.run(levels, x).measured


def test_bytes_and_plant_agree(path: Path) -> None:
    """A code of an oscilloscope is 20e-3 signal units here, and some 60 samples make a reading."""
    wire, slot = read(path, "wire"), read(path, "slot")
    assert wire.shape == slot.shape == (12, 2, 4)
    assert np.abs(wire - slot).max() < 0.01
    assert (np.abs(slot).max(axis=(0, 1)) > 0.3).all()


def test_a_power_meter_that_starts_late_is_aligned_by_its_own_markers(
    tmp_path: Path, behind: Any
) -> None:
    """In W its markers are a thousandth of the others' V: no reason to take them for dark."""
    file = tmp_path / "mixed.toml"
    file.write_text(mixed(), encoding="utf-8")

    def late(bench: Any) -> None:
        behind(bench).simulated.instruments["meter-0"].latency = 4.3e-6  # s: four points

    assert np.abs(read(file, "wire", late) - read(file, "slot")).max() < 0.01


def test_planned_times_are_those_that_pass(path: Path) -> None:
    rng = np.random.default_rng(5)
    with hil.open(path, plant=QUIET) as bench:
        levels = rng.uniform(0.2, 0.8, (2, 16)) * bench.level_max
        x = rng.uniform(-1.0, 1.0, (40, 4))
        bench.run(levels, x)  # instruments are set up once
        before = dict(bench.core.ledger.seconds)
        bench.run(0.9 * levels, -x)
        plan = bench.core.plan(Schedule(2, 2), len(x)).seconds
        spent = {name: bench.core.ledger.seconds[name] - before[name] for name in plan}
    for name in ("upload", "arm", "fetch"):
        assert spent[name] == pytest.approx(plan[name], rel=0.25, abs=0.5e-3), name
    assert sum(spent.values()) == pytest.approx(sum(plan.values()), rel=0.15)


def test_off_is_dark_and_at_rest(path: Path, behind: Any) -> None:
    with hil.open(path) as bench:
        inside = behind(bench).simulated.instruments
        bench.run(0.3 * bench.level_max, np.ones((2, 4)))
        assert inside["generator-0"].outputs[0].enabled
    for name, one in inside.items():
        assert not any(output.enabled for output in getattr(one, "outputs", ())), name
        if name.startswith("scope"):
            assert not one.acquisition.running


def test_an_oscilloscope_without_its_trigger_is_named(tmp_path: Path, behind: Any) -> None:
    file = tmp_path / "scopes.toml"
    file.write_text(scopes(), encoding="utf-8")
    with hil.open(file) as bench:
        behind(bench).simulated.wiring.trigger_line = 7  # the cable has come off
        with pytest.raises(Exception, match=r"scope-\d.*(CHAN4|EXT)"):
            bench.run(0.3 * bench.level_max, np.ones((2, 4)))


def test_a_reading_beyond_the_screen_counts_as_clipped(tmp_path: Path) -> None:
    """scope-1 at 20 mV/div shows +-80 mV, a quarter of a signal unit."""
    file = tmp_path / "scopes.toml"
    text = scopes().replace("inputs = [2, 4], scale = 0.2", "inputs = [2, 4], scale = 0.02")
    file.write_text(text, encoding="utf-8")
    with hil.open(file, plant=QUIET) as bench:
        x = np.random.default_rng(3).uniform(-1.0, 1.0, (24, 4))
        trace = bench.run(0.3 * bench.level_max, x)
    assert trace.clipped[..., 2:].any()
    assert not trace.clipped[..., :2].any()
    most = tomllib.loads(text)["wiring"]["ports"][2]["detector_range"] * 0.08
    assert np.abs(trace.measured[..., 2:]).max() <= most * 1.001
