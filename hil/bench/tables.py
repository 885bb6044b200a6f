"""Tables of text, and how they are set as plain lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A titled table of text; without `head` its rows are pairs of a name and a value."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def plain(shown: Iterable[Table]) -> Iterator[str]:
    """Set tables as lines of plain text."""
    for table in shown:
        yield table.title
        rows = ([table.head] if table.head else []) + list(table.rows)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield ("  " + "  ".join(cells)).rstrip()
        yield ""


def si(value: float, unit: str, digits: int = 6) -> str:
    """Give a number with a prefix from nano to mega before its unit."""
    for factor, prefix in (
        (1e6, "M"),
        (1e3, "k"),
        (1.0, ""),
        (1e-3, "m"),
        (1e-6, "u"),
        (1e-9, "n"),
    ):
        if abs(value) >= factor * (1 - 1e-12):
            return f"{value / factor:.{digits}g} {prefix}{unit}"
    return f"{value:.{digits}g} {unit}"
