"""What an event is. When it happened the bus writes on it; what it means stands in its class.

Every field of an event is annotated with its meaning, unit and shape, so that records, MQTT and
documents describe themselves from the classes, and what comes in from outside is checked by them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, ClassVar, get_args, get_type_hints


class Severity(StrEnum):
    """How bad it is, in the words of EPICS."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    INVALID = "invalid"


@dataclass(frozen=True)
class Told:
    """What a field means, its unit (empty: none) and its shape (empty: one value)."""

    meaning: str
    unit: str = ""
    shape: str = ""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that a run tells."""

    KIND: ClassVar[str] = ""
    #: Whether it holds arrays, for outlets that keep those elsewhere.
    ARRAYS: ClassVar[bool] = False


@dataclass(frozen=True)
class Stamped:
    """An event as it was published.

    number : from 1 in the order of publication; bench_time : s; wall_time : s since 1970, UTC.
    """

    number: int
    bench_time: float
    wall_time: float
    event: Event


def fields_of(event: Event) -> dict[str, Any]:
    """The fields of an event, as they are."""
    return {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}


@lru_cache
def told_of(kind: type[Event]) -> Mapping[str, tuple[Any, Told]]:
    """Type and meaning of the fields of a kind of event, in order."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        field.name: (get_args(hints[field.name])[0], get_args(hints[field.name])[1])
        for field in dataclasses.fields(kind)
    }
