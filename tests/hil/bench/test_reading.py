"""Finding and reading a bench file: names, paths, encodings, TOML."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.bench.document import merged
from hil.bench.errors import BenchFileError
from hil.bench.file import load, parse
from hil.bench.packaged import packaged_text


def test_a_path_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(packaged_text("relax-mzi-8"), encoding="utf-8")
    assert load(path).wiring == load(str(path)).wiring == load("relax-mzi-8").wiring
    assert load(path).source == str(path)


def test_an_unknown_name_names_the_packaged_ones() -> None:
    with pytest.raises(BenchFileError, match=r"did you mean 'relax-mzi-16'\? packaged: relax-m"):
        load("relax-mzi16")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(BenchFileError, match="no such file; write one with") as caught:
        load(path)
    assert caught.value.source == str(path)


def test_a_folder_and_a_binary_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchFileError, match="cannot be read"):
        load(tmp_path)
    path = tmp_path / "binary.toml"
    path.write_bytes(b"schema = 1\nname = '\xff\xfe'\n")
    with pytest.raises(BenchFileError, match="byte 19 is no UTF-8 text"):
        load(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("schema = 1\nname = relax\n", r"TOML syntax: .*line 2.*: name = relax"),
        ("schema = 1\nschema = 2\n", r"TOML syntax: .*line 2.*: schema = 2"),
        ("schema = 1\n[timing\n", r"TOML syntax: .*line 2.*: \[timing"),
        ("schema = [1,\n", "TOML syntax: .*end of document"),
    ],
)
def test_a_syntax_error_shows_its_line(text: str, expected: str) -> None:
    with pytest.raises(BenchFileError, match=expected) as caught:
        parse(text, source="broken.toml")
    assert len(caught.value.lines) == 1


def test_merging_copies_and_replaces_arrays_whole() -> None:
    under = {"a": {"b": 1, "c": [1, 2]}, "d": 3}
    over = {"a": {"c": [9]}, "e": {"f": 1}}
    result = merged(under, over)
    assert result == {"a": {"b": 1, "c": [9]}, "d": 3, "e": {"f": 1}}
    over["a"]["c"].append(10)
    assert result["a"]["c"] == [9]
    assert under == {"a": {"b": 1, "c": [1, 2]}, "d": 3}
