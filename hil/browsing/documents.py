"""A run as Bluesky event-model documents (https://blueskyproject.io/event-model, version 1.24).

Start, descriptors, events and stop as JSON lines, each `[name, document]`, as suitcase-jsonl writes
them and databroker reads them. Kinds of events are streams, steps the one that is called `primary`.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin
from uuid import UUID, uuid5

import numpy as np

from hil.browsing.facts import State
from hil.browsing.story import KINDS, Story
from hil.record.folder import RunFolderError
from hil.record.history import history
from hil.telemetry.event import Event, Stamped, Told, fields_of, told_of
from hil.telemetry.events import RunEnded, Step

Document = tuple[str, dict[str, Any]]
#: How a run ended, in the words of the event model; a run that goes on has no stop document.
_EXIT = {
    State.FINISHED: "success",
    State.STOPPED: "abort",
    State.INTERRUPTED: "abort",
    State.FAILED: "fail",
    State.KILLED: "fail",
}
_DTYPES: Mapping[Any, str] = {bool: "boolean", int: "integer", float: "number"}


def export_documents(story: Story, path: Path, arrays: Iterable[type[Event]] = ()) -> Path:
    """Write the documents of a run into a new file, with these kinds of large arrays.

    Raises
    ------
    RunFolderError
        Where the file exists or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            for document in documents(story, arrays):
                file.write(json.dumps(document, default=_plain, allow_nan=False) + "\n")
    except FileExistsError:
        raise RunFolderError(f"{path} exists; name another (--out)") from None
    except OSError as error:
        raise RunFolderError(f"{path} cannot be written: {error.strerror}") from error
    return path


def documents(story: Story, arrays: Iterable[type[Event]] = ()) -> Iterator[Document]:
    """The documents of a run in order, the same each time they are asked for."""
    run = UUID(story.facts.id)
    uid = str(run)
    yield "start", _start(story, uid)
    events = history(story.folder, *KINDS, *arrays)
    streams = _Streams(run, history(story.folder, *KINDS))
    last = story.facts.began
    for stamped in events:
        last = max(last, stamped.wall_time)
        if not isinstance(stamped.event, RunEnded):
            yield from streams.event(stamped)
    exit_status = _EXIT.get(story.facts.state)
    if exit_status is not None:
        reason = story.facts.why or (story.facts.state.text if exit_status != "success" else "")
        yield (
            "stop",
            {
                "uid": str(uuid5(run, "stop")),
                "run_start": uid,
                "time": last,
                "exit_status": exit_status,
                "reason": reason,
                "num_events": dict(streams.counts),
            },
        )


def _start(story: Story, uid: str) -> dict[str, Any]:
    started = story.facts.started
    return {
        "uid": uid,
        "time": story.facts.began,
        "plan_name": "hil.train",
        "run_folder": story.facts.name,
        "bench": started.bench,
        "backend": started.backend,
        "bench_path": started.path,
        "task": started.task,
        "method": started.method,
        "code_version": started.code_version,
        "configuration": _finite(story.configuration),
    }


class _Streams:
    """Events of a run as documents; a descriptor for each set of shapes that a stream has."""

    def __init__(self, run: UUID, events: Iterable[Stamped]) -> None:
        self._run = run
        self._descriptors: dict[tuple[Any, ...], str] = {}
        self._within = _numbers_of_tables(events)
        self.counts: Counter[str] = Counter()

    def event(self, stamped: Stamped) -> Iterator[Document]:
        """The event's document, after its descriptor where it is the first such."""
        kind = type(stamped.event)
        stream = "primary" if kind is Step else kind.KIND
        data = self._data(stamped)
        shapes = tuple(np.shape(value) for value in data.values())
        key = (stream, shapes)
        if key not in self._descriptors:
            uid = str(uuid5(self._run, f"{stream} {len(self._descriptors)}"))
            self._descriptors[key] = uid
            yield "descriptor", self._descriptor(uid, stream, kind, data, stamped.wall_time)
        self.counts[stream] += 1
        number = self.counts[stream]
        yield (
            "event",
            {
                "uid": str(uuid5(self._run, f"{stream} event {number}")),
                "descriptor": self._descriptors[key],
                "seq_num": number,
                "time": stamped.wall_time,
                "data": data,
                "timestamps": dict.fromkeys(data, stamped.wall_time),
                "filled": {},
            },
        )

    def _data(self, stamped: Stamped) -> dict[str, Any]:
        data: dict[str, Any] = {"bench_time": _finite(stamped.bench_time)}
        kind = stamped.event.KIND
        for name, value in fields_of(stamped.event).items():
            numbers = self._within.get((kind, name))
            if isinstance(value, Mapping) and numbers is not None:
                data |= {_key(name, one): value.get(one) for one in numbers}
            elif isinstance(value, Mapping):
                data[name] = json.dumps(_finite(value))
            else:
                data[name] = _finite(value)
        return data

    def _descriptor(
        self, uid: str, stream: str, kind: type[Event], data: Mapping[str, Any], time: float
    ) -> dict[str, Any]:
        keys = {"bench_time": _described(kind, "bench_time", "number", Told("bench time", "s"))}
        for name, (type_, said) in told_of(kind).items():
            numbers = self._within.get((kind.KIND, name))
            if numbers is None:
                keys[name] = _described(kind, name, _dtype(type_), said, data[name])
                continue
            for one in numbers:
                keys[_key(name, one)] = _described(kind, f"{name}[{one}]", "number", said)
        return {
            "uid": uid,
            "run_start": str(self._run),
            "time": time,
            "name": stream,
            "data_keys": keys,
            "object_keys": {kind.KIND: list(keys)},
            "hints": {},
            "configuration": {},
        }


def _described(
    kind: type[Event], name: str, dtype: str, said: Told, value: Any = None
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "source": f"hil:{kind.KIND}.{name}: {said.meaning}",
        "dtype": dtype,
        "shape": list(np.shape(value)) if dtype == "array" else [],
        "units": said.unit,
    }
    if isinstance(value, list):
        found["dims"] = [axis.strip() for axis in said.shape.strip("()").split(",") if axis.strip()]
        found["dtype_numpy"] = np.asarray(value).dtype.str.replace("<U", "<f8")
    return found


def _numbers_of_tables(events: Iterable[Stamped]) -> dict[tuple[str, str], list[str]]:
    """By (kind, field): the names in tables of nothing but numbers, over all of a run."""
    names: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    others: set[tuple[str, str]] = set()
    for stamped in events:
        for field, value in fields_of(stamped.event).items():
            if not isinstance(value, Mapping):
                continue
            key = (stamped.event.KIND, field)
            names[key] |= dict.fromkeys(value)
            if not all(isinstance(one, int | float | None) for one in value.values()):
                others.add(key)
    return {key: list(found) for key, found in names.items() if key not in others and found}


def _key(field: str, name: str) -> str:
    """A name without what data keys may not hold."""
    return f"{field}_{re.sub(r'[^0-9A-Za-z]+', '_', name)}"


def _dtype(type_: Any) -> str:
    if get_origin(type_) is np.ndarray:
        return "array"
    if get_origin(type_) is UnionType:
        type_ = next(one for one in get_args(type_) if one is not type(None))
    return _DTYPES.get(type_, "string")


def _finite(value: Any) -> Any:
    """Plain data, with None for numbers that are not finite."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
