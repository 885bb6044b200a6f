"""Finds runs: by path, by the name of their folder, by their id, or the newest.

There is no catalogue beside the folders: each run bears its id in its own record, and the folders
are looked through where runs are kept (docs/decisions/0012-folders-are-the-catalogue.md).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hil.record import folder as files
from hil.record import journal
from hil.record.folder import RunFolderError
from hil.record.journal import Journal
from hil.telemetry.events import RunStarted

#: Where runs are kept, and the environment variable that names further folders of runs.
RUNS, VARIABLE = Path("runs"), "HIL_RUNS"
#: Folders below one that is looked through; digits of an id that are enough to name it.
DEEPEST, FEWEST_DIGITS = 4, 4
NEWEST = "newest"


@dataclass
class Found:
    """Run folders, in order of their paths, and what beside them is none, with the reason."""

    runs: list[Path] = field(default_factory=list)
    others: list[tuple[Path, str]] = field(default_factory=list)


def roots() -> list[Path]:
    """Folders in which runs are kept: `runs`, and those that HIL_RUNS names."""
    named = [Path(one) for one in os.environ.get(VARIABLE, "").split(os.pathsep) if one]
    return [RUNS, *named]


def is_run(path: Path) -> bool:
    """Whether a folder holds a run, whole or not."""
    return any((path / name).is_file() for name in (journal.NAME, files.CONFIGURATION))


def look_through(places: Sequence[Path]) -> Found:
    """All runs in some folders, which may be runs themselves. What cannot be read is named."""
    found, seen = Found(), set[Path]()
    for place in places:
        for path, why in _walk(place, 0, seen):
            if why:
                found.others.append((path, why))
            else:
                found.runs.append(path)
    return found


def find_run(asked: str | Path, places: Sequence[Path] | None = None) -> Path:
    """The folder of a run.

    Parameters
    ----------
    asked : a path; or, of the runs in `places` (default: `roots()`), a folder's name, the first
        digits of an id, or `newest`: the one that began last.

    Raises
    ------
    RunFolderError
        Where there is none, or more than one.
    """
    text = str(asked)
    if text and is_run(Path(text)):
        return Path(text)
    places = roots() if places is None else places
    where = ", ".join(str(place) for place in places)
    runs = look_through(places).runs
    if text == NEWEST:
        began = {path: begun(path) for path in runs}
        if not any(began.values()):
            raise RunFolderError(
                f"no run under {where}; give its folder, or name where runs are kept in {VARIABLE}"
            )
        return max(runs, key=lambda path: began[path])
    fits = [path for path in runs if path.name == text]
    if not fits and len(text) >= FEWEST_DIGITS:
        fits = [path for path in runs if id_of(path).startswith(text.lower())]
    if len(fits) > 1:
        raise RunFolderError(f"{text!r} is not one run but {', '.join(str(one) for one in fits)}")
    if fits:
        return fits[0]
    if text and Path(text).is_dir():
        raise RunFolderError(f"{text} is no run folder: it has no {journal.NAME}")
    raise RunFolderError(
        f"no run {text!r}: no run folder of that path, nor a name or the first {FEWEST_DIGITS} or "
        f"more digits of an id of a run under {where} (python -m hil.runs list)"
    )


def id_of(path: Path) -> str:
    """The id of a run, empty where its record cannot be read."""
    try:
        found = Journal(path)
    except RunFolderError:
        return ""
    try:
        return found.about.get("run", "")
    finally:
        found.close()


def begun(path: Path) -> float:
    """When a run began, s since 1970; 0 where it did not, or its record cannot be read."""
    try:
        found = Journal(path)
    except RunFolderError:
        return 0.0
    try:
        first = next(iter(found.after(0, most=1, kinds=[RunStarted.KIND])), None)
        return 0.0 if first is None else first.wall_time
    except RunFolderError:
        return 0.0
    finally:
        found.close()


def _walk(path: Path, depth: int, seen: set[Path]) -> Iterator[tuple[Path, str]]:
    """Runs (with no reason), and folders that hold none, with the reason."""
    try:
        real = path.resolve()
        if real in seen:
            return
        seen.add(real)
        if is_run(path):
            yield path, ""
            return
        below = sorted(one for one in path.iterdir() if one.is_dir() and one.name[0] != ".")
    except OSError as error:
        if depth or not isinstance(error, FileNotFoundError):
            yield path, error.strerror or str(error)
        return
    if depth and not below:
        yield path, f"no run: it has no {journal.NAME}"
    elif depth == DEEPEST:
        yield path, f"more than {DEEPEST} folders deep: not looked through"
    else:
        for one in below:
            yield from _walk(one, depth + 1, seen)
