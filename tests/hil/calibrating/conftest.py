"""A small bench calibrated once, and the command as a person types it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hil.bench.writing import Start, starting_text
from hil.calibrate import main

BENCH = "small"


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


Calibrate = Callable[..., Ended]


@pytest.fixture(scope="session")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `small.toml` of 4 ports and 2 banks, calibrated on the slot path."""
    where = tmp_path_factory.mktemp("calibrated")
    bench = where / f"{BENCH}.toml"
    bench.write_text(starting_text(Start(4, 2, BENCH)), encoding="utf-8")
    before = Path.cwd()
    os.chdir(where)
    try:
        code = main(["run", str(bench), "--path", "slot", "--out", "first"])
    finally:
        os.chdir(before)
    assert code == 0
    return where


@pytest.fixture
def calibrate(
    calibrated: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Calibrate:
    """`calibrate(*options)`: the command, in the folder of `calibrated`."""
    monkeypatch.chdir(calibrated)

    def run(*options: str) -> Ended:
        capsys.readouterr()
        try:
            code = main(list(options))
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run


@pytest.fixture
def changed(calibrated: Path, tmp_path: Path) -> Callable[..., Path]:
    """`changed(change)`: a copy of the record that `change(document)` has worked on."""

    def make(change: Callable[[dict[str, Any]], None]) -> Path:
        document = json.loads((calibrated / "first" / "record.json").read_text(encoding="utf-8"))
        change(document)
        path = tmp_path / "changed.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return make
