"""How Keysight writes numbers, and one number in the words of another."""

from __future__ import annotations

from collections.abc import Callable

from sim_backends.engine.header import CommandTable, Ranges
from sim_backends.engine.parameters import arguments, number
from sim_backends.engine.session import Command
from sim_backends.engine.writing import nr3

Suffixes = tuple[int, ...]
SHORT = nr3(5)


def add_pair(
    commands: CommandTable[Command],
    pattern: str,
    unit: str,
    ranges: Ranges,
    tell: Callable[[Suffixes], float],
    keep: Callable[[Suffixes, float], None],
) -> None:
    """Enter a number that is another one in other words, and its query."""
    commands.add(
        pattern,
        lambda session, suffixes, text: keep(suffixes, number(arguments(text, 1, 1)[0], unit)),
        ranges,
    )
    commands.add(f"{pattern}?", lambda session, suffixes, text: SHORT(tell(suffixes)), ranges)
