"""A run folder. Its files are described in docs/run-folder.md.

Every file is whole or absent: written aside, synced and renamed. Metrics are appended line by line.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hil.people import login_name, owner

if TYPE_CHECKING:
    from torch import Tensor

CONFIGURATION = "configuration.json"
BENCH = "bench.json"
RECORD = "calibration.json"
METRICS = "metrics.jsonl"
CHECKPOINT = "checkpoint.safetensors"
TWIN = "twin.safetensors"
ANSWERS = "answers.safetensors"
LEDGER = "ledger.json"
SUMMARY = "summary.json"
SNAPSHOT_START = "snapshot-start.json"
SNAPSHOT_END = "snapshot-end.json"


class RunFolderError(ValueError):
    """A run folder that exists already, is missing, or cannot be read or written."""


def check_makable(path: Path) -> None:
    """Refuse a path at which no folder can be made, and make none.

    Raises
    ------
    RunFolderError
    """
    there = next(one for one in path.absolute().parents if one.exists())
    if not there.is_dir():
        raise RunFolderError(
            f"run folder {path} cannot be made: {there} is no folder; name another with --out"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise RunFolderError(
            f"run folder {path} cannot be made: {login_name()} may not write {there}; name "
            "another with --out"
        )


def not_written(path: Path, error: OSError) -> RunFolderError:
    """What to say of a file of a run that could not be written, and what mends it."""
    said = f"{path} cannot be written: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        said += f"; make room there, then go on: python -m hil.train --resume {path.parent}"
    return RunFolderError(said)


class RunFolder:
    """Where one run is kept."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """Make a new folder.

        Raises
        ------
        RunFolderError
            When it exists: a finished run is never written over.
        """
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            raise RunFolderError(
                f"run folder {path} exists; name another with --out, or move it away"
            ) from None
        except OSError as error:
            raise RunFolderError(
                f"run folder {path} cannot be made: {error.strerror}; name another with --out"
            ) from error
        return cls(path)

    @classmethod
    def existing(cls, path: Path, *needed: str) -> RunFolder:
        """A folder that a run left, with these files beside those that it begins with.

        Raises
        ------
        RunFolderError
            When there is none, or it is not a run's.
        """
        if not path.is_dir():
            raise RunFolderError(f"no run folder {path}")
        folder = cls(path)
        for name in (CONFIGURATION, BENCH, RECORD, *needed):
            if not (path / name).is_file():
                raise RunFolderError(f"{path} is no complete run folder: {name} is missing")
        return folder

    def check_writable(self) -> None:
        """Refuse a folder that this user may not write.

        Raises
        ------
        RunFolderError
        """
        here = self.path
        for one in (here, *(entry for entry in here.iterdir() if entry.suffix == ".sqlite")):
            if not os.access(one, os.W_OK):
                raise RunFolderError(
                    f"{login_name()} may not write {one}; go on with it as {owner(one)}, who owns "
                    "it, or in a copy"
                )

    @property
    def record(self) -> Path:
        """The calibration record that the run's twin started from."""
        return self.path / RECORD

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        """Write a table, indented."""
        text = json.dumps(data, indent=2, default=_plain) + "\n"
        self._put(name, text.encode())

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a table.

        Raises
        ------
        RunFolderError
            When it is missing or no JSON.
        """
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{self.path / name} cannot be read: {error}") from error

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Add one line to the metrics, on disk before this returns."""
        try:
            with (self.path / METRICS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, default=_plain) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise not_written(self.path / METRICS, error) from error

    def read_metrics(self) -> list[dict[str, Any]]:
        """The lines of the metrics; of a line that a crash cut short nothing.

        Raises
        ------
        RunFolderError
            When a line before the last is no JSON.
        """
        path = self.path / METRICS
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        rows = []
        for number, line in enumerate(lines, 1):
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                if number < len(lines):
                    raise RunFolderError(f"{path}, line {number}: {error}") from error
        return rows

    def write_metrics(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write all lines of the metrics anew."""
        text = "".join(json.dumps(row, default=_plain) + "\n" for row in rows)
        self._put(METRICS, text.encode())

    def write_tensors(
        self, name: str, tensors: Mapping[str, Tensor], notes: Mapping[str, Any]
    ) -> None:
        """Write tensors with notes in their header (safetensors)."""
        import safetensors.torch  # where a run is only read of, torch is not loaded

        header = {key: json.dumps(value, default=_plain) for key, value in notes.items()}
        contiguous = {key: value.detach().contiguous() for key, value in tensors.items()}
        self._put(name, safetensors.torch.save(contiguous, metadata=header))

    def read_tensors(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and notes of a file.

        Raises
        ------
        RunFolderError
            When it is missing or damaged.
        """
        import safetensors

        path = self.path / name
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                notes = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except (OSError, safetensors.SafetensorError) as error:
            raise RunFolderError(f"{path} cannot be read: {error}") from error
        return tensors, {key: json.loads(value) for key, value in notes.items()}

    def _put(self, name: str, content: bytes) -> None:
        target = self.path / name
        aside = target.with_name(target.name + ".part")
        try:
            with aside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, target)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise not_written(target, error) from error
        except BaseException:
            aside.unlink(missing_ok=True)
            raise


def _plain(value: Any) -> Any:
    """What json cannot write by itself: NaN-free plain numbers, lists, strings."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
