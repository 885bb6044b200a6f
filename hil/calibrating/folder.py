"""Where a calibration is kept: `record.json`, and under `raw/` one HDF5 file a step.

While a step runs, each finished sweep is a file of its own (`raw/STEP/KEY.h5`), written aside,
synced and renamed: whatever kills the program, every sweep that was finished can be read, and the
step goes on from there. When the step has ended its sweeps become one file.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from calibration.record_reading import read_record
from hil.calibrating.errors import CalibrationError

Array = NDArray[Any]

RECORD = "record.json"
RAW = "raw"
#: Where calibrations are kept by default, in a folder for each bench.
ROOT = Path("calibrations")
#: Attribute of a kept sweep: bench time at which it was finished, s.
_TIME = "bench_time"
_KEY = re.compile(r"^[A-Za-z0-9._-]+$")


class CalibrationFolder:
    """One calibration's folder; it exists."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def record(self) -> Path:
        """The calibration record."""
        return self.path / RECORD

    @classmethod
    def create(cls, bench: str, out: Path | None, *, sweeps: bool = True) -> CalibrationFolder:
        """Make a new folder: `out`, or one named by the time under `calibrations/BENCH`.

        `sweeps`: whether sweeps will be kept in it, which a step can go on from.

        Raises
        ------
        CalibrationError
            When it exists, or cannot be made.
        """
        path = out or _named_by_the_time(ROOT / bench)
        try:
            path.mkdir(parents=True)
            if sweeps:
                (path / RAW).mkdir()
        except FileExistsError:
            mend = f"go on with it by --resume {path}, or " if sweeps else ""
            raise CalibrationError(
                f"calibration folder {path} exists; {mend}name another with --out"
            ) from None
        except OSError as error:
            raise CalibrationError(
                f"calibration folder {path} cannot be made: {error.strerror}"
            ) from error
        return cls(path)

    @classmethod
    def existing(cls, path: Path) -> CalibrationFolder:
        """A folder that a calibration left.

        Raises
        ------
        CalibrationError
        """
        if not (path / RAW).is_dir():
            raise CalibrationError(f"{path} is no calibration folder: it has no {RAW}/")
        return cls(path)

    def discard(self) -> None:
        """Take away a folder in which nothing was kept: one with anything in it stays."""
        for folder in (self.path / RAW, self.path):
            with suppress(OSError):
                folder.rmdir()

    def kept(self, step: str, key: str) -> dict[str, Array] | None:
        """Arrays of a finished sweep of a step under way, or None."""
        path = self._sweep(step, key)
        return read_arrays(path) if path.is_file() else None

    def keep(self, step: str, key: str, arrays: Mapping[str, Array], time: float) -> None:
        """Keep a sweep that was finished at bench time `time`, s; on disk before this returns."""
        path = self._sweep(step, key)
        path.parent.mkdir(exist_ok=True)
        _write(path, {"": arrays}, {_TIME: time})

    def forget_since(self, step: str, time: float) -> None:
        """Take away the sweeps of a step under way that were finished at bench time `time`, s, or
        later: since then the light, or the chips' temperature, may have been another.
        """
        for path in (self.path / RAW / step).glob("*.h5"):
            with h5py.File(path, "r") as file:
                late = float(np.asarray(file.attrs[_TIME])) >= time
            if late:
                path.unlink()

    def last_kept(self) -> tuple[float, float] | None:
        """When the last sweep of a step under way was finished: bench time, s, and wall time.

        None where there is no such sweep.
        """
        found = []
        for path in (self.path / RAW).glob("*/*.h5"):
            try:
                with h5py.File(path, "r") as file:
                    found.append((float(np.asarray(file.attrs[_TIME])), path.stat().st_mtime))
            except (OSError, KeyError) as error:
                raise CalibrationError(f"{path} cannot be read: {error}") from error
        return max(found, default=None)

    def finish(self, step: str, arrays: Mapping[str, Array]) -> None:
        """A step has ended: its sweeps and what it found go into one file, `raw/STEP.h5`."""
        folder = self.path / RAW / step
        groups: dict[str, Mapping[str, Array]] = {"found": arrays}
        if folder.is_dir():
            for path in sorted(folder.glob("*.h5")):
                groups[path.stem] = read_arrays(path)
        _write(self.path / RAW / f"{step}.h5", groups)
        shutil.rmtree(folder, ignore_errors=True)

    def raw(self, step: str) -> dict[str, dict[str, Array]]:
        """Arrays of an ended step by group; empty where there are none."""
        path = self.path / RAW / f"{step}.h5"
        if not path.is_file():
            return {}
        try:
            with h5py.File(path, "r") as file:
                return {name: _arrays(group) for name, group in file.items()}
        except OSError as error:
            raise CalibrationError(f"{path} cannot be read: {error}") from error

    def _sweep(self, step: str, key: str) -> Path:
        if not _KEY.match(step) or not _KEY.match(key):
            raise ValueError(f"{step!r}, {key!r}: a name of a step or sweep is a word")
        return self.path / RAW / step / f"{key}.h5"


def _named_by_the_time(root: Path) -> Path:
    """A folder that is not there yet; a later one's name sorts later."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    names = [stamp, *(f"{stamp}-{number}" for number in range(2, 10))]
    return next((root / name for name in names if not (root / name).exists()), root / stamp)


def read_arrays(path: Path) -> dict[str, Array]:
    """Arrays at the top of an HDF5 file.

    Raises
    ------
    CalibrationError
        When it cannot be read.
    """
    try:
        with h5py.File(path, "r") as file:
            return _arrays(file)
    except OSError as error:
        raise CalibrationError(f"{path} cannot be read: {error}") from error


def _arrays(group: h5py.Group) -> dict[str, Array]:
    return {
        name: np.asarray(held[()]) for name, held in group.items() if isinstance(held, h5py.Dataset)
    }


def _write(
    path: Path,
    groups: Mapping[str, Mapping[str, Array]],
    attributes: Mapping[str, float] | None = None,
) -> None:
    """Write groups of arrays whole or not at all; the group "" is the top."""
    aside = path.with_name(path.name + ".part")
    try:
        with h5py.File(aside, "w") as file:
            file.attrs.update(attributes or {})
            for name, arrays in groups.items():
                group = file.require_group(name) if name else file
                for key, array in arrays.items():
                    group.create_dataset(key, data=np.asarray(array), compression=_packed(array))
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _packed(array: Array) -> str | None:
    """Compression of a dataset: none of a single number, which has no chunks."""
    return "gzip" if np.asarray(array).ndim else None


def newest_record(bench: str, root: Path = ROOT, *, asked: str = "") -> Path:
    """The newest record of a bench under `root` whose calibration went to its end.

    asked : the words by which the operator named the bench, its file and backend: those that make
    a record. Empty where only its name is known.

    Raises
    ------
    CalibrationError
        When there is none.
    """
    asked = asked or bench
    found = sorted((root / bench).glob(f"*/{RECORD}"), reverse=True)
    for path in found:
        if read_record(path).raw.get("complete") is not False:
            return path
    if found:
        raise CalibrationError(
            f"no calibration of bench {bench} under {root / bench} has come to its end; go on with "
            f"the last: `python -m hil.calibrate run {asked} --resume {found[0].parent}`"
        )
    raise CalibrationError(
        f"bench {bench} has no calibration under {root / bench}; make one with "
        f"`python -m hil.calibrate run {asked}`, or name a record"
    )
