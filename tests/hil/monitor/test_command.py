"""`python -m hil.monitor` as it is typed: what it finds, and what it says where it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hil.monitor import display, starting
from hil.monitor.__main__ import main
from hil.monitor.finding import source_of
from hil.monitor.options import PANELS, parser
from hil.monitor.replay import Replay
from hil.record.journal import NAME, Journal
from hil.record.recorder import Recorder
from hil.telemetry.bus import Bus
from hil.telemetry.commands import CommandDesk
from hil.telemetry.source import SourceError
from tests.hil.monitor import made


def _run(path: Path, age: float = 0.0) -> Path:
    path.mkdir(parents=True)
    Journal(path, mode="create").close()
    written = (path / NAME).stat().st_mtime - age
    for file in path.iterdir():
        os.utime(file, (written, written))
    return path


def test_training_and_the_terminal_view_never_load_qt() -> None:
    program = (
        "import sys, hil.train, hil.monitor.text, hil.monitor.__main__\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('PySide6', 'pyqtgraph')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_run_is_found_by_name_or_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bus = Bus()
    for name in ("one", "two"):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        recorder = Recorder(folder, bus, CommandDesk(bus), {})
        bus.publish(made.started())
        recorder.close()
    for asked in ("one", "runs/two", None):
        source = source_of(asked)()
        assert source.name in ((asked or "two").removeprefix("runs/"), "one")
        source.close()


def test_what_is_not_there_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for words, part in (
        (["--text"], "hil.train --backend sim --monitor"),
        (["--text", "nowhere"], "no run 'nowhere'"),
        (["--text", "empty"], f"no {NAME}"),
        (["--text", "http://broker"], "mqtt://"),
        (["--text", "mqtt://broker/x", "--replay", "2"], "run folder"),
        (["--text", "--screenshot", "x.png"], "no picture"),
    ):
        assert main(words) == 2
        told = capsys.readouterr().err
        assert told.startswith("error: ")
        assert part in told
        assert told.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--replay", "0"],
        ["--replay", "fast"],
        ["--size", "1280"],
        ["--size", "10x10"],
        ["--show", "all"],
        ["--theme", "pink"],
        ["a", "b"],
    ],
)
def test_wrong_options_are_told_in_a_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_without_qt_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Missing:
        """Finds no Qt, or one that cannot be loaded."""

        error: ImportError = ModuleNotFoundError("No module named 'PySide6'", name="PySide6")

        def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
            if name.startswith("PySide6") or name == "pyqtgraph":
                raise self.error

    for name in [name for name in sys.modules if name.split(".")[0] in ("PySide6", "pyqtgraph")]:
        monkeypatch.delitem(sys.modules, name)
    finder = Missing()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    assert main(["runs"]) == 2
    told = capsys.readouterr().err
    assert "pip install 'hil-photonics[monitor]'" in told
    assert "--text" in told
    finder.error = ImportError("libEGL.so.1: cannot open shared object file")
    assert main(["runs"]) == 2
    told = capsys.readouterr().err
    assert "libEGL.so.1" in told
    assert "apt-get install libegl1" in told


def test_without_a_display_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("PySide6.QtWidgets", reason="the live window needs PySide6")
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["runs"]) == 2
    told = capsys.readouterr().err
    assert "there is no display" in told
    assert "--text" in told


def test_a_display_that_does_not_answer_ends_no_process_but_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.setenv("DISPLAY", ":987")
    with pytest.raises(display.NoWindow, match=r"apt-get install .*libxcb-cursor0"):
        display.check_display()


def test_a_replay_and_a_live_run_come_from_the_same_folder(tmp_path: Path) -> None:
    run = _run(tmp_path / "run")
    live, again = source_of(str(run))(), source_of(str(run), 10.0)()
    assert live.name == again.name == "run"
    assert isinstance(again, Replay)
    assert again.speed == 10.0
    live.close()
    again.close()


def test_a_run_that_begins_now_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            folder.mkdir()
        if len(waited) == 3:
            Journal(folder, mode="create").close()

    monkeypatch.setattr("hil.monitor.finding.time.sleep", sleep)
    source_of(str(folder), wait=True)().close()
    assert len(waited) == 3
    with pytest.raises(SourceError, match=NAME):
        source_of(str(tmp_path), wait=False)


def test_a_record_that_is_being_made_is_not_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []

    def meanwhile() -> dict[str, str]:
        with pytest.raises(SourceError) as error:
            source_of(str(tmp_path))()
        refused.append(str(error.value))
        return {}

    monkeypatch.setattr("hil.record.journal.describe", meanwhile)
    Journal(tmp_path, mode="create").close()
    # It is waited for, as one that nobody has begun: not taken for damaged, or another version's.
    assert refused == [f"{tmp_path} has no {NAME}: it is no run folder, or an old one"]
    monkeypatch.undo()
    source_of(str(tmp_path))().close()
    assert not list(tmp_path.glob("*.part*"))


def test_training_opens_a_window_and_does_not_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hil.train import main as train

    opened: list[list[str]] = []

    class Window:
        def __init__(self, command: list[str], **options: Any) -> None:
            opened.append(command)
            assert options["start_new_session"]  # Ctrl-C ends the run, not the window

    monkeypatch.chdir(tmp_path)
    calls = SimpleNamespace(Popen=Window, DEVNULL=subprocess.DEVNULL)
    monkeypatch.setattr(starting, "subprocess", calls)
    words = ["--path", "slot", "--bench", "relax-mzi-8", "--task", "spirals", "--epochs", "1"]
    assert train([*words, "--n-steps", "2", "--out", "run", "--monitor"]) == 0
    assert opened == [[sys.executable, "-m", "hil.monitor", "run", "--wait"]]
    assert parser().parse_args(opened[0][3:]).run == "run"
    capsys.readouterr()
    assert train([*words, "--compare", "--monitor"]) == 2
    assert "one run" in capsys.readouterr().err

    def none(*args: Any, **options: Any) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(calls, "Popen", none)
    starting.open_window(tmp_path)
    assert "no more processes" in capsys.readouterr().err


def test_panels_have_the_names_that_may_be_asked_for() -> None:
    pytest.importorskip("pyqtgraph", reason="the live window needs pyqtgraph")
    from hil.monitor.window.panels import PANELS as SHOWN

    assert tuple(kind.key for _, kind in SHOWN) == PANELS
