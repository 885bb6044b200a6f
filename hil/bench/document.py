"""From a name or a path to the raw document: finding, reading, TOML, overlay."""

from __future__ import annotations

import copy
import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hil.bench.errors import BenchFileError
from hil.bench.packaged import SUFFIX, packaged_names, packaged_text


def locate(name_or_path: str | Path) -> tuple[str, str]:
    """Find a bench file and give what to call it in messages, and its text.

    What ends in ".toml" or holds a path separator is a path, anything else a packaged name.

    Raises
    ------
    BenchFileError
        If there is none, or it cannot be read.
    """
    asked = os.fspath(name_or_path)
    is_path = isinstance(name_or_path, Path) or asked.endswith(SUFFIX) or "/" in asked
    if not (is_path or os.sep in asked):
        return asked, _packaged(asked)
    try:
        return asked, Path(asked).read_text(encoding="utf-8")
    except FileNotFoundError:
        names = ", ".join(packaged_names())
        mend = f"no such file; write one with `python -m hil.bench new`, or name one of: {names}"
        raise BenchFileError(asked, [mend]) from None
    except UnicodeDecodeError as error:
        where = f"byte {error.start} is no UTF-8 text; save the file as UTF-8"
        raise BenchFileError(asked, [where]) from None
    except OSError as error:
        raise BenchFileError(asked, [f"cannot be read: {error.strerror}"]) from None


def _packaged(name: str) -> str:
    try:
        return packaged_text(name)
    except KeyError:
        names = packaged_names()
        close = difflib.get_close_matches(name, names, n=1)
        guess = f"did you mean {close[0]!r}? " if close else ""
        line = (
            f"no packaged bench has this name; {guess}packaged: {', '.join(names)}; "
            f"for a file of your own give its path, ending in {SUFFIX}"
        )
        raise BenchFileError(name, [line]) from None


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Read TOML.

    Raises
    ------
    BenchFileError
        With line and column of the first syntax error, and the line itself.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        lines = text.splitlines()
        _, _, after = message.rpartition("(at line ")
        number = after.split(",")[0]
        shown = ""
        if number.isdigit() and 0 < int(number) <= len(lines):
            shown = f": {lines[int(number) - 1].strip()[:80]}"
        raise BenchFileError(source, [f"TOML syntax: {message}{shown}"]) from None


def merged(document: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Give a copy of a document in which an overlay's values replace those of the same path.

    Tables are merged; everything else, lists too, is replaced whole.
    """
    result = copy.deepcopy(dict(document))
    for key, value in overlay.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, Mapping):
            result[key] = merged(old, value)
        else:
            result[key] = copy.deepcopy(value)
    return result
