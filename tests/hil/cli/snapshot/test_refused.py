"""What cannot be put back is named and stops nothing else; mistakes are told in a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hil.cli.snapshot.conftest import Lab, WriteBench, decimated, edited


def test_what_is_refused_is_named_and_stops_nothing(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    assert run("save", write_bench(), "--out", "a.json").code == 0

    def spoil(instruments: dict[str, Any]) -> None:
        instruments["heaters-0"]["settings"]["volts_max"][0] = 11.0
        instruments["pattern"]["settings"]["getTriggerStart"] = 4
        box = instruments["box-0"]["settings"]
        box["frequency"]["1"] = 1e9
        box["function"]["1"] = "NOISE"
        box["cycles"]["1"] = 2.5
        box["average"] = "maybe"
        box["units"] = {"refused": "-113"}
        box["gone"] = 1.0

    edited(Path("a.json"), spoil)
    lab.by_hand.append(decimated)
    ended = run("restore", "a.json", "--yes")
    assert ended.code == 1
    refused = {
        line.split(": ")[0].removeprefix("REFUSED "): line
        for line in ended.out.splitlines()
        if line.startswith("REFUSED ")
    }
    assert set(refused) == {
        "pattern getTriggerStart", "box-0 frequency[1]",
        "box-0 function[1]", "box-0 cycles[1]", "box-0 average", "box-0 units", "box-0 gone",
    }  # fmt: skip
    assert "held: heaters-0 volts_max[0]: a limit, kept as the bench file has it" in ended.out
    assert lab.box("heaters-0").v_max[0] == pytest.approx(6.5, abs=1e-3)
    assert "the limit is 1 to 62500000 Hz" in refused["box-0 frequency[1]"]
    assert "neither True nor False" in refused["box-0 average"]
    assert lab.box().acquisition.decimation == 1
    assert lab.box().outputs[0].frequency == 1000.0
    assert lab.is_safe


def test_what_an_instrument_does_not_take_is_told(
    lab: Lab,
    run: Callable[..., Any],
    write_bench: WriteBench,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run("save", write_bench(), "--out", "a.json").code == 0

    class Stuck:
        """A converter whose decimation cannot be changed any more."""

        def __get__(self, one: Any, kind: Any) -> Any:
            return 64

        def __set__(self, one: Any, value: Any) -> None:
            del one, value

    from sim_backends.red_pitaya.acquisition import Acquisition

    monkeypatch.setattr(Acquisition, "decimation", Stuck(), raising=False)
    lab.by_hand.append(decimated)
    ended = run("restore", "a.json", "--yes")
    assert ended.code == 1
    (told,) = (line for line in ended.out.splitlines() if "TAKE" in line)
    assert told == "DID NOT TAKE box-0 decimation: reads 64, not 1"
    assert lab.box().outputs[1].frequency == 1000.0


def test_another_instrument_is_refused_unless_any_will_do(
    lab: Lab, run: Callable[..., Any], write_bench: WriteBench
) -> None:
    assert run("save", write_bench(), "--out", "a.json").code == 0
    edited(Path("a.json"), lambda one: one["heaters-0"]["identity"].update(serial="0815"))
    lab.by_hand.append(decimated)
    ended = run("restore", "a.json", "--yes")
    assert ended.code == 2
    assert "heaters-0 had serial '0815', now" in ended.err
    assert "--any-instrument" in ended.err
    assert not lab.settings_sent
    assert run("diff", "a.json").code == 1
    assert run("restore", "a.json", "--yes", "--any-instrument").code == 0
    assert lab.box().acquisition.decimation == 1


def test_mistakes(lab: Lab, run: Callable[..., Any], write_bench: WriteBench) -> None:
    bench, other = write_bench(), write_bench(name="other")
    assert run("save", bench, "--out", "a.json").code == 0
    whole = Path("a.json").read_text(encoding="utf-8")
    broken = {
        "cut.json": whole[: len(whole) // 2],
        "list.json": "[]",
        "deep.json": "[" * 100_000,
        "other.json": '{"schema": "something"}',
        "new.json": whole.replace('"version": 3', '"version": 4'),
        "word.json": whole.replace('"version": 3', '"version": "3"'),
        "flat.json": whole.replace('"settings": {', '"settings": 3, "was": {', 1),
        "odd.json": whole.replace('"decimation": 1', '"decimation": null'),
        "bytes.json": "\0",
    }
    for name, text in broken.items():
        assert text != whole, name
        Path(name).write_text(text, encoding="utf-8")
        for words in (["show", name], ["diff", name], ["restore", name, "--yes"]):
            ended = run(*words)
            assert ended.code == 2, words
            assert ended.err.startswith("error: "), words
            assert name in ended.err
            assert len(ended.err.splitlines()) == 1
    old = whole.replace('"version": 3', '"version": 1')
    Path("old.json").write_text(old, encoding="utf-8")
    for words, said in (
        (["diff", "old.json"], "is of version 1; this reads 2 and 3: `hil.snapshot show` looks"),
        (["restore", "old.json", "--yes"], "is of version 1; this reads 2 and 3"),
        (["save", bench, "--out", "a.json"], "a.json exists"),
        (["save", bench, "--out", "nowhere/a.json"], "cannot be written"),
        (["save", "no-such-bench"], "no packaged bench"),
        (["save", bench, "--backend", "lab"], "no backend 'lab'"),
        (["diff", "none.json"], "none.json cannot be read"),
        (["diff", "a.json", other], "is of bench small, this one is other"),
        (["restore", "a.json", other, "--yes"], "is of bench small, this one is other"),
        (["restore"], "FILE"),
    ):
        ended = run(*words)
        assert ended.code == 2, words
        assert said in ended.err, ended.err
    assert Path("a.json").read_text(encoding="utf-8") == whole
