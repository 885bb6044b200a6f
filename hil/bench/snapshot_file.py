"""Snapshots in files: written aside and renamed, and checked when they are read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hil.bench.differing import HEATER, is_setting
from hil.bench.snapshot import SCHEMA, VERSION
from hil.bench.states import BenchError
from hil.bench.waveforms import unpacked

#: Version 2 has no waveforms, and is read like any other. Version 1 keeps what was measured among
#: the settings: it can be looked at, but is neither compared nor put back.
READ, SHOWN = (2, VERSION), (1, 2, VERSION)
#: What each instrument's entry may hold that is read back, and as what.
_TABLES = ("settings", "readings", "identity", "untold", "waveforms")


class SnapshotError(BenchError):
    """A snapshot that cannot be read or written, or is not of the bench at hand."""


def write_snapshot(path: Path, taken: Mapping[str, Any]) -> None:
    """Write a new file, whole or not at all.

    Raises
    ------
    SnapshotError
        Where there is a file already: a snapshot is not written over.
    """
    if path.exists():
        raise SnapshotError(f"{path} exists; name another with --out, or move it away")
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with aside.open("x", encoding="utf-8") as file:
            json.dump(taken, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be written: {error.strerror}; see --out") from error
    finally:
        aside.unlink(missing_ok=True)


def read_snapshot(path: Path, *, to_show: bool = False) -> dict[str, Any]:
    """Read a snapshot: of `python -m hil.snapshot save`, or of a run folder.

    `to_show`: it is only looked at, so that older versions will do.

    Raises
    ------
    SnapshotError
        Naming the file and what is wrong with it.
    """
    try:
        taken = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SnapshotError(f"snapshot {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"snapshot {path} is no JSON: {error}") from error
    if not isinstance(taken, dict) or taken.get("schema") != SCHEMA:
        raise SnapshotError(f"{path} is no snapshot: its schema is not {SCHEMA!r}")
    if taken.get("version") not in (SHOWN if to_show else READ):
        raise SnapshotError(_other_version(path, taken.get("version")))
    instruments = taken.get("instruments")
    if not isinstance(instruments, dict) or not isinstance(taken.get("taken"), str):
        raise SnapshotError(f"snapshot {path} is damaged: no table of instruments, or no time")
    for name, one in instruments.items():
        if not isinstance(one, dict):
            raise SnapshotError(f"snapshot {path} is damaged: {name} is no table")
        for part in _TABLES:
            if not isinstance(one.get(part, {}), dict):
                raise SnapshotError(f"snapshot {path} is damaged: {part} of {name} is no table")
        volts = one.get(HEATER, [])
        if not (isinstance(volts, list) and all(isinstance(v, int | float) for v in volts)):
            raise SnapshotError(f"snapshot {path} is damaged: {HEATER} of {name} are no numbers")
        for setting, value in one.get("settings", {}).items():
            if not is_setting(value):
                raise SnapshotError(
                    f"snapshot {path} is damaged: {setting} of {name} is {value!r}, no setting"
                )
        for channel, entry in one.get("waveforms", {}).items():
            try:
                unpacked(entry)
            except ValueError as error:
                what = f"waveform {channel} of {name}".replace("  ", " ")
                raise SnapshotError(f"snapshot {path} is damaged: {what}: {error}") from None
    return taken


def _other_version(path: Path, version: Any) -> str:
    """Why a file of another version is not read, and what to do."""
    told = f"snapshot {path} is of version {version!r}; this reads {' and '.join(map(str, READ))}"
    if version == 1:
        told += ": `hil.snapshot show` looks at it, and `save` makes a new one"
    return told
