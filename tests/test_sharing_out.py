"""How the suite runs: into how many processes, and what a run proves of other people's clients."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import conftest

HERE = Path(__file__).parent
SETTINGS = """
[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["."]
addopts = "-q --import-mode=importlib"
"""
SKIPPED = """
import pytest

pytest.importorskip("no_such_client")


def test_it() -> None: ...
"""
COMPLAINT = "FAILED: all tests of other people's clients were skipped"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite of one test that passes and the files of five peers, none of whom is there."""
    peers = tmp_path / "tests" / "peers"
    peers.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    for name in ("conftest.py", "peers_tried.py"):
        shutil.copy(HERE / name, peers.parent / name)
    for number in range(5):
        (peers / f"test_{number}.py").write_text(SKIPPED)
    (peers.parent / "test_other.py").write_text("def test_it() -> None: ...\n")
    return tmp_path


def outcome(suite: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The suite run as a person would, in `words[0]` processes."""
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-n", *words]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    for name in [name for name in environment if name.startswith("PYTEST_XDIST")]:
        del environment[name]  # of the run that this test belongs to
    return subprocess.run(
        command, cwd=suite, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_run_that_skips_every_peer_fails(suite: Path, processes: str) -> None:
    done = outcome(suite, processes)
    assert COMPLAINT in done.stdout, done.stdout
    assert "1 passed, 5 skipped" in done.stdout
    assert done.returncode == pytest.ExitCode.TESTS_FAILED


def test_a_run_that_tries_one_peer_or_asks_for_a_part_passes(suite: Path) -> None:
    part = outcome(suite, "2", "-k", "other")
    assert part.returncode == pytest.ExitCode.OK, part.stdout
    (suite / "tests" / "peers" / "test_there.py").write_text("def test_it() -> None: ...\n")
    done = outcome(suite, "2")
    assert "2 passed, 5 skipped" in done.stdout
    assert COMPLAINT not in done.stdout
    assert done.returncode == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("cores", "named", "capture", "processes"),
    [
        (2, [HERE], "fd", 2),
        (64, [HERE], "fd", conftest.MOST_PROCESSES),
        (1, [HERE], "fd", 0),
        (2, [HERE], "no", 0),
        (2, [Path(__file__)], "fd", 0),
        (2, [f"{__file__}::test_one"], "fd", 0),
        (2, [Path(__file__), HERE / "peers"], "fd", 2),
    ],
)
def test_processes(
    monkeypatch: pytest.MonkeyPatch, cores: int, named: list[Any], capture: str, processes: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    asked: Any = SimpleNamespace(option=SimpleNamespace(capture=capture), args=map(str, named))
    assert conftest.pytest_xdist_auto_num_workers(asked) == processes
