"""Waveforms of a bench kept and put back; what an instrument cannot tell is named, not guessed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sim_backends.bench import SimulatedBench
from tests.hil.cli.snapshot.conftest import Lab, WriteBench, decimated, edited
from tests.hil.port_benches import mixed

SHAPE = np.round(0.5 * np.sin(np.linspace(0.0, 6.0, 300)), 6)


def playing(bench: SimulatedBench) -> None:
    """Somebody plays a waveform of their own."""
    box: Any = bench.instruments["box-0"]
    box.outputs[0].upload(SHAPE)
    box.outputs[0].function = "ARBITRARY"
    box.outputs[0].amplitude = 0.5
    box.outputs[0].enabled = True


def test_a_waveform_is_saved_compared_and_put_back(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    lab.by_hand.append(playing)
    assert run("save", write_bench(), "--out", "on.json").code == 0
    assert run("diff", "on.json").code == 0
    lab.by_hand[:] = [decimated]
    told = run("diff", "on.json")
    assert told.code == 1
    (line,) = (x for x in told.out.splitlines() if x.startswith("box-0 waveform[1]: 300 samples"))
    assert "-> 16384 samples, all 0" in line
    assert line.endswith(f"(largest difference 0.5, at sample {np.argmax(np.abs(SHAPE))})")

    done = run("restore", "on.json", "--yes")
    assert done.code == 0, done.out + done.err
    np.testing.assert_allclose(lab.box().outputs[0].table, SHAPE, atol=1e-6)
    assert not lab.box().outputs[1].table.any()
    assert lab.is_safe

    on = run("restore", "on.json", "--yes", "--outputs")
    assert on.code == 0, on.out + on.err
    assert lab.box().outputs[0].enabled
    lines = on.out.splitlines()
    order = [
        next(at for at, x in enumerate(lines) if x.startswith(f"  set box-0 {what}[1]"))
        for what in ("function", "waveform", "output")
    ]
    assert order == sorted(order)


def test_a_file_without_waveforms_switches_none_on(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    """Of version 2, or of a run: nothing is compared that one of two does not hold."""
    lab.by_hand.append(playing)
    assert run("save", write_bench(), "--out", "on.json").code == 0
    old = json.loads(Path("on.json").read_text(encoding="utf-8"))
    old["version"] = 2
    for one in old["instruments"].values():
        one.pop("waveforms", None)
    Path("old.json").write_text(json.dumps(old), encoding="utf-8")
    same = run("diff", "old.json")
    assert same.code == 0, same.out
    assert "box-0 waveforms are only in the second: not compared" in same.out
    lab.by_hand.clear()
    ended = run("restore", "old.json", "--yes", "--outputs")
    assert ended.code == 1
    assert "REFUSED box-0 output[1]: the snapshot does not hold the waveform" in ended.out
    assert lab.is_safe


def test_a_damaged_waveform_is_refused_before_a_bench_is_opened(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    lab.by_hand.append(playing)
    assert run("save", write_bench(), "--out", "on.json").code == 0
    lab.bench = None

    def spoil(instruments: dict[str, Any]) -> None:
        instruments["box-0"]["waveforms"]["1"]["sha256"] = "0" * 64

    edited(Path("on.json"), spoil)
    for words in (["show", "on.json"], ["diff", "on.json"], ["restore", "on.json", "--yes"]):
        ended = run(*words)
        assert ended.code == 2
        assert "on.json is damaged: waveform 1 of box-0: its samples are not those" in ended.err
    assert lab.bench is None


def test_names_without_points_are_held_and_play_nothing(
    lab: Lab, run: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "mixed.toml"
    path.write_text(mixed(), encoding="utf-8")

    def loaded(bench: SimulatedBench) -> None:
        generator: Any = bench.instruments["generator-0"]
        channel = generator.channels[0]
        channel.memory.add_values("MINE", np.linspace(-0.5, 0.5, 64))
        channel.selected = "MINE"
        generator.settings["function", 1] = "ARB"
        generator.settings["output", 1] = True

    lab.by_hand.append(loaded)
    saved = run("save", path, "--out", "on.json")
    assert saved.code == 0
    assert "generator-0 waveform points: names are told, points are not" in saved.out
    shown = run("show", "on.json").out
    assert "waveform[1] = MINE (64 points, mean 0, peak to peak 1, crest factor 1.7" in shown
    lab.by_hand.clear()
    told = run("diff", "on.json")
    assert told.code == 1
    assert "generator-0 waveform[1]: MINE (64 points" in told.out
    held = run("restore", "on.json", "--yes")
    assert held.code == 0, held.out + held.err
    why = "the instrument tells its name, not its points: load it again from where it came"
    assert f"held: generator-0 waveform[1]: {why}" in held.out
    dry = run("restore", "on.json", "--dry-run", "--outputs")
    assert dry.code == 1
    refused = f"generator-0 output[1]: it would play another waveform: {why}, and switch it on"
    assert f"refused: {refused}" in dry.out
    ended = run("restore", "on.json", "--yes", "--outputs")
    assert ended.code == 1
    assert f"REFUSED {refused}" in ended.out
    assert not lab.box("generator-0").settings["output", 1]
