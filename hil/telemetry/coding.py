"""Events as bytes and back: msgpack, or JSON where arrays are kept elsewhere.

What comes back is checked against the class of its kind, field by field: it may come from anybody.
Nothing is unpickled. Numbers that are not finite are null in JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import msgpack
import numpy as np

from hil.telemetry.event import Event, Severity, Stamped, fields_of, told_of
from hil.telemetry.events import KINDS

#: Bounds of what is taken from outside.
MOST_BYTES = 64 * 2**20
MOST_EVENTS = 10_000
LONGEST_TEXT = 100_000
DEEPEST_TABLE = 8
_ARRAY = 1
_DTYPES = ("bool", "uint8", "int32", "int64", "float32", "float64")


class CodingError(ValueError):
    """Something that is no event, or not a whole one."""


def pack(events: Sequence[Stamped]) -> bytes:
    """Events, oldest first, as msgpack: a list of [number, bench_time, wall_time, kind, fields].

    An array is an extension of type 1: msgpack of [dtype, shape, bytes in C order, little-endian].
    """
    rows = [
        [one.number, one.bench_time, one.wall_time, one.event.KIND, fields_of(one.event)]
        for one in events
    ]
    packed = msgpack.packb(rows, default=_packed)
    assert packed is not None
    return packed


def unpack(data: bytes) -> list[Stamped]:
    """What `pack` gave.

    Raises
    ------
    CodingError
        Saying what is wrong; whatever the bytes are, nothing else is raised.
    """
    if len(data) > MOST_BYTES:
        raise CodingError(f"{len(data)} bytes; at most {MOST_BYTES} are taken")
    try:
        rows = msgpack.unpackb(data, ext_hook=_unpacked, max_array_len=MOST_EVENTS)
    except CodingError:
        raise
    except Exception as error:
        raise CodingError(f"no msgpack: {error}") from None
    if not isinstance(rows, list):
        raise CodingError("no list of events")
    return [_stamped(row) for row in rows]


def as_json(event: Event) -> str:
    """The fields of an event that are no arrays."""
    fields = fields_of(event)
    plain = {key: value for key, value in fields.items() if not isinstance(value, np.ndarray)}
    return json.dumps(_finite(plain), allow_nan=False)


def from_fields(kind: str, fields: Mapping[str, Any]) -> Event:
    """The event of a kind with these fields, each of its declared type.

    Raises
    ------
    CodingError
        For an unknown kind, fields that lack or are too many, and wrong types.
    """
    of = KINDS.get(kind)
    if of is None:
        raise CodingError(f"no kind of event {kind[:40]!r}")
    told = told_of(of)
    if unknown := [str(name)[:40] for name in fields if name not in told]:
        raise CodingError(f"{kind} has no field {unknown[0]!r}")
    found: dict[str, Any] = {}
    for name, (type_, said) in told.items():
        if name in fields:
            found[name] = _checked(f"{kind}.{name}", fields[name], type_, said.shape)
    try:
        return of(**found)
    except TypeError:
        lacking = [name for name in told if name not in found]
        raise CodingError(f"{kind} lacks {', '.join(lacking)}") from None


def _stamped(row: Any) -> Stamped:
    if not (isinstance(row, list) and len(row) == 5):
        raise CodingError("an event has five parts")
    number, bench_time, wall_time, kind, fields = row
    if not (type(number) is int and isinstance(kind, str) and isinstance(fields, dict)):
        raise CodingError("number, kind or fields of an event are of a wrong type")
    bench_time = _checked("bench_time", bench_time, float, "")
    wall_time = _checked("wall_time", wall_time, float, "")
    return Stamped(number, bench_time, wall_time, from_fields(kind, fields))


def _checked(where: str, value: Any, type_: Any, shape: str) -> Any:
    """The value, if it is of a declared type."""
    if get_origin(type_) is UnionType:
        if value is None and NoneType in get_args(type_):
            return None
        type_ = next(one for one in get_args(type_) if one is not NoneType)
    origin = get_origin(type_)
    if origin is np.ndarray:
        axes = sum(bool(axis.strip()) for axis in shape.strip("()").split(","))
        if isinstance(value, np.ndarray) and value.ndim == axes:
            return value
        raise CodingError(f"{where} is no array {shape}")
    if origin is not None:  # a table
        if isinstance(value, Mapping) and _plain_table(value, DEEPEST_TABLE):
            return value
        raise CodingError(f"{where} is no table of plain data")
    if type_ is float:
        if value is None:
            return math.nan
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    elif type_ in (int, bool):
        if type(value) is type_:
            return value
    elif type_ is Severity:
        if value in tuple(Severity):
            return Severity(value)
    elif isinstance(value, str) and len(value) <= LONGEST_TEXT:
        return value
    raise CodingError(f"{where} is not of the type it must be: {str(value)[:40]!r}")


def _plain_table(value: Any, deep: int) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    if value is None or isinstance(value, bool | int | float):
        return True
    if deep == 0:
        return False
    if isinstance(value, Mapping):
        return all(
            isinstance(key, str) and _plain_table(one, deep - 1) for key, one in value.items()
        )
    return isinstance(value, list) and all(_plain_table(one, deep - 1) for one in value)


def _packed(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        plain = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
        parts = [plain.dtype.name, list(plain.shape), plain.tobytes()]
        return msgpack.ExtType(_ARRAY, msgpack.packb(parts) or b"")
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be told")


def _unpacked(code: int, data: bytes) -> Any:
    if code != _ARRAY:
        raise CodingError(f"no extension {code} is known")
    try:
        name, shape, content = msgpack.unpackb(data)
        if name not in _DTYPES or not all(type(one) is int and one >= 0 for one in shape):
            raise CodingError(f"no array of {str(name)[:20]!r}")
        array = np.frombuffer(content, np.dtype(name).newbyteorder("<"))
        return array.reshape(shape).astype(name, copy=False)
    except CodingError:
        raise
    except Exception as error:
        raise CodingError(f"no array: {error}") from None


def _finite(value: Any) -> Any:
    """The same with None for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
