"""A run as tables of comma-separated values, and its arrays as NPZ."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from hil.browsing.story import Story
from hil.record.folder import RunFolderError
from hil.record.history import history
from hil.telemetry.event import Event, Stamped, fields_of, told_of
from hil.telemetry.events import Believed, EpochEnded, Levels, Slots, Step

#: Kinds with large arrays, by the word they are asked for by.
ARRAYS: Mapping[str, type[Event]] = {kind.KIND: kind for kind in (Levels, Slots, Believed)}
_TIMES = {
    "bench_time": ("s", "bench time"),
    "wall_time": ("s", "since 1970, UTC"),
}


def new_folder(path: Path) -> Path:
    """Make a folder to export into.

    Raises
    ------
    RunFolderError
        Where it cannot be made, or holds something: nothing is written over.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        full = any(path.iterdir())
    except OSError as error:
        raise RunFolderError(f"{path} cannot be made: {error.strerror}") from error
    if full:
        raise RunFolderError(f"{path} is not empty; name another (--out)")
    return path


def export_csv(story: Story, out: Path) -> Iterator[Path]:
    """Write epochs.csv, steps.csv, events.csv, and columns.csv, which says what columns mean."""
    said: list[tuple[str, str, str, str]] = []
    for name, kind in (("epochs.csv", EpochEnded), ("steps.csv", Step)):
        columns = list(told_of(kind))
        said += [(name, *column) for column in _columns(kind, columns)]
        rows = (
            (*_times(one.bench_time, one.wall_time), *(getattr(one.event, c) for c in columns))
            for one in story.all_of(kind)
        )
        yield write(out / name, (*_TIMES, *columns), rows)
    others = [one for one in story.events if not isinstance(one.event, EpochEnded | Step)]
    name = "events.csv"
    said += [(name, key, *about) for key, about in _TIMES.items()]
    said += [
        (name, "kind", "", "kind of event (docs/run-folder.md)"),
        (name, "text", "", "for a person, where it has such a text"),
        (name, "fields", "", "all fields but arrays, JSON"),
    ]
    yield write(out / name, (*_TIMES, "kind", "text", "fields"), map(_event_row, others))
    yield write(out / "columns.csv", ("file", "column", "unit", "meaning"), said)


def export_levels(story: Story, out: Path) -> Path:
    """Write levels.csv: a row a step, a column `bank<k>_element<e>` each, in W."""
    events = history(story.folder, Levels)
    first: Any = next((one.event for one in events[:1]), None)
    if first is None:
        raise RunFolderError(f"{story.folder} holds no levels: nothing was measured on its bench")
    banks, elements = first.levels.shape
    names = [f"bank{k}_element{e}" for k in range(banks) for e in range(elements)]

    def rows() -> Iterator[tuple[Any, ...]]:
        for one in events:
            levels: Any = one.event
            times = _times(one.bench_time, one.wall_time)
            yield *times, levels.step, *(f"{v:.7g}" for v in levels.levels.ravel())

    return write(out / "levels.csv", (*_TIMES, "step", *names), rows())


def export_arrays(story: Story, kind: type[Event], out: Path) -> Path:
    """Write <kind>.npz: each field (events, *its own shape), and `bench_time` and `step` (events,).

    A batch that is smaller than others (the last one of an epoch) is filled up with NaN or 0;
    `samples` (events,) says how many it holds.
    """
    events = history(story.folder, kind)
    names = [name for name, (_, said) in told_of(kind).items() if said.shape]
    room: dict[str, tuple[int, ...]] = {}
    dtypes: dict[str, np.dtype[Any]] = {}
    each: dict[str, list[Any]] = {"bench_time": [], "step": [], "samples": []}
    for one in events:  # once for what they come to, and once more for themselves: there are many
        fields = fields_of(one.event)
        for name in names:
            shape = fields[name].shape
            room[name] = tuple(np.maximum(room.setdefault(name, shape), shape).tolist())
            dtypes.setdefault(name, fields[name].dtype)
        each["bench_time"].append(one.bench_time)
        each["step"].append(fields["step"])
        each["samples"].append(len(fields.get("measured", ())))
    rows = len(each["step"])
    if not rows:
        raise RunFolderError(f"{story.folder} holds no {kind.KIND}")
    if kind is Levels:
        del each["samples"]
    path = out / f"{kind.KIND}.npz"
    try:
        with TemporaryDirectory(dir=out) as aside, ZipFile(path, "x", ZIP_DEFLATED) as archive:
            files = {name: Path(aside) / f"{name}.npy" for name in (*names, *each)}
            large = {n: open_memmap(files[n], "w+", dtypes[n], (rows, *room[n])) for n in names}
            for row, one in zip(range(rows), events, strict=False):
                for name, values in large.items():
                    _fill(values, row, fields_of(one.event)[name])
            for values in large.values():
                values.flush()
            for name, values in each.items():
                np.save(files[name], np.array(values))
            for file in files.values():
                archive.write(file, file.name)
    except OSError as error:
        raise RunFolderError(f"{path} cannot be written: {error.strerror}") from error
    return path


def write(path: Path, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> Path:
    """Write one table.

    Raises
    ------
    RunFolderError
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(head)
            table.writerows(rows)
    except OSError as error:
        raise RunFolderError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _fill(values: NDArray[Any], row: int, one: NDArray[Any]) -> None:
    """Put an array into a row of larger ones, filled up with NaN, or 0 where there is no NaN."""
    values[row] = np.nan if values.dtype.kind == "f" else 0
    values[(row, *(slice(n) for n in one.shape))] = one


def _columns(kind: type[Event], names: list[str]) -> Iterator[tuple[str, str, str]]:
    for name, (unit, meaning) in _TIMES.items():
        yield name, unit, meaning
    told = told_of(kind)
    for name in names:
        yield name, told[name][1].unit, told[name][1].meaning


def _times(bench_time: float, wall_time: float) -> tuple[str, str]:
    return "" if math.isnan(bench_time) else f"{bench_time:.6f}", f"{wall_time:.6f}"


def _event_row(one: Stamped) -> tuple[str, ...]:
    fields = {k: v for k, v in fields_of(one.event).items() if not isinstance(v, np.ndarray)}
    text = str(fields.get("text") or fields.get("why") or "")
    plain = json.dumps(fields, default=str)
    return *_times(one.bench_time, one.wall_time), one.event.KIND, text, plain
