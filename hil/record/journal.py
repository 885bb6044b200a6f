"""The journal of a run: its events in order, in one SQLite file that is readable while it grows.

SQLite in WAL mode: several processes read and write at once (the run its events, an operator notes
and commands), and what was committed outlives kill -9. Not for network file systems, where WAL does
not work. Arrays stand in `arrays-*.h5` where there is room for them, else beside the fields.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hil.people import owner
from hil.record.folder import RunFolderError
from hil.telemetry.commands import Command
from hil.telemetry.events import describe

NAME = "events.sqlite"
VERSION = 1
#: s, that a writer waits for another.
PATIENCE = 10.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    number INTEGER NOT NULL,
    bench_time REAL,
    wall_time REAL NOT NULL,
    kind TEXT NOT NULL,
    fields TEXT NOT NULL,
    part INTEGER,
    row INTEGER,
    arrays BLOB
);
CREATE INDEX IF NOT EXISTS events_by_kind ON events (kind, id);
CREATE TABLE IF NOT EXISTS commands (
    id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    verb TEXT NOT NULL,
    expires REAL NOT NULL,
    asked REAL NOT NULL,
    PRIMARY KEY (issuer, id)
);
"""


#: Errors of SQLite for want of the right, or of a place, to write.
_NO_PLACE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


def _code(error: sqlite3.Error) -> int:
    """The primary code of an error, which has finer ones above it; 0 of none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _connect(path: Path, options: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        timeout=PATIENCE,
        check_same_thread=False,
        isolation_level=None,
    )


def _begin(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(_SCHEMA)
    about = {
        "schema": "hil-run-events",
        "version": str(VERSION),
        "events": json.dumps(describe()),
        "host": socket.gethostname(),
    }
    db.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", about.items())
    # What a run is known by, wherever its folder goes and however often it is gone on with.
    db.execute("INSERT OR IGNORE INTO about VALUES ('run', ?)", (uuid.uuid4().hex,))


@dataclass(frozen=True)
class Entry:
    """One event as it stands in the journal.

    id : in the order of entry; number : of the run's bus, 0 of a note from outside. fields : JSON.
    part, row : where its arrays stand: file of the part, row in the group of its kind; arrays :
    packed, where they do not stand there.
    """

    id: int
    number: int
    bench_time: float
    wall_time: float
    kind: str
    fields: str
    part: int | None = None
    row: int | None = None
    arrays: bytes | None = None


class Journal:
    """A run's journal. Use by one thread at a time.

    Raises
    ------
    RunFolderError
        By every method, where the file cannot be read or written: says which, and why.
    """

    def __init__(self, folder: Path, *, mode: str = "read") -> None:
        """Open the journal of a run folder. mode : `create` (or go on with), `write` or `read`."""
        self.path = folder / NAME
        self._copy: TemporaryDirectory[str] | None = None
        if mode != "create" and not self.path.is_file():
            raise RunFolderError(f"{folder} has no {NAME}: it is no run folder, or an old one")
        try:
            new = mode == "create" and not self.path.exists()
            if new:
                self._make()
            self._db = self._connect("ro" if mode == "read" else "rw")
            if mode == "create":
                if not new:  # it is gone on with
                    _begin(self._db)
                self._db.execute("PRAGMA synchronous = NORMAL")
            self._about = dict(self._db.execute("SELECT key, value FROM about"))
        except OSError as error:
            raise RunFolderError(f"{self.path} cannot be made: {error.strerror}") from error
        except sqlite3.Error as error:
            raise self._failed(error) from error
        if int(self._about.get("version", "0")) != VERSION:
            raise RunFolderError(
                f"{self.path} is of version {self._about.get('version')}, this program reads "
                f"{VERSION}"
            )

    def _make(self) -> None:
        """Make the file aside, and give it its name when it is whole: somebody may wait for it."""
        aside = self.path.with_name(f"{NAME}.part")
        aside.unlink(missing_ok=True)
        with closing(_connect(aside, "mode=rwc")) as db:
            _begin(db)
        os.replace(aside, self.path)

    def _connect(self, how: str) -> sqlite3.Connection:
        if how != "ro":
            return _connect(self.path, f"mode={how}")
        try:
            db = _connect(self.path, "mode=ro")
        except sqlite3.OperationalError as error:
            if _code(error) not in _NO_PLACE:
                raise
            return self._without_index()
        try:
            db.execute("SELECT 1 FROM about LIMIT 1")
        except sqlite3.OperationalError as error:
            db.close()
            if _code(error) not in _NO_PLACE:
                raise
            return self._without_index()
        return db

    def _without_index(self) -> sqlite3.Connection:
        """Where nothing can be written WAL has no place for its index; nobody writes there."""
        log = self.path.with_name(f"{NAME}-wal")
        if not (log.exists() and log.stat().st_size):
            return _connect(self.path, "mode=ro&immutable=1")
        # A run that was killed: the newest is in the log alone, which is read with a file beside.
        self._copy = TemporaryDirectory(prefix="hil-journal-")
        for one in (self.path, log):
            shutil.copyfile(one, Path(self._copy.name) / one.name)
        return _connect(Path(self._copy.name) / NAME, "mode=rw")

    @property
    def about(self) -> Mapping[str, str]:
        """What the record is: `schema`, `version`, `events` (`describe()` as JSON), `run` (its id,
        32 hexadecimal digits), `host` (where it was written last).
        """
        return self._about

    def add(self, entries: Sequence[Entry]) -> None:
        """Add events, all or none; their ids are given here, whatever they had."""
        rows = [
            (e.number, e.bench_time, e.wall_time, e.kind, e.fields, e.part, e.row, e.arrays)
            for e in entries
        ]
        insert = (
            "INSERT INTO events (number, bench_time, wall_time, kind, fields, part, row, arrays) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(insert, rows)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def after(
        self, last: int, *, most: int = 500, kinds: Sequence[str] = (), until: int | None = None
    ) -> list[Entry]:
        """Events whose id is above `last` (and at most `until`), in order, `most` at most."""
        where, values = "id > ?", [last, *kinds]
        if kinds:
            where += f" AND kind IN ({', '.join('?' * len(kinds))})"
        if until is not None:
            where += " AND id <= ?"
            values.append(until)
        return self._entries(f"WHERE {where} ORDER BY id LIMIT ?", (*values, most))

    def ids(self, kinds: Sequence[str] = ()) -> list[int]:
        """Ids of the events of these kinds (of none: of all), in order."""
        where = f"WHERE kind IN ({', '.join('?' * len(kinds))}) " if kinds else ""
        return [row[0] for row in self._ask(f"SELECT id FROM events {where}ORDER BY id", (*kinds,))]

    def these(self, ids: Sequence[int]) -> list[Entry]:
        """Events of these ids, in order; some hundreds at once."""
        return self._entries(f"WHERE id IN ({', '.join('?' * len(ids))}) ORDER BY id", (*ids,))

    def last_of(self, *kinds: str) -> Entry | None:
        """The newest event of these kinds (of none: of all) that the run itself told."""
        where = f"AND kind IN ({', '.join('?' * len(kinds))}) " if kinds else ""
        found = self._entries(f"WHERE number > 0 {where}ORDER BY id DESC LIMIT 1", kinds)
        return found[0] if found else None

    def last_id(self) -> int:
        """The id of the newest event, 0 of none."""
        return self._ask("SELECT coalesce(max(id), 0) FROM events", ())[0][0]

    def last_bench_time(self) -> float | None:
        """Bench time of the newest event that has one, s."""
        rows = self._ask(
            "SELECT bench_time FROM events WHERE bench_time IS NOT NULL ORDER BY id DESC LIMIT 1",
            (),
        )
        return rows[0][0] if rows else None

    def ask(self, command: Command) -> None:
        """Lay a command before the run."""
        row = (command.id, command.issuer, command.verb, command.expires, time.time())
        try:
            self._db.execute("INSERT INTO commands VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def commands(self, last: int) -> list[tuple[int, Command]]:
        """Commands whose rowid is above `last`, each with its own."""
        rows = self._ask(
            "SELECT rowid, id, verb, issuer, expires FROM commands WHERE rowid > ? ORDER BY rowid",
            (last,),
        )
        return [(rowid, Command(*rest)) for rowid, *rest in rows]

    def finish(self) -> None:
        """Close the file of a run that is over: one file then, readable on any medium.

        Where others read it just now it stays as it is, which does no harm.
        """
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA busy_timeout = 0")
            self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.close()

    def close(self) -> None:
        """Close the file; may be called again."""
        self._db.close()
        if self._copy is not None:
            self._copy.cleanup()

    def _entries(self, which: str, values: tuple[Any, ...]) -> list[Entry]:
        columns = "id, number, bench_time, wall_time, kind, fields, part, row, arrays"
        rows = self._ask(f"SELECT {columns} FROM events {which}", values)
        nan = float("nan")
        return [Entry(i, n, nan if b is None else b, *rest) for i, n, b, *rest in rows]

    def _ask(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: sqlite3.Error) -> RunFolderError:
        said = f"{self.path}: {error}"
        code = _code(error)
        if code == sqlite3.SQLITE_FULL:
            said += (
                f"; make room there, then go on: python -m hil.train --resume {self.path.parent}"
            )
        elif code in _NO_PLACE and self.path.exists():
            said += f"; write it as {owner(self.path)}, who owns it, or in a copy of the folder"
        elif not isinstance(error, sqlite3.OperationalError):  # not locked: damaged
            said += "; put a copy of the file in its place, or what `sqlite3 FILE .recover` saves"
        return RunFolderError(said)
