"""The arrays of a run, in HDF5 files that are readable while they grow (SWMR).

A group for each kind of event that has arrays, in it a dataset a field: the first axis counts the
events, the others are the field's own. An event smaller than there is room for (the last batch of
an epoch) leaves the rest at the fill value; its number and the shapes of its fields stand one after
the other in `about`. Datasets grow by some rows at a time: rows at the end whose number is 0 are
not written yet. A run that is resumed begins a new part: what was written before is never touched.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from hil.record.folder import RunFolderError, not_written
from hil.telemetry.event import Event, fields_of, told_of

#: Shape of every array of every kind that is kept, by field.
Room = Mapping[type[Event], Mapping[str, tuple[int, ...]]]
#: Bytes of an event's array from which it is compressed, in a chunk of its own: a compressed chunk
#: that grows is written anew each time, and what it was before is lost space. Others lie as they
#: are, in chunks of about so many bytes, which are written in place.
COMPRESSED, CHUNK = 2**12, 2**13
#: Of zlib: others are much slower, and find little more in what was measured.
EFFORT = 1
#: What fields are kept as; others in single precision.
_KEPT_AS = {"banks": "i4", "clipped": "?", "times": "f8"}
ABOUT = "about"
#: Rows by which datasets grow.
GROWTH = 32


def part_name(part: int) -> str:
    """The file of a part, counted from 1."""
    return f"arrays-{part}.h5"


def parts(folder: Path) -> int:
    """How many parts a run folder holds."""
    count = 0
    while (folder / part_name(count + 1)).exists():
        count += 1
    return count


class ArrayWriter:
    """Writes the arrays of events. `flush` makes them readable, and lasting after kill -9."""

    def __init__(self, folder: Path, part: int, room: Room) -> None:
        """Make the file of a part.

        Raises
        ------
        RunFolderError
        """
        self.path = folder / part_name(part)
        self._room = room
        try:
            self._file = h5py.File(self.path, "x", libver="latest")
            self._sets = {kind: self._make(kind, fields) for kind, fields in room.items()}
            self._file.swmr_mode = True
        except OSError as error:
            raise RunFolderError(f"{self.path}: {error}") from error
        self._rows = dict.fromkeys(room, 0)

    def fits(self, event: Event) -> bool:
        """Whether there is room for the arrays of an event."""
        fields = self._room.get(type(event))
        if fields is None:
            return False
        held = fields_of(event)
        return all(
            held[name].ndim == len(shape)
            and all(n <= most for n, most in zip(held[name].shape, shape, strict=True))
            for name, shape in fields.items()
        )

    def add(self, number: int, event: Event) -> int:
        """Write the arrays of event number `number`, which fit; gives their row.

        Raises
        ------
        RunFolderError
            Where the disk takes no more; by `flush`, too. What was flushed before is whole.
        """
        try:
            return self._add(number, event)
        except (OSError, RuntimeError) as error:
            raise self._failed(error) from error

    def _add(self, number: int, event: Event) -> int:
        kind = type(event)
        sets, row, held = self._sets[kind], self._rows[kind], fields_of(event)
        if row % GROWTH == 0:
            for data in sets.values():
                data.resize(row + GROWTH, axis=0)
        shapes = [number]
        for name, shape in self._room[kind].items():
            data, value = sets[name], held[name]
            _put(data, row, shape, np.ascontiguousarray(value, data.dtype))
            shapes += value.shape
        _put(sets[ABOUT], row, (len(shapes),), np.array(shapes, "i8"))
        self._rows[kind] += 1
        return row

    def flush(self) -> None:
        """Let readers see what was written."""
        try:
            self._file.flush()
        except (OSError, RuntimeError) as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Close the file; may be called again."""
        self._file.close()

    def _failed(self, error: Exception) -> RunFolderError:
        """Leave the file as it is; what to say of it."""
        # HDF5 tries again when it closes, and a process in which that fails crashes at its end
        # (1.14): so what is left goes into memory, and is forgotten.
        if hasattr(os, "memfd_create"):  # Linux
            nowhere = os.memfd_create(self.path.name)
            os.dup2(nowhere, self._file.id.get_vfd_handle())
            os.close(nowhere)
        number = int(found[1]) if (found := re.search(r"errno = (\d+)", str(error))) else 0
        why = OSError(number, os.strerror(number)) if number else OSError(str(error))
        return not_written(self.path, why)

    def _make(self, kind: type[Event], fields: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        group = self._file.create_group(kind.KIND, track_order=True)
        told = told_of(kind)
        sets: dict[str, Any] = {}
        for name, shape in fields.items():
            dtype = np.dtype(_KEPT_AS.get(name, "f4"))
            size = max(int(np.prod(shape)) * dtype.itemsize, 1)
            packed = size >= COMPRESSED
            sets[name] = group.create_dataset(
                name,
                (0, *shape),
                maxshape=(None, *shape),
                chunks=(1 if packed else max(CHUNK // size, 1), *shape),
                dtype=dtype,
                shuffle=packed,
                compression=EFFORT if packed else None,
                fillvalue=np.nan if dtype.kind == "f" else None,
            )
            said = told[name][1]
            sets[name].attrs.update(
                {"meaning": said.meaning, "unit": said.unit, "shape": said.shape}
            )
        columns = 1 + sum(len(shape) for shape in fields.values())
        sets[ABOUT] = group.create_dataset(
            ABOUT, (0, columns), "i8", maxshape=(None, columns), chunks=(CHUNK // columns, columns)
        )
        return sets


def _put(data: Any, row: int, room: tuple[int, ...], value: NDArray[Any]) -> None:
    """Write a value of the dataset's type into a row, which has room for it.

    By the plain calls of HDF5: those that index datasets cost a step more than what they write. A
    chunk that is compressed is compressed here, because zlib lets other threads run meanwhile.
    """
    if data.chunks[0] == 1 and data.compression:
        if value.shape != room:
            whole = np.full(room, data.fillvalue, data.dtype)
            whole[tuple(slice(n) for n in value.shape)] = value
            value = whole
        size = value.dtype.itemsize
        shuffled = value.reshape(-1).view(np.uint8).reshape(-1, size).T.tobytes()
        data.id.write_direct_chunk((row, *[0] * len(room)), zlib.compress(shuffled, EFFORT))
    elif value.size:
        count = (1, *value.shape)
        space = data.id.get_space()
        space.select_hyperslab((row, *[0] * len(room)), count)
        data.id.write(h5py.h5s.create_simple(count), space, value)


class ArrayReader:
    """Reads the arrays of a part while they are written, or after."""

    def __init__(self, folder: Path, part: int) -> None:
        """Open the file.

        Raises
        ------
        RunFolderError
            By other methods, too.
        """
        self.path = folder / part_name(part)
        try:
            self._file = h5py.File(self.path, "r", libver="latest", swmr=True)
        except OSError as error:
            raise RunFolderError(f"{self.path}: {error}") from error

    def read(self, kind: str, row: int, names: Sequence[str] | None = None) -> dict[str, Any]:
        """The arrays (or those of these names) of the event in a row, each of its own shape."""
        try:
            sets = self._sets(kind)
            shapes, begin, found = sets[ABOUT][row], 1, {}
            if shapes[0] == 0:
                raise IndexError("not written yet")
            for name, data in sets.items():
                if name == ABOUT:
                    continue
                axes = data.ndim - 1
                own = shapes[begin : begin + axes]
                begin += axes
                if names is None or name in names:
                    found[name] = data[row][tuple(slice(n) for n in own)]
        except (OSError, KeyError, ValueError, IndexError) as error:
            raise RunFolderError(f"{self.path}: no row {row} of {kind}: {error}") from error
        return found

    def column(self, kind: str, name: str) -> NDArray[Any]:
        """A field of all events of a kind, (events, *shape), short ones filled up."""
        try:
            sets = self._sets(kind)
            return sets[name][: np.count_nonzero(sets[ABOUT][:, 0])]
        except (OSError, KeyError, ValueError) as error:
            raise RunFolderError(f"{self.path}: no {name} of {kind}: {error}") from error

    def close(self) -> None:
        """Close the file; may be called again."""
        self._file.close()

    def _sets(self, kind: str) -> dict[str, Any]:
        group: Any = self._file[kind]
        sets = {name: group[name] for name in group}
        for data in sets.values():
            data.refresh()
        return sets
