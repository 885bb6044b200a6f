"""Exchanging the channels of two elements in the text of a bench file, and nothing else of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hil.bench.document import parse_toml
from hil.bench.errors import BenchFileError
from hil.bench.file import BenchFile
from hil.bench.sections import ElementWiring

Place = tuple[int, int]

#: What says where an element hangs; its limits and its resistance are its own and stay.
CHANNEL = ("chassis", "module", "channel")
_PAIR = r"\b{key}\s*=\s*(\"[^\"]*\"|'[^']*'|[^,}}\s]+)"


def exchanged(file: BenchFile, text: str, pairs: Sequence[tuple[Place, Place]]) -> str:
    """The text of a bench file with the channels of pairs of elements exchanged.

    Parameters
    ----------
    file : the bench file that `text` was loaded as. pairs : of (bank, index in element order).

    Raises
    ------
    BenchFileError
        When the text cannot be changed safely: an element's table is not on a line of its own.
    """
    lines = text.splitlines(keepends=True)
    for one, other in pairs:
        wires = [file.bank_wiring(bank)[element] for bank, element in (one, other)]
        at = [_line_of(file, lines, wire) for wire in wires]
        values = [[_value(lines[number], key) for key in CHANNEL] for number in at]
        for number, found in zip(at, values[::-1], strict=True):
            for key, value in zip(CHANNEL, found, strict=True):
                lines[number] = _replaced(lines[number], key, value)
    changed = "".join(lines)
    _check(file, text, changed, pairs)
    return changed


def _line_of(file: BenchFile, lines: Sequence[str], wire: ElementWiring) -> int:
    """Number of the one line that holds an element's whole table."""
    wanted = {"bank": str(wire.bank), "column": str(wire.column), "row": str(wire.row),
              "kind": f'"{wire.kind}"'}  # fmt: skip
    found = [
        number
        for number, line in enumerate(lines)
        if line.lstrip().startswith("{")
        and all(_value(line, key).replace("'", '"') == value for key, value in wanted.items())
    ]
    if len(found) != 1 or not all(_value(lines[found[0]], key) for key in CHANNEL):
        raise BenchFileError(
            file.source,
            [
                f"the table of bank {wire.bank}, column {wire.column}, row {wire.row}, "
                f"{wire.kind} is not one line of wiring.elements; exchange its "
                f"{', '.join(CHANNEL)} by hand"
            ],
        )
    return found[0]


def _value(line: str, key: str) -> str:
    found = re.search(_PAIR.format(key=key), line)
    return found[1] if found else ""


def _replaced(line: str, key: str, value: str) -> str:
    return re.sub(_PAIR.format(key=key), lambda _: f"{key} = {value}", line, count=1)


def _check(file: BenchFile, before: str, after: str, pairs: Sequence[tuple[Place, Place]]) -> None:
    """See that the exchange is all that has changed, as a reader of TOML sees it."""
    was, now = (parse_toml(text, file.source) for text in (before, after))
    touched = {
        (wire.bank, wire.column, wire.row, wire.kind)
        for pair in pairs
        for bank, element in pair
        for wire in [file.bank_wiring(bank)[element]]
    }
    for old, new in zip(was["wiring"]["elements"], now["wiring"]["elements"], strict=True):
        place = tuple(old[key] for key in ("bank", "column", "row", "kind"))
        if place in touched:
            for key in CHANNEL:
                old[key] = new[key]
    if was != now:
        raise BenchFileError(
            file.source,
            ["its wiring.elements are not written in the usual way; exchange the channels by hand"],
        )
