"""Settings of a bench saved, shown and compared, and a restore that is only told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim_backends.bench import SimulatedBench
from tests.hil.cli.snapshot.conftest import Lab, WriteBench, decimated, edited


def test_a_round_trip(lab: Lab, run: Callable[..., Any], write_bench: WriteBench) -> None:
    bench = write_bench()
    saved = run("save", bench, "--out", "monday.json")
    assert saved.code == 0
    assert saved.out.splitlines()[-1].startswith("wrote monday.json: ")
    assert not list(Path.cwd().glob("*.part"))
    assert not lab.settings_sent
    same = run("diff", "monday.json")
    assert (same.code, same.out.splitlines()[-1]) == (0, "no setting differs")

    lab.by_hand.append(decimated)
    differs = run("diff", "monday.json")
    assert differs.code == 1
    changes = [
        "box-0 frequency[2]: 1000 Hz -> 2500 Hz",
        "box-0 decimation: 1 -> 64",
    ]
    assert differs.out.splitlines()[-2:] == changes
    assert not lab.settings_sent
    # Two files tell the same; without the drivers' declarations they tell no unit.
    assert run("save", bench, "--out", "tuesday.json").code == 0
    files = run("diff", "monday.json", "tuesday.json")
    assert files.code == 1
    assert files.out.splitlines()[-2:] == [line.replace(" Hz", "") for line in changes]

    dry = run("restore", "monday.json", "--dry-run")
    assert dry.code == 0
    assert "  box-0 decimation: 64 -> 1" in dry.out.splitlines()
    assert dry.out.splitlines()[-1] == "dry run: nothing was set, nothing was driven"
    assert not lab.settings_sent
    assert lab.box().acquisition.decimation == 64

    done = run("restore", "monday.json", "--yes")
    assert done.code == 0, done.out + done.err
    assert lab.box().acquisition.decimation == 1
    assert lab.box().outputs[1].frequency == 1000.0
    assert "2 set, 0 refused, 0 did not take, 256 held" in done.out
    assert done.out.splitlines()[-1] == "bench small is off"
    assert lab.is_safe


def test_looking_drives_nothing_off(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    def lit(bench: SimulatedBench) -> None:
        instruments: Any = bench.instruments
        instruments["box-0"].outputs[0].enabled = True
        instruments["heaters-0"].volts[0] = 3.0

    lab.by_hand.append(lit)
    for words in (["save", write_bench(), "--out", "a.json"], ["diff", "a.json"]):
        assert run(*words).code == 0
        assert lab.box("heaters-0").v_max[0] == pytest.approx(12.0)
        assert lab.box().outputs[0].enabled
        assert lab.box("heaters-0").volts[0] == 3.0
    assert run("restore", "a.json", "--yes").code == 0  # nothing differs
    assert lab.box().outputs[0].enabled


def test_channels_that_changed_alike_are_one_line(
    run: Callable[..., Any], write_bench: WriteBench
) -> None:
    assert run("save", write_bench(), "--out", "a.json").code == 0
    Path("b.json").write_text(Path("a.json").read_text(encoding="utf-8"), encoding="utf-8")

    def change(instruments: dict[str, Any]) -> None:
        for channel in (0, 2, 3, 4, 6):
            instruments["heaters-0"]["settings"]["volts_max"][channel] = 5.0
        instruments["heaters-0"]["settings"]["volts_max"][5] = 4.0

    edited(Path("b.json"), change)
    assert run("diff", "a.json", "b.json").out.splitlines()[1:] == [
        "not told, so not compared: pattern mask, analog_0, analog_1, square_wave: it can be set, "
        "not asked for",
        "not told, so not compared: pattern program: what its slots hold is not told; load it "
        "again from where it came",
        "heaters-0 volts_max[0, 2 to 4]: 12 -> 5",
        "heaters-0 volts_max[5]: 12 -> 4",
        "heaters-0 volts_max[6]: 12 -> 5",
    ]


def test_a_file_is_shown(lab: Lab, run: Callable[..., Any], write_bench: WriteBench) -> None:
    assert run(write_bench()).code == 0  # a bench alone is saved
    (path,) = Path.cwd().glob("snapshot-small-*.json")
    lab.bench = None
    ended = run("show", path)
    assert ended.code == 0
    assert lab.bench is None
    lines = ended.out.splitlines()
    assert lines[0].startswith("bench small (simulated), ")
    assert "  decimation = 1" in lines
    assert "  frequency[1 to 2] = 1000" in lines
    assert any(line.startswith("  volts[") and line.endswith(", read") for line in lines)


def test_a_file_of_version_1_is_shown(run: Callable[..., Any], tmp_path: Path) -> None:
    """As run folders of older programs have it: no bench, no maker, readings among the settings."""
    path = tmp_path / "snapshot-start.json"
    old = {
        "schema": "hil-instrument-snapshot",
        "version": 1,
        "taken": "2026-11-26T18:20:01+00:00",
        "bench_time": 0.0,
        "instruments": {
            "heaters-0": {
                "driver": "QontrolQ8",
                "resource": "ASRL/dev/qontrol-0::INSTR",
                "identity": {"maker": "Q", "model": "Q8iv", "serial": "0001", "firmware": "v2"},
                "settings": {"volts": [4.0001, 4.0031, 3.9963], "volts_max": [6.5, 6.5, 6.5]},
            },
            "pattern": {"driver": "PulseStreamer", "settings": {"getClock": 0}},
            "box-0": {"driver": "RedPitaya", "failed": "the peer has gone"},
        },
    }
    path.write_text(json.dumps(old), encoding="utf-8")
    ended = run("show", path)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [
        "bench ?, 2026-11-26T18:20:01+00:00, by ?",
        "a file of version 1: what was measured stands among the settings",
        "heaters-0: Q8iv 0001 v2 at ASRL/dev/qontrol-0::INSTR",
        "  volts[0 to 2] = 3.996 to 4.003",
        "  volts_max[0 to 2] = 6.5",
        "pattern: not identified at ?",
        "  getClock = 0",
        "box-0: not identified at ?",
        "  not read: the peer has gone",
    ]


def test_what_no_instrument_tells_is_named(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    saved = run("save", write_bench(), "--out", "a.json")
    said = "pattern mask, analog_0, analog_1, square_wave: it can be set, not asked for"
    assert f"not told, so not in it: {said}" in saved.out.splitlines()
    shown = run("show", "a.json").out.splitlines()
    assert f"  not told: {said.removeprefix('pattern ')}" in shown
    assert any(line.startswith("  waveform[1 to 2] = 16384 samples, ") for line in shown)
    differing = run("diff", "a.json").out.splitlines()
    assert f"not told, so not compared: {said}" in differing
    lab.by_hand.append(decimated)
    done = run("restore", "a.json", "--yes")
    assert f"not restored: {said}" in done.out.splitlines()
    assert done.code == 0


def test_a_dry_run_tells_every_step(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    def lit(bench: SimulatedBench) -> None:
        decimated(bench)
        box: Any = bench.instruments["box-0"]
        box.outputs[0].enabled = True

    assert run("save", write_bench(), "--out", "a.json").code == 0
    lab.by_hand.append(lit)
    told = run("restore", "a.json", "--dry-run").out.splitlines()
    first = told.index("drives the bench off: signal light off, every line of pattern low")
    assert told[first + 1 : first + 9] == [
        "  box-0: outputs off",
        "  heaters down in 0.5 s, then every channel of heaters-0, heaters-1 to 0 V",
        "writes the bench file's limits to heaters-0, heaters-1",
        "sees that these are at their safe values:",
        "  box-0 output[1]: ON -> OFF",
        "then sets, in this order:",
        "  box-0 frequency[2]: 2500 Hz -> 1000 Hz",
        "  box-0 decimation: 64 -> 1",
    ]
    assert not lab.settings_sent


def test_limits_of_the_bench_file_are_no_difference(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    def limited(bench: SimulatedBench) -> None:
        chassis: Any = bench.instruments["heaters-0"]
        chassis.v_max[:] = 5.0

    assert run("save", write_bench(), "--out", "a.json").code == 0
    lab.by_hand.append(limited)
    same = run("diff", "a.json")
    assert same.code == 0
    assert "limit, as the bench file decides: heaters-0 volts_max[0 to 63]: 12 V -> 5" in same.out
