"""What the documents say is what the program does: their code runs, their commands parse."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path

import pytest

from hil.bench.__main__ import main as bench_main
from hil.bench.writing import Start, starting_text
from hil.calibrate import main as calibrate_main
from hil.check import main as check_main
from hil.note import main as note_main
from hil.operate import main as operate_main
from hil.report import main as report_main
from hil.runs import main as runs_main
from hil.snapshot import main as snapshot_main
from hil.train import main as train_main
from hil.train import parser as train_parser
from tests.docs.pages import ROOT, blocks

GUIDE = ROOT / "docs" / "getting-started.md"
README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", [GUIDE, README], ids=lambda path: path.name)
def test_python_of_a_document_runs(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In order, in one name space, as a reader would type it."""
    monkeypatch.chdir(tmp_path)
    found = blocks(path, "python")
    assert found
    names: dict[str, object] = {"__name__": "document"}
    for number, block in enumerate(found):
        exec(compile(block, f"{path.name} block {number}", "exec"), names)
    assert capsys.readouterr().out


def test_guide_shows_each_way_in() -> None:
    text = GUIDE.read_text()
    for name in ("hil.open(", "hil.train(", "hil.Slots(", "hil.open_async(", "task=(X, y)"):
        assert name in text, name


def commands() -> list[list[str]]:
    """Every `python -m hil.train …` command of the documents, as arguments."""
    found = []
    for path in DOCUMENTS:
        for block in blocks(path, "sh"):
            for line in block.splitlines():
                for part in line.split("&&"):
                    words = shlex.split(part, comments=True)
                    if "hil.train" in words:
                        found.append(words[words.index("hil.train") + 1 :])
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_training_commands_of_the_documents_parse(words: list[str]) -> None:
    if "--help" not in words:
        train_parser().parse_args(words)


def test_bench_commands_of_the_readme_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line for block in blocks(README, "sh") for line in block.splitlines()]
    ran = 0
    for line in lines:
        words = shlex.split(line, comments=True)
        if "hil.bench" in words:
            assert bench_main(words[words.index("hil.bench") + 1 :]) == 0, line
            ran += 1
    assert ran >= 3
    assert "relax-mzi-16" in capsys.readouterr().out


def test_calibration_commands_of_the_documents_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the slot path and a bench of four ports: on the wire it would take most of a minute."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(starting_text(Start(4, 2, "small")), encoding="utf-8")
    ran = []
    for block in blocks(ROOT / "docs" / "calibration.md", "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            asked = words[words.index("hil.calibrate") + 1 :]
            opens = asked[0] in ("run", "check", "configure", "iv")
            slots = ["--path", "slot"] if opens and asked[0] != "iv" else []
            named = ["small.toml" if opens else "small", *slots]
            place = asked.index("relax-mzi-8")
            assert calibrate_main([*asked[:place], *named, *asked[place + 1 :]]) == 0, line
            ran.append(asked[0])
    assert ran == ["run", "show", "report", "check", "run", "configure", "iv"]
    told = capsys.readouterr().out
    assert "every gate passed" in told
    assert "1 of 1 heaters are as they should be" in told


def test_commands_on_runs_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HIL_RUNS", raising=False)
    mains = {
        "hil.train": train_main,
        "hil.note": note_main,
        "hil.runs": runs_main,
        "hil.report": report_main,
    }
    ran = set()
    for path in (ROOT / "docs" / "runs.md", README):
        for line in (line for block in blocks(path, "sh") for line in block.splitlines()):
            words = shlex.split(line, comments=True)
            name = words[words.index("-m") + 1] if "-m" in words else ""
            if name in mains and (name != "hil.train" or path is not README):
                assert mains[name](words[words.index(name) + 1 :]) == 0, line
                ran.add(name)
    assert ran == set(mains)
    assert "items won" in capsys.readouterr().out


def test_links_between_documents_lead_somewhere() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_readme_names_the_telemetry_client_by_both_names() -> None:
    text = README.read_text()
    assert "aiomqtt" in text
    assert "asyncio-mqtt" in text


def test_commands_of_the_first_day_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All but the server, which would not end; the prompt is given no input."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    mains = {"hil.bench": bench_main, "hil.check": check_main, "hil.operate": operate_main}
    ran = set()
    for block in blocks(ROOT / "docs" / "first-day.md", "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            name = words[words.index("-m") + 1]
            if name in mains:
                assert mains[name](words[words.index(name) + 1 :]) == 0, line
                ran.add(name)
    assert ran == set(mains)
    assert "bench relax-mzi-8 is off" in capsys.readouterr().out


def test_commands_on_snapshots_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of the simulated bench; the README's and the page's own."""
    monkeypatch.chdir(tmp_path)
    ran = set()
    for path in (README, ROOT / "docs" / "snapshot.md"):
        for line in (line for block in blocks(path, "sh") for line in block.splitlines()):
            words = shlex.split(line, comments=True)
            if "hil.snapshot" in words and "real" not in words:
                asked = words[words.index("hil.snapshot") + 1 :]
                assert snapshot_main(asked) == 0, line
                ran.add(asked[0])
    assert ran == {"save", "show", "diff", "restore"}
    assert "no setting differs" in capsys.readouterr().out
