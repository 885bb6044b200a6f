"""Which runs there are, how they stand, and that they are found wherever they went."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.browsing.facts import State, read_facts
from hil.browsing.listing import Choice, catalogue, since
from hil.note import main as note
from hil.record.finding import find_run, id_of
from hil.record.folder import RunFolderError
from hil.record.holding import Hold, is_held
from hil.record.reading import all_events
from hil.runs import main as runs_command
from hil.telemetry.events import Noted, RunEnded
from tests.hil.browsing.conftest import Tell, started


def refused(command: Callable[[list[str]], int], words: list[str], capsys: object) -> str:
    """The one line by which a command is refused."""
    assert command(words) == 2
    err = capsys.readouterr().err  # type: ignore[attr-defined]
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def test_how_runs_stand(tell: Tell) -> None:
    ends = {
        "finished": RunEnded(outcome="finished", accuracy=0.5),
        "stopped": RunEnded(outcome="stopped"),
        "failed": RunEnded(outcome="failed", why="it broke"),
    }
    for name, end in ends.items():
        assert read_facts(tell(name, [started(), end])).state == name
    assert read_facts(Path("runs/failed")).why == "it broke"
    assert read_facts(Path("runs/finished")).accuracy == 0.5
    assert read_facts(tell("killed", [started()])).state is State.KILLED
    going = tell("going", [started()], going_on=True)
    assert read_facts(going).state is State.RUNNING
    assert is_held(going)
    # Gone on with: the end that was told before holds no longer.
    assert read_facts(tell("failed", [started()], going_on=True)).state is State.RUNNING
    # A copy of a run that goes on does not go on; on another machine nobody can tell.
    shutil.copytree(going, "runs/copy")
    assert read_facts(Path("runs/copy")).state is State.KILLED


def test_a_run_of_another_machine_is_not_taken_for_killed(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("socket.gethostname", lambda: "elsewhere")
        folder = tell("far", [started()])
    assert read_facts(folder).state is State.UNKNOWN
    assert read_facts(folder).host == "elsewhere"


_HOLD = """
import sys, time
from pathlib import Path
from hil.record.holding import Hold
hold = Hold(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def test_the_kernel_lets_go_of_what_a_killed_process_held(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert is_held(tmp_path)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not is_held(tmp_path)


def test_two_do_not_write_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.record.holding.PATIENCE", 0.0)
    first = Hold(tmp_path)
    with pytest.raises(RunFolderError, match="the run goes on"):
        Hold(tmp_path)
    first.release()
    Hold(tmp_path).release()
    with pytest.raises(RunFolderError, match="cannot be opened: No such file"):
        Hold(tmp_path / "none")


def test_a_run_is_found_again(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = id_of(runs / "online")
    assert len(id_) == 32
    assert id_ != id_of(runs / "frozen")
    for asked in ("runs/online", runs / "online", "online", id_, id_[:8], id_[:4].upper()):
        assert find_run(asked).resolve() == (runs / "online").resolve(), asked
    assert find_run("newest").name == "frozen"
    Path("archive/deep").mkdir(parents=True)
    shutil.move(runs / "online", "archive/deep/renamed")
    with pytest.raises(RunFolderError, match="no run"):
        find_run(id_)
    monkeypatch.setenv("HIL_RUNS", "archive")
    assert find_run(id_[:8]) == Path("archive/deep/renamed")
    assert find_run("renamed") == Path("archive/deep/renamed")
    monkeypatch.chdir("archive/deep/renamed")
    assert find_run(".") == Path()


def test_copies_of_a_run_are_told(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(runs / "online", runs / "again")
    id_ = id_of(runs / "online")
    with pytest.raises(RunFolderError, match="is not one run but runs/again, runs/online"):
        find_run(id_[:8])
    assert runs_command(["list"]) == 0
    assert "copies of one run: runs/online, runs/again" in capsys.readouterr().err.replace(
        "runs/again, runs/online", "runs/online, runs/again"
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("nothing", "no run 'nothing'"),
        ("runs", "is no run folder: it has no events.sqlite"),
        ("", "no run ''"),
        ("abc", "no run 'abc'"),
        ("newest", "no run under runs; give its folder, or name where runs are kept in HIL_RUNS"),
    ],
)
def test_what_is_no_run_is_refused_in_a_line(
    asked: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs/empty").mkdir(parents=True)
    for command, words in (
        (note, [asked, "text"]),
        (runs_command, ["show", asked]),
        (runs_command, ["export", asked]),
        (runs_command, ["compare", asked]),
    ):
        assert said in refused(command, words, capsys)
    assert sorted(p.name for p in Path().iterdir()) == ["runs"]


def test_folders_that_are_broken_or_foreign_are_named(
    tell: Tell, capsys: pytest.CaptureFixture[str]
) -> None:
    tell("good", [started(), RunEnded(outcome="finished", accuracy=0.25)])
    tell("early", [])
    Path("runs/empty").mkdir()
    Path("runs/photos/2026").mkdir(parents=True)
    Path("runs/old").mkdir()
    Path("runs/old/configuration.json").write_text("{}", encoding="utf-8")
    Path("runs/damaged").mkdir()
    Path("runs/damaged/events.sqlite").write_bytes(b"no database, but long enough for one" * 20)
    Path("runs/notes.txt").write_text("mine", encoding="utf-8")
    Path("runs/.hidden").mkdir()
    Path("runs/round").symlink_to(Path.cwd() / "runs", target_is_directory=True)
    assert runs_command(["list"]) == 0
    out, err = capsys.readouterr()
    assert "runs/good" in out
    assert len(out.strip().splitlines()) == 2
    assert "left out, 5 in all" in err
    for name, why in (
        ("empty", "has no events.sqlite"),
        ("photos/2026", "has no events.sqlite"),
        ("old", "or an old one"),
        ("damaged", "not a database"),
        ("early", "no run has begun in it"),
    ):
        (line,) = [line for line in err.splitlines() if line.startswith(f"  runs/{name}:")]
        assert why in line


def test_runs_are_chosen_and_sorted(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    for number, (name, task, method) in enumerate(
        [("a", "digits", "pat"), ("b", "spirals", "pat"), ("c", "spirals", "frozen")]
    ):
        accuracy = 0.9 - 0.1 * number
        end = RunEnded(outcome="finished", accuracy=accuracy)
        tell(name, [started(task=task, method=method), end])

    def names(*words: str) -> list[str]:
        assert runs_command(["list", "--json", *words]) == 0
        return [Path(row["path"]).name for row in json.loads(capsys.readouterr().out)]

    assert names() == ["a", "b", "c"]
    assert names("--sort", "accuracy") == ["c", "b", "a"]
    assert names("--task", "spirals") == ["b", "c"]
    assert names("--task", "spirals", "--method", "pat") == ["b"]
    assert names("--state", "running") == []
    assert names("--since", "1h") == ["a", "b", "c"]
    assert names("--since", "2999-01-01") == []
    assert names("runs/b", "runs/c") == ["b", "c"]
    assert runs_command(["list", "nowhere"]) == 0
    assert "no runs under nowhere" in capsys.readouterr().out
    assert catalogue([Path("runs")], Choice(bench="other")).runs == []


def test_moments_are_read() -> None:
    assert since("1970-01-02") == 86400.0
    assert since("1970-01-01T01:00+01:00") == 0.0
    assert abs(time.time() - since("2d") - 2 * 86400.0) < 5.0
    for wrong in ("", "yesterday", "7 d", "d", "-1d"):
        with pytest.raises(ValueError, match=r".*"):
            since(wrong)


def test_notes(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    going = tell("going", [started()], going_on=True)
    over = tell("over", [started(), RunEnded(outcome="finished")])
    assert note(["going", "two", "words"]) == 0
    assert note([str(over), "<script>", "--author", "Ada"]) == 0
    assert "noted in runs/over" in capsys.readouterr().out
    (one,) = [told.event for told in all_events(going, Noted)]
    (other,) = [told.event for told in all_events(over, Noted)]
    assert one.text == "two words"  # type: ignore[attr-defined]
    assert other == Noted(text="<script>", author="Ada")
    # A note is no sign of life.
    assert read_facts(over).state is State.FINISHED
    assert "an empty note" in refused(note, ["over", "  "], capsys)
    assert "characters" in refused(note, ["over", "x" * 100_001], capsys)
    assert len(all_events(over, Noted)) == 1


def test_a_note_where_nobody_may_write(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tell("over", [started(), RunEnded(outcome="finished")])
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    folder.chmod(0o555)
    try:
        assert "events.sqlite" in refused(note, ["over", "no"], capsys)
        assert runs_command(["list"]) == 0
        assert runs_command(["show", "over"]) == 0
    finally:
        folder.chmod(0o755)
