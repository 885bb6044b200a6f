"""Fenced and indented blocks of a document, and the commands in them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTRUMENTS = ROOT / "docs" / "instruments"


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a language in a document."""
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)


def tables(path: Path) -> list[str]:
    """The indented blocks of a document that are tables of a bench file."""
    indented = re.findall(r"(?:^(?: {4}.*)?\n)+", path.read_text(), re.MULTILINE)
    return [text for text in indented if re.search(r"^ {4}\[", text, re.MULTILINE)]


def commands(path: Path, module: str) -> list[list[str]]:
    """What follows `python -m MODULE` in the shell blocks of a document, as arguments."""
    found = []
    for block in blocks(path, "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if module in words and words[words.index(module) - 1] == "-m":
                found.append(words[words.index(module) + 1 :])
    return found
