"""Nested tables as lines of dotted names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def flattened(table: Any, within: str = "") -> dict[str, Any]:
    """Values by dotted name. Tables of named tables are entered by their names, others by place."""
    found: dict[str, Any] = {}
    if isinstance(table, Mapping):
        for name, value in table.items():
            found |= flattened(value, f"{within}.{name}" if within else str(name))
    elif _of_tables(table):
        for place, value in enumerate(table):
            name = value.get("name", place) if isinstance(value, Mapping) else place
            found |= flattened(value, f"{within}.{name}")
    else:
        found[within] = table
    return found


def written(value: Any) -> str:
    """A value for a person."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        shown = ", ".join(written(one) for one in value[:8])
        return shown if len(value) <= 8 else f"{shown}, … ({len(value)} values)"
    return str(value)


def _of_tables(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and any(isinstance(one, Mapping) for one in value)
    )
