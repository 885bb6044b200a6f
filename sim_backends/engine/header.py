"""Command headers: patterns such as `SYSTem:ERRor[:NEXT]?` and the table that finds a command by
its header.

A mnemonic is matched in its long form or in its short form (the capitals) and in nothing between,
whatever the case; `[...]` may be left out; `#` takes a numeric suffix, 1 if absent (SCPI-1999
volume 1, 6.2; notation of scpi-parser).
"""

from __future__ import annotations

import re
from typing import Generic, NamedTuple, TypeVar

from .errors import ScpiError

Handler = TypeVar("Handler")
Ranges = tuple[tuple[int, int], ...]

_CACHE_LIMIT = 4096
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Regular expression for a header pattern; one group a numeric suffix."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        word = _WORD.match(pattern, position)
        if word is not None:
            long = word.group()
            short = "".join(letter for letter in long if not letter.islower())
            parts.append(long if short == long else f"(?:{long}|{short})")
            position = word.end()
            continue
        character = pattern[position]
        parts.append(
            {"[": "(?:", "]": ")?", "#": r"([0-9]{0,9})"}.get(character, re.escape(character))
        )
        position += 1
    return re.compile("".join(parts), re.IGNORECASE)


def initials(pattern: str) -> set[str]:
    """The letters, capitals, that headers of a pattern may begin with."""
    found: set[str] = set()
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "[":
            depth, end = 1, position + 1
            while depth:
                depth += {"[": 1, "]": -1}.get(pattern[end], 0)
                end += 1
            found |= initials(pattern[position + 1 : end - 1])
            position = end
        else:
            return found | {character.upper()}
    return found


class Found(NamedTuple, Generic[Handler]):
    """A header that has been looked up."""

    handler: Handler
    suffixes: tuple[int, ...]
    query: bool
    path: str
    """What a following unit without a leading colon is prefixed with."""


class CommandTable(Generic[Handler]):
    """Commands by header pattern; look-ups are remembered, as programs repeat themselves."""

    def __init__(self) -> None:
        self._patterns: list[str] = []
        self._entries: dict[str, list[tuple[re.Pattern[str], Handler, Ranges]]] = {}
        """By initial, so that headers that are none, in their thousands, cost little."""
        self._cache: dict[str, Found[Handler]] = {}

    def add(self, pattern: str, handler: Handler, ranges: Ranges = ()) -> None:
        """Enter a command. Earlier entries win where patterns overlap.

        `ranges`: the numeric suffixes allowed, (low, high) a `#`; the others are the handler's to
        check.
        """
        self._patterns.append(pattern)
        entry = (compile_pattern(pattern), handler, ranges)
        for initial in initials(pattern):
            self._entries.setdefault(initial, []).append(entry)
        self._cache.clear()

    def replace(self, pattern: str, handler: Handler, ranges: Ranges = ()) -> None:
        """Enter a command in place of one with the same pattern."""
        self._patterns.remove(pattern)
        compiled = compile_pattern(pattern)
        for initial in initials(pattern):
            entries = self._entries[initial]
            entries[:] = [entry for entry in entries if entry[0] != compiled]
        self.add(pattern, handler, ranges)

    @property
    def patterns(self) -> list[str]:
        """All patterns, in order of entry."""
        return list(self._patterns)

    def find(self, header: str) -> Found[Handler] | None:
        """The command of a full header (from the root, without leading colon), or None.

        Raises `ScpiError` -114 for a numeric suffix that the command does not have.
        """
        found = self._cache.get(header)
        if found is not None:
            return found
        for expression, handler, ranges in self._entries.get(header[0].upper(), ()):
            match = expression.fullmatch(header)
            if match is None:
                continue
            suffixes = tuple(int(digits) if digits else 1 for digits in match.groups())
            for suffix, (low, high) in zip(suffixes, ranges, strict=False):
                if not low <= suffix <= high:
                    raise ScpiError(-114)
            path = "" if header[0] == "*" else header[: header.rfind(":") + 1]
            found = Found(handler, suffixes, header[-1] == "?", path)
            if len(self._cache) < _CACHE_LIMIT:
                self._cache[header] = found
            return found
        return None
