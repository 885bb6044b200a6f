"""Keeps what a run tells: the outlet of its bus that loses nothing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from hil.record.arrays import ArrayWriter, Room, parts
from hil.record.folder import RunFolderError
from hil.record.holding import Hold
from hil.record.journal import Entry, Journal
from hil.telemetry.bus import Bus, Outlet
from hil.telemetry.coding import as_json, pack
from hil.telemetry.commands import CommandDesk
from hil.telemetry.event import Event, Stamped

logger = logging.getLogger(__name__)

#: Events that may wait for the disk before a run waits for it.
QUEUE = 200
#: s, between two looks for commands; that closing waits for the disk.
LOOK, PATIENCE = 0.2, 60.0


class Recorder:
    """Writes all that is published on a bus into a run folder, and brings its commands to the desk.

    room : of the arrays; kinds that are not in it are kept in the journal. keep : whether
    an event is kept at all.
    """

    def __init__(
        self,
        folder: Path,
        bus: Bus,
        desk: CommandDesk,
        room: Room,
        keep: Callable[[Event], bool] = lambda event: True,
    ) -> None:
        """Begin the record, or a new part of it.

        Raises
        ------
        RunFolderError
        """
        self._hold = Hold(folder)
        try:
            self._part = parts(folder) + 1
            self._journal = Journal(folder, mode="create")
            self._arrays = ArrayWriter(folder, self._part, room)
        except BaseException:
            self._hold.release()
            raise
        self._keep = keep
        self._bus = bus
        self._outlet = bus.add(Outlet("record", self._take, size=QUEUE, lossy=False))
        self._inbox = _Inbox(folder, desk)

    def close(self) -> None:
        """Write what waits, and close the files; may be called again.

        Raises
        ------
        OutletFailed
            Where something could not be kept.
        """
        self._inbox.stop()
        if self._outlet in self._bus.outlets:
            self._bus.remove(self._outlet)
        whole = self._outlet.close(PATIENCE)
        self._arrays.close()
        self._journal.finish()
        self._hold.release()
        self._outlet.check()
        if not whole:
            raise RunFolderError(
                f"{self._journal.path}: {self._outlet.waiting} events could not be written within "
                f"{PATIENCE:g} s"
            )

    def _take(self, events: Sequence[Stamped]) -> None:
        entries = [self._entry(one) for one in events if self._keep(one.event)]
        # Arrays first: a row that the journal names is there.
        self._arrays.flush()
        self._journal.add(entries)

    def _entry(self, stamped: Stamped) -> Entry:
        event = stamped.event
        part = row = arrays = None
        if event.ARRAYS:
            if self._arrays.fits(event):
                part, row = self._part, self._arrays.add(stamped.number, event)
            else:
                arrays = pack([stamped])
        return Entry(
            0,
            stamped.number,
            stamped.bench_time,
            stamped.wall_time,
            event.KIND,
            as_json(event),
            part,
            row,
            arrays,
        )


class _Inbox:
    """Looks for commands in a journal, in a thread of its own."""

    def __init__(self, folder: Path, desk: CommandDesk) -> None:
        self._journal = Journal(folder, mode="write")
        self._desk = desk
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="commands", daemon=True)
        self._last = max((rowid for rowid, _ in self._journal.commands(0)), default=0)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()
        self._journal.close()

    def _run(self) -> None:
        failed = False
        while not self._ended.wait(LOOK):
            try:
                for rowid, command in self._journal.commands(self._last):
                    self._last = rowid
                    self._desk.give(command)
                failed = False
            except RunFolderError as error:
                if not failed:
                    logger.warning("commands of this run cannot be read: %s", error)
                failed = True
