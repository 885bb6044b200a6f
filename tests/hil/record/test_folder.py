"""The run folder: never written over, every file whole or absent."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors
import torch

from hil.record import folder as files
from hil.record.folder import RunFolder, RunFolderError, check_makable

TENSORS = {"powers": torch.arange(6.0, dtype=torch.float64).reshape(2, 3).T}


def test_a_folder_that_exists_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious").write_text("data", encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"run exists; name another with --out"):
        RunFolder.create(tmp_path / "run")
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["precious"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RunFolderError, match="file/run cannot be made: Not a directory"):
        RunFolder.create(tmp_path / "file" / "run")


def test_what_could_not_be_written_is_known_before_a_bench_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"cannot be made: .*file is no folder"):
        check_makable(tmp_path / "file" / "run")
    check_makable(tmp_path / "not" / "there" / "yet")
    monkeypatch.setattr("os.access", lambda path, how: Path(path) != tmp_path)
    with pytest.raises(RunFolderError, match=r"may not write .*; name another with --out"):
        check_makable(tmp_path / "runs" / "run")
    assert not (tmp_path / "runs").exists()
    with pytest.raises(
        RunFolderError, match=r"may not write .*; go on with it as \S+, who owns it"
    ):
        RunFolder(tmp_path).check_writable()


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "deep" / "run")
    folder.write_json("a.json", {"x": np.float64(0.1), "n": np.arange(2), "p": Path("b")})
    assert folder.read_json("a.json") == {"x": 0.1, "n": [0, 1], "p": "b"}
    notes = {"epoch": 3, "p_pi": 0.02, "list": [1, 2]}
    folder.write_tensors("t.safetensors", TENSORS, notes)
    tensors, told = folder.read_tensors("t.safetensors")
    assert torch.equal(tensors["powers"], TENSORS["powers"])
    assert told == notes
    # Anybody's reader will do.
    with safetensors.safe_open(folder.path / "t.safetensors", framework="np") as file:
        assert file.get_tensor("powers").shape == (3, 2)
    for epoch in (1, 2):
        folder.append_metrics({"epoch": epoch})
    lines = (folder.path / files.METRICS).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_file_before_it_and_nothing_else(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder.create(tmp_path / "run")
    folder.write_json("a.json", {"x": 1})

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, broken, full)
        with pytest.raises(RunFolderError, match=r"a\.json cannot .*: No space.*--resume .*run$"):
            folder.write_json("a.json", {"x": 2})
        with pytest.raises(RunFolderError, match=r"t\.safetensors cannot be written: No space"):
            folder.write_tensors("t.safetensors", TENSORS, {})
    assert folder.read_json("a.json") == {"x": 1}
    assert [p.name for p in folder.path.iterdir()] == ["a.json"]


def test_damaged_files_are_named(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run")
    (folder.path / "bad.json").write_text('{"x": ', encoding="utf-8")
    (folder.path / "bad.safetensors").write_bytes(b"\0" * 20)
    with pytest.raises(RunFolderError, match=r"bad\.json cannot be read"):
        folder.read_json("bad.json")
    with pytest.raises(RunFolderError, match=r"none\.json cannot be read"):
        folder.read_json("none.json")
    for name in ("bad.safetensors", "none.safetensors"):
        with pytest.raises(RunFolderError, match=f"{name} cannot be read"):
            folder.read_tensors(name)


def test_only_a_runs_folder_is_opened_again(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no run folder"):
        RunFolder.existing(tmp_path / "none")
    folder = RunFolder.create(tmp_path / "run")
    with pytest.raises(RunFolderError, match=r"configuration\.json is missing"):
        RunFolder.existing(folder.path)
    for name in (files.CONFIGURATION, files.BENCH, files.RECORD, files.CHECKPOINT):
        (folder.path / name).write_text("{}", encoding="utf-8")
    assert RunFolder.existing(folder.path).record == folder.path / files.RECORD
