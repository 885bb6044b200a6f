"""Pydantic's errors as lines an operator can act on: TOML path, what is wrong, what may stand."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hil.bench.beside_tables import Light, Route, Stage, Tap
from hil.bench.delay_tables import Delay, DelayedOutput
from hil.bench.optics import Optics
from hil.bench.sections import (
    Calibration,
    Chip,
    ElementWiring,
    ExpectedIdentity,
    Instrument,
    Lines,
    Link,
    PortWiring,
    StepAges,
    Timing,
    Wiring,
)

# Where each table stands; "*" is the index in an array.
_TABLES: Mapping[tuple[str, ...], type[BaseModel]] = {
    ("timing",): Timing,
    ("chip",): Chip,
    ("calibration",): Calibration,
    ("calibration", "ages"): StepAges,
    ("optics",): Optics,
    ("light",): Light,
    ("stage",): Stage,
    ("tap", "*"): Tap,
    ("route", "*"): Route,
    ("delay", "*"): Delay,
    ("delay", "*", "outputs", "*"): DelayedOutput,
    ("instrument", "*"): Instrument,
    ("instrument", "*", "identity"): ExpectedIdentity,
    ("instrument", "*", "link"): Link,
    ("wiring",): Wiring,
    ("wiring", "elements", "*"): ElementWiring,
    ("wiring", "ports", "*"): PortWiring,
    ("wiring", "lines"): Lines,
}

_KINDS = {
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dict_type": "a table",
    "tuple_type": "an array",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a string",
    "bool_type": "true or false",
    "finite_number": "a finite number",
}


def complaints(error: ValidationError, root: type[BaseModel]) -> list[str]:
    """Give one line for each error of a document that `root` refused."""
    return [_line(one, root) for one in error.errors(include_url=False)]


def _line(detail: ErrorDetails, root: type[BaseModel]) -> str:
    path = ".".join(str(step) for step in detail["loc"])
    return f"{path or 'the file'}: {_message(detail, root)}"


def _message(detail: ErrorDetails, root: type[BaseModel]) -> str:
    kind, value = detail["type"], detail["input"]
    if kind == "missing":
        return "is missing; add it"
    if kind == "extra_forbidden":
        return _unknown_key(detail["loc"], root)
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}, not {_shown(value)}"
    if kind == "string_pattern_mismatch":
        return f"must be letters, digits, '.', '_' and '-' only, not {_shown(value)}"
    if kind == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    message = detail["msg"].replace("Input should", "must")
    return f"{message}, not {_shown(value)}"


def _unknown_key(loc: tuple[int | str, ...], root: type[BaseModel]) -> str:
    table = tuple("*" if isinstance(step, int) else step for step in loc[:-1])
    model = _TABLES.get(table, root)
    known = [field.alias or name for name, field in model.model_fields.items()]
    close = difflib.get_close_matches(str(loc[-1]), known, n=1)
    if close:
        return f"no such key here; did you mean {close[0]!r}?"
    return f"no such key here; known: {', '.join(known)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
