"""Ways to spoil a bench file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Doc = dict[str, Any]
Spoil = Callable[[Doc], object]


def put(path: str, value: Any) -> Spoil:
    """Set one value by its path."""

    def spoil(document: Doc) -> None:
        place: Any = document
        *steps, last = path.split(".")
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place[step]
        place[int(last) if isinstance(place, list) else last] = value

    return spoil


def drop(path: str) -> Spoil:
    """Remove one value by its path."""

    def spoil(document: Doc) -> None:
        place: Any = document
        *steps, last = path.split(".")
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place[step]
        del place[int(last) if isinstance(place, list) else last]

    return spoil
