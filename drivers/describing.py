"""What a driver declares, as a table for people: what is said of a quantity is said once, there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from drivers.instrument import Instrument
from drivers.quantity import Quantity

HEAD = ("quantity", "what", "type", "unit", "range", "ramp", "settle", "safe")
_KINDS = {float: "number", int: "whole number", bool: "switch", str: "word"}
_RANGE = re.compile(r" \([-+\d.e]+ to [-+\d.e]+\)\.$")
_UNIT = re.compile(r" in \S+\.$")


def rows(driver: type[Instrument]) -> list[tuple[str, ...]]:
    """A row for each declared quantity, in the columns of `HEAD`."""
    return [_row(quantity) for quantity in driver.quantities]


def markdown(drivers: Iterable[tuple[str, type[Instrument]]]) -> str:
    """The page of all quantities: a table for each driver, by its name."""
    parts = [PREFACE]
    for name, driver in drivers:
        parts.append(f"## {name}\n")
        parts.append(_line(HEAD))
        parts.append("|" + "---|" * len(HEAD))
        parts += [_line((f"`{row[0]}`", *row[1:])) for row in rows(driver)]
        parts.append("")
    return "\n".join(parts)


PREFACE = (
    "# Quantities\n\n"
    "All that the drivers declare, as `python -m drivers list --markdown` prints it; "
    "`python -m drivers list MODEL` shows\none model's in the terminal. A driver checks a value by "
    "its range before a byte leaves, and reads it back in its unit.\n"
    "A snapshot puts values back by ramp and settle time. `safe` is what an output has in the "
    "state `off`. What begins with\n"
    "Control can be set and read, with Set only set, with Get or Measure only read.\n"
)


def _row(quantity: Quantity) -> tuple[str, ...]:
    what = _UNIT.sub(".", _RANGE.sub(".", quantity.doc)) if quantity.unit else quantity.doc
    what = _RANGE.sub(".", what).removesuffix(".")
    limited = quantity.writable or quantity.low > -float("inf") or quantity.high < float("inf")
    unit = quantity.unit
    return (
        quantity.name,
        what,
        _KINDS[quantity.kind],
        unit,
        _range(quantity) if limited or quantity.choices else "",
        f"{quantity.ramp:g} {unit}/s" if quantity.ramp is not None else "",
        f"{quantity.settle:g} s" if quantity.settle else "",
        _safe(quantity),
    )


def _range(quantity: Quantity) -> str:
    if quantity.kind in (bool, str):
        return quantity.range
    return f"{quantity.low:.9g} to {quantity.high:.9g}"


def _safe(quantity: Quantity) -> str:
    if quantity.safe is None:
        return ""
    if isinstance(quantity.safe, bool):
        return "ON" if quantity.safe else "OFF"
    return str(quantity.safe) if isinstance(quantity.safe, str) else f"{quantity.safe:g}"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
