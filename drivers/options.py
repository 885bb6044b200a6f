"""Options of a driver as a bench file or a command line gives them: of the type that it declares.

`bipolar = "no"` is no switch that is off: as any text it would count as on. So what the constructor
says of its parameters holds before it is called.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from drivers.arguments import is_number
from drivers.instrument import Instrument

_WORDS = {
    bool: "true or false", int: "a whole number", float: "a finite number", str: "text",
    NoneType: "none",
}  # fmt: skip


def check_options(driver: type[Instrument], options: Mapping[str, Any]) -> None:
    """See that options have the types of the constructor's parameters, and that no number is NaN.

    Unknown ones are the constructor's to refuse. Raises `TypeError` naming the option and what it
    takes.
    """
    hints = _hints(driver)
    for key, value in options.items():
        if key in hints and not _fits(value, hints[key]):
            raise TypeError(f"option {key} = {value!r} is not {_worded(hints[key])}")


def _hints(driver: type[Instrument]) -> dict[str, Any]:
    try:
        return get_type_hints(driver.__init__)
    except NameError:  # of another package, with names for the type checker alone
        return {}


def _fits(value: Any, hint: Any, *, endless: bool = False) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        several = any(get_origin(part) is not None for part in parts)
        return any(_fits(value, part, endless=several) for part in parts)
    if origin is Literal:
        return value in parts
    if origin in (Sequence, tuple, list):
        inner = parts[0] if parts else Any
        listed = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        return listed and all(_fits(one, inner, endless=True) for one in value)
    if hint is bool:
        return isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is float:  # of each channel one: a load may be infinite
        return is_number(value) and (abs(value) < math.inf or (endless and not math.isnan(value)))
    return hint not in (str, NoneType) or isinstance(value, hint)


def _worded(hint: Any) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(_worded(part) for part in parts)
    if origin is Literal:
        return "one of " + ", ".join(map(repr, parts))
    if origin in (Sequence, tuple, list):
        return "a list, each " + _worded(parts[0] if parts else Any)
    return _WORDS.get(hint, str(hint))
