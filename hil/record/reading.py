"""Reads the events of a run from its folder, while it goes on or after."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from hil.people import login_name
from hil.record.arrays import ArrayReader
from hil.record.folder import RunFolderError
from hil.record.journal import Entry, Journal
from hil.telemetry.coding import CodingError, as_json, from_fields, unpack
from hil.telemetry.commands import Command, Verb
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import Noted
from hil.telemetry.source import SourceError

#: s, that a command laid before a run is valid.
VALID = 30.0


class RunReader:
    """A run as a source of events (`hil.telemetry.source.Source`), from its folder.

    kinds : to read; all, where it is empty. Events that cannot be read (another version's, damaged
    ones) are left out and counted.

    Attributes
    ----------
    unreadable : events that were left out. position : id of the event that was read last.
    """

    def __init__(self, folder: Path, kinds: tuple[type[Event], ...] = ()) -> None:
        """Open the record of a run folder.

        Raises
        ------
        RunFolderError
            Where there is none.
        """
        self.folder = folder
        self.position = 0
        self.unreadable = 0
        self._kinds = tuple(kind.KIND for kind in kinds)
        self._journal = Journal(folder)
        self._arrays: dict[int, ArrayReader] = {}

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def length(self) -> int:
        """Id of the newest event: where `position` will be when all was read."""
        return self._journal.last_id()

    def poll(self, most: int = 500) -> list[Stamped]:
        """Events after `position`, in order, `most` at most; empty where there is nothing new."""
        entries = self._journal.after(self.position, most=most, kinds=self._kinds)
        if entries:
            self.position = entries[-1].id
        return self._readable(entries)

    def these(self, ids: Sequence[int]) -> list[Stamped]:
        """Events of these ids, some hundreds at most; `position` stays."""
        return self._readable(self._journal.these(ids))

    def __iter__(self) -> Iterator[Stamped]:
        """All events from `position` on."""
        while events := self.poll():
            yield from events

    def command(self, verb: Verb) -> str:
        """Lay a command before the run; gives its id. Who may write the folder may command.

        Raises
        ------
        SourceError
        """
        now = time.time()
        command = Command(uuid.uuid4().hex, str(verb), login_name(), now + VALID)
        try:
            journal = Journal(self.folder, mode="write")
            try:
                journal.ask(command)
            finally:
                journal.close()
        except RunFolderError as error:
            raise SourceError(f"{error}: who may not write the folder may not command") from error
        return command.id

    def note(self, text: str) -> None:
        """Write something down in the record.

        Raises
        ------
        SourceError
        """
        try:
            add_note(self.folder, text)
        except RunFolderError as error:
            raise SourceError(str(error)) from error

    def close(self) -> None:
        """Close all files."""
        self._journal.close()
        for one in self._arrays.values():
            one.close()

    def _readable(self, entries: Sequence[Entry]) -> list[Stamped]:
        found = []
        for entry in entries:
            try:
                found.append(self._stamped(entry))
            except (CodingError, RunFolderError, ValueError):
                self.unreadable += 1
        return found

    def _stamped(self, entry: Entry) -> Stamped:
        if entry.arrays is not None:
            (packed,) = unpack(entry.arrays)
            event: Event = packed.event
        else:
            fields = json.loads(entry.fields)
            if entry.part is not None and entry.row is not None:
                if entry.part not in self._arrays:
                    self._arrays[entry.part] = ArrayReader(self.folder, entry.part)
                fields.update(self._arrays[entry.part].read(entry.kind, entry.row))
            event = from_fields(entry.kind, fields)
        return Stamped(entry.number, entry.bench_time, entry.wall_time, event)


def add_note(folder: Path, text: str, author: str | None = None) -> None:
    """Write a note into the record of a run, whether it goes on or is over.

    Raises
    ------
    RunFolderError
        Where there is no record, or it may not be written.
    """
    note = Noted(text=text, author=author or login_name())
    journal = Journal(folder, mode="write")
    try:
        bench_time = journal.last_bench_time()
        journal.add(
            [
                Entry(
                    0,
                    0,
                    float("nan") if bench_time is None else bench_time,
                    time.time(),
                    note.KIND,
                    as_json(note),
                )
            ]
        )
    finally:
        journal.close()


def all_events(folder: Path, *kinds: type[Event]) -> Sequence[Stamped]:
    """All events of these kinds (or of all) of a run, in order; raises as `RunReader`."""
    reader = RunReader(folder, kinds)
    try:
        return list(reader)
    finally:
        reader.close()
