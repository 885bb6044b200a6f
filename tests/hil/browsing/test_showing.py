"""What a run is shown as, and how runs are compared."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hil.browsing.comparing import difference, tables
from hil.browsing.flat import flattened
from hil.browsing.story import Answers, Story, read_story
from hil.record.history import history
from hil.runs import main as runs_command
from hil.telemetry.events import EpochEnded, RunEnded, RunResumed, Spent, Step
from tests.hil.browsing.conftest import Tell, started
from tests.hil.telemetry.made import epoch


def test_a_run_is_shown(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runs_command(["show", "online"]) == 0
    out = capsys.readouterr().out
    summary = json.loads((runs / "online" / "summary.json").read_text(encoding="utf-8"))
    error = math.sqrt(summary["accuracy"] * (1 - summary["accuracy"]) / 240)
    assert (
        f"{summary['accuracy']:.4f} +- {error:.4f} on 240 test items, measured on the bench" in out
    )
    for shown in (
        "state       finished",
        "settings.refit.kind",
        "phase of each element at zero level",
        "drift-watch",
        "no answer <i>twice</i>",
        "as-built rough",
        "running  light on",
        "training 0, split of the data 0",
        " s before the run)",
        "tiny-4, SHA-256 ",
    ):
        assert shown in out, shown


def test_instruments_are_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = {"resource": "TCPIP::x", "identity": {"maker": "M", "model": "Q8", "serial": "7"}}
    text = json.dumps({"instruments": {"heaters": said, "silent": {"failed": "no answer"}}})
    (runs / "online" / "snapshot-start.json").write_text(text, encoding="utf-8")
    assert runs_command(["show", "online"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["heaters", "TCPIP::x", "M", "Q8", "7", "-"] in rows
    assert ["silent", "-", "-", "-", "-", "-"] in rows


def test_settings_that_changed_are_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = {"gain": "LV", "volts_max": [1.0, 2.0, 3.0], "burst": ["OFF", "OFF"], "mode": 1}
    end = {"gain": "HV", "volts_max": [1.0, 2.5, 3.0], "burst": ["ON", "ON"], "mode": 1, "new": 3}

    def shown(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        for name, found in (("start", before), ("end", after)):
            text = json.dumps({"instruments": {"box": found}})
            (runs / "online" / f"snapshot-{name}.json").write_text(text, encoding="utf-8")
        assert runs_command(["show", "online"]) == 0
        lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
        return lines[lines.index("Settings that changed from the start to the end") :]

    lines = shown({"settings": start}, {"settings": end})
    for said in (
        "box gain LV HV",
        "box volts_max, 1 of 3 channels 2 2.5",
        "box burst, 2 of 2 channels OFF ON",
        "box new not told 3",
    ):
        assert said in lines, said
    assert not any("mode" in line for line in lines)
    assert "none" in shown({"settings": start}, {"settings": start})
    assert "box not read at the end no answer" in shown(
        {"settings": start}, {"failed": "no answer"}
    )
    # What instruments measure is no setting of theirs: it stands apart.
    warm, warmer = {"celsius": 25.0, "amps": [0.1, 0.2]}, {"celsius": 25.5, "amps": [0.1, 0.3]}
    lines = shown({"settings": start, "readings": warm}, {"settings": start, "readings": warmer})
    apart = lines.index("Readings of instruments that were others at the end")
    assert "none" in lines[:apart]
    assert {"box celsius 25 25.5", "box amps, 1 of 2 channels 0.2 0.3"} < set(lines[apart:])


def test_a_run_that_never_came_far_is_shown(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    tell("killed", [started()])
    tell("going", [started()], going_on=True)
    assert runs_command(["show", "killed"]) == 0
    out = capsys.readouterr().out
    assert "killed (told no end, and no process writes it)" in out
    assert "not measured (never: the run did not come so far)" in out
    assert runs_command(["show", "going"]) == 0
    assert "not measured (not yet)" in capsys.readouterr().out
    assert runs_command(["compare", "killed", "going"]) == 0


def test_what_differs(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runs_command(["compare", "online", "frozen"]) == 0
    out = capsys.readouterr().out
    configuration = out[: out.index("\n\n")].splitlines()
    assert [line.split() for line in configuration[2:]] == [["settings.method", "pat", "frozen"]]
    assert "Bench file" not in out
    assert "Calibration record" not in out  # one plant, one survey
    assert "passes: training" in out


def _answered(story: Story, right: np.ndarray, **changed: object) -> Story:
    """The same with these test answers."""
    labels = np.zeros(len(right), dtype=np.int64)
    logits = np.where(right[:, None], [[1.0, 0.0]], [[0.0, 1.0]])
    facts = replace(story.facts, accuracy=float(right.mean()))
    summary = {"test_items": len(right)}
    return replace(story, facts=facts, summary=summary, answers=Answers(logits, labels))


def test_differences_count_the_items_that_one_run_alone_got_right(runs: Path) -> None:
    story = read_story(runs / "online")
    rng = np.random.default_rng(0)
    first = rng.random(400) < 0.85
    second = first.copy()
    second[np.flatnonzero(~first)[:12]] = True
    second[np.flatnonzero(first)[:2]] = False
    a, b = _answered(story, first), _answered(story, second)
    found = difference(a, b)
    assert found is not None
    assert (found.won, found.lost, found.paired) == (12, 2, True)
    assert found.value == pytest.approx(10 / 400)
    # Exactly: 2 (1 + 14 + 91) / 2^14, two-sided.
    assert found.chance == pytest.approx(2 * 106 / 2**14)
    assert found.error == pytest.approx(math.sqrt(14 - 100 / 400) / 400)
    assert "better" in found.text
    # The same accuracies, of items that were split otherwise: nothing is decided.
    other = {**story.configuration, "split_seed": 9}
    apart = difference(a, replace(b, facts=replace(b.facts, configuration=other)))
    assert apart is not None
    assert not apart.paired
    p, q = first.mean(), second.mean()
    assert apart.error == pytest.approx(math.sqrt((p * (1 - p) + q * (1 - q)) / 400))
    assert "undecided" in apart.text
    # Equal runs differ by nothing.
    same = difference(a, a)
    assert same is not None
    assert same.chance == 1.0
    assert "undecided" in same.text


def test_small_differences_are_not_read_as_better(runs: Path) -> None:
    story = read_story(runs / "online")
    first = np.arange(2000) % 2 == 0
    second = first.copy()
    second[1:40:2] = True  # 20 won, none lost: one point
    found = difference(_answered(story, first), _answered(story, second))
    assert found is not None
    assert found.chance < 1e-4
    assert "smaller than what seeds change" in found.text


def test_tasks_that_differ_are_not_compared(runs: Path) -> None:
    story = read_story(runs / "online")
    other = replace(story, facts=replace(story.facts, started=started(task="digits")))
    assert difference(story, other) is None
    assert all(table.title != "Accuracy, from the first run" for table in tables([story, other]))


def test_tables_are_flattened() -> None:
    table = {"a": {"b": 1, "c": [1, 2]}, "d": [{"name": "x", "e": 2}, {"f": 3}], "g": None}
    assert flattened(table) == {"a.b": 1, "a.c": [1, 2], "d.x.name": "x", "d.x.e": 2, "d.1.f": 3,
                                "g": None}  # fmt: skip


def _step(number: int, epoch: int = 1) -> Step:
    return Step(
        step=number,
        epoch=epoch,
        loss=float(number),
        accuracy=0.5,
        residual=None,
        clamped=0,
        measured_on="bench",
        seconds=0.1,
    )


def _spent(seconds: float) -> Spent:
    return Spent(bench_seconds=seconds, seconds={}, device_passes={}, counts={})


def test_what_a_run_did_again_is_not_counted_twice(tell: Tell) -> None:
    before = [started(), _step(1), _step(2), epoch(1), _spent(1.0), _step(3, 2), _step(4, 2),
              epoch(2), _spent(2.0), _step(5, 3), RunEnded(outcome="interrupted")]  # fmt: skip
    tell("again", before)
    folder = tell("again", [started(), RunResumed(step=3, epochs=1), _step(4, 2), epoch(2)])
    told = [one.event for one in history(folder, Step, EpochEnded, Spent)]
    assert [one.step for one in told if isinstance(one, Step)] == [1, 2, 3, 4]
    assert [one.epoch for one in told if isinstance(one, EpochEnded)] == [1, 2]
    assert [one.bench_seconds for one in told if isinstance(one, Spent)] == [1.0]
    assert [one.event for one in history(folder, Step)] == [e for e in told if isinstance(e, Step)]
    # At the end of an epoch, what was told with it stays.
    folder = tell("again", [started(), RunResumed(step=4, epochs=2), _step(5, 3)])
    told = [one.event for one in history(folder)]
    assert [one.step for one in told if isinstance(one, Step)] == [1, 2, 3, 4, 5]
    assert sum(isinstance(one, RunEnded) for one in told) == 1
