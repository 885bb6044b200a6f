"""A run's record holds what was told, in order: while it is written, and after kill -9."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hil
from hil.bench.file import from_document
from hil.record.arrays import ArrayReader
from hil.record.finding import id_of
from hil.record.folder import RunFolderError
from hil.record.holding import is_held
from hil.record.journal import Entry, Journal
from hil.record.reading import RunReader, add_note, all_events
from hil.record.recorder import Recorder
from hil.telemetry.bus import Bus, Outlet, OutletFailed
from hil.telemetry.commands import CommandDesk, Verb
from hil.telemetry.event import Event, Stamped, fields_of
from hil.telemetry.events import CommandAnswered, Levels, Noted, RunEnded, Slots, StateChanged, Step
from hil.telemetry.source import SourceError
from tests.hil.twin.plants import document

OPTIONS: dict[str, Any] = {"epochs": 2, "n_steps": 3, "batch": 64}


def _bench() -> hil.Bench:
    return hil.open(from_document(document(4, 2), source="tiny"), path="slot")


def _same(one: Any, other: Any) -> bool:
    if not isinstance(one, np.ndarray):
        return one == other
    if one.dtype.kind == "f":
        return one.shape == other.shape and np.allclose(one, other, rtol=1e-6, atol=1e-6)
    return np.array_equal(one, other)


def _levels(step: int, size: int = 4) -> Levels:
    return Levels(step=step, levels=np.full((2, size), float(step)))


ROOM = {Levels: {"levels": (2, 4)}}


def test_a_record_is_what_was_told(tmp_path: Path) -> None:
    heard: list[Stamped] = []
    with _bench() as bench:
        bench.core.bus.add(Outlet("test", heard.extend, size=10_000, lossy=False))
        hil.train(bench, "spirals", out=tmp_path / "run", **OPTIONS)
    kept = all_events(tmp_path / "run")
    assert [(k.number, k.bench_time, k.wall_time) for k in kept] == [
        (h.number, h.bench_time, h.wall_time) for h in heard
    ]
    for k, h in zip(kept, heard, strict=True):
        assert type(k.event) is type(h.event)
        for name, value in fields_of(h.event).items():
            assert _same(value, fields_of(k.event)[name]), (h.event.KIND, name)
    # The last batch of an epoch is smaller than there is room for.
    assert len({e.event.sent.shape for e in kept if isinstance(e.event, Slots)}) == 2
    assert isinstance(kept[-1].event, StateChanged)  # the way to off is in it
    assert kept[-1].event.state == "off"


def test_traces_are_kept_of_every_so_many_steps(tmp_path: Path) -> None:
    with _bench() as bench:
        hil.train(bench, "spirals", out=tmp_path / "some", traces=4, **OPTIONS)
        hil.train(bench, "spirals", out=tmp_path / "none", traces=0, **OPTIONS)
    steps = [e.event.step for e in all_events(tmp_path / "some", Step)]  # type: ignore[attr-defined]
    kept = [e.event.step for e in all_events(tmp_path / "some", Slots)]  # type: ignore[attr-defined]
    assert kept == [step for step in steps if step % 4 == 0]
    assert not all_events(tmp_path / "none", Slots)
    assert len(all_events(tmp_path / "none", Levels)) == len(steps)
    # Two runs of one bench: each record has its own alone.
    assert len(all_events(tmp_path / "some", RunEnded)) == 1
    assert len(all_events(tmp_path / "none", RunEnded)) == 1


def test_a_record_is_read_while_it_grows(tmp_path: Path) -> None:
    bus = Bus()
    recorder = Recorder(tmp_path, bus, CommandDesk(bus), ROOM)
    reader = RunReader(tmp_path)
    seen: list[int] = []
    for step in range(1, 400):
        bus.publish(_levels(step))
        if step % 50 == 0:
            seen += [e.event.step for e in reader.poll()]  # type: ignore[attr-defined]
    recorder.close()
    seen += [e.event.step for e in reader]  # type: ignore[attr-defined]
    assert seen == list(range(1, 400))
    assert reader.unreadable == 0
    reader.close()


def test_arrays_without_room_are_kept_all_the_same(tmp_path: Path) -> None:
    bus = Bus()
    recorder = Recorder(tmp_path, bus, CommandDesk(bus), ROOM)
    bus.publish(_levels(1))
    bus.publish(_levels(2, size=9))
    bus.publish(_levels(3, size=3))
    recorder.close()
    kept = [e.event for e in all_events(tmp_path)]
    assert [e.levels.shape for e in kept if isinstance(e, Levels)] == [(2, 4), (2, 9), (2, 3)]
    reader = ArrayReader(tmp_path, 1)
    column = reader.column("levels", "levels")
    reader.close()
    np.testing.assert_array_equal(column[0], np.ones((2, 4)))
    assert np.isnan(column[1, 0, 3])


_RUN = """
import sys, hil
from hil.learn.api import Quiet
class Told(Quiet):
    def step(self, report):
        print(report.number, flush=True)
with hil.open("relax-mzi-8", path="slot") as bench:
    hil.train(bench, "spirals", out=sys.argv[1], epochs=500, n_steps=3, watcher=Told())
"""


def test_what_was_measured_outlives_kill_9(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, str(folder)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(12)]
        os.kill(process.pid, signal.SIGKILL)
    kept = all_events(folder)
    steps = [e.event.step for e in kept if isinstance(e.event, Step)]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) >= told[-1] - 1  # one step is lost at most
    slots = [e.event for e in kept if isinstance(e.event, Slots)]
    assert abs(len(slots) - len(steps)) <= 1
    assert all(np.isfinite(s.measured).all() and s.measured.any() for s in slots)
    reader = RunReader(folder)
    list(reader)
    assert reader.unreadable == 0
    reader.close()
    add_note(folder, "it was killed")
    assert all_events(folder)[-1].event.text == "it was killed"  # type: ignore[attr-defined]


def test_notes_and_commands_come_by_the_folder(tmp_path: Path) -> None:
    bus = Bus()
    desk = CommandDesk(bus)
    answered = threading.Event()
    bus.add(Outlet("test", lambda events: answered.set(), kinds=(CommandAnswered,)))
    recorder = Recorder(tmp_path, bus, desk, ROOM)
    bus.publish(_levels(1))
    reader = RunReader(tmp_path)
    reader.note("fibre re-aligned")
    asked = reader.command(Verb.PAUSE)
    assert answered.wait(30.0)
    assert desk.paused
    recorder.close()
    events = [e.event for e in reader]
    assert "fibre re-aligned" in [e.text for e in events if isinstance(e, Noted)]
    answers = [e for e in events if e.KIND == "command"]
    assert [(e.id, e.accepted) for e in answers] == [(asked, True)]  # type: ignore[attr-defined]
    reader.close()
    # A later part of the same run does not obey what was asked of an earlier one.
    later = CommandDesk(bus)
    Recorder(tmp_path, bus, later, ROOM).close()
    assert not later.paused


def test_a_disk_that_fails_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Journal, entries: Sequence[Entry]) -> None:
        raise RunFolderError("events.sqlite: database or disk is full")

    with _bench() as bench:
        monkeypatch.setattr(Journal, "add", full)
        with pytest.raises(OutletFailed, match="disk is full"):
            hil.train(bench, "spirals", out=tmp_path / "run", **OPTIONS)


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from hil.record.arrays import ArrayReader, ArrayWriter
from hil.record.folder import RunFolderError
from hil.telemetry.events import Levels

folder, size = Path(sys.argv[1]), (2, 4000)
writer = ArrayWriter(folder, 1, {Levels: {"levels": size}})
rng, kept = np.random.default_rng(0), 0
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, -1))
try:
    while kept < 100:
        writer.add(kept + 1, Levels(step=kept + 1, levels=rng.random(size)))
        writer.flush()
        kept += 1
except RunFolderError as error:
    print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
writer.close()
print(kept, len(ArrayReader(folder, 1).column("levels", "levels")) >= kept)
"""


def test_arrays_that_a_disk_takes_no_more_of_end_nothing_else(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr  # HDF5 crashed at the end of such a process
    said, kept = done.stdout.splitlines()
    assert said == f"{tmp_path}/arrays-1.h5 cannot be written: File too large"
    assert kept.endswith("True")
    assert int(kept.split()[0]) > 0


def test_what_cannot_be_read_is_counted_and_left_out(tmp_path: Path) -> None:
    bus = Bus()
    recorder = Recorder(tmp_path, bus, CommandDesk(bus), ROOM)
    bus.publish(_levels(1))
    recorder.close()
    db = sqlite3.connect(tmp_path / "events.sqlite")
    insert = "INSERT INTO events (number, wall_time, kind, fields, part, row) VALUES (?,?,?,?,?,?)"
    for kind, fields, part, row in [
        ("step", "{", None, None),
        ("step", "[]", None, None),
        ("no-such", "{}", None, None),
        ("levels", '{"step": 2}', 1, 99),
        ("levels", '{"step": 2}', 7, 0),
    ]:
        db.execute(insert, (2, 0.0, kind, fields, part, row))
    db.commit()
    db.close()
    add_note(tmp_path, "after all that")
    reader = RunReader(tmp_path)
    assert [type(e.event) for e in reader] == [Levels, Noted]
    assert reader.unreadable == 5
    reader.close()


def test_a_record_on_a_medium_that_is_read_only(tmp_path: Path) -> None:
    bus = Bus()
    recorder = Recorder(tmp_path, bus, CommandDesk(bus), ROOM)
    bus.publish(_levels(1))
    recorder.close()
    for path in tmp_path.iterdir():
        path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert [type(e.event) for e in all_events(tmp_path)] == [Levels]
        if os.geteuid() != 0:  # root may write everywhere
            reader = RunReader(tmp_path)
            with pytest.raises(SourceError):
                reader.note("no")
            reader.close()
    finally:
        tmp_path.chmod(0o755)


def test_a_killed_record_on_a_medium_that_is_read_only_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    journal = Journal(tmp_path / "run", mode="create")
    entry = Entry(0, 1, 0.0, 0.0, "note", '{"text": "newest", "author": "a"}')
    journal.add([entry])
    # As a kill leaves it, copied to where nothing can be written: the newest is in the write-ahead
    # log, and its index cannot be made.
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("events.sqlite", "events.sqlite-wal"):
        (copy / name).write_bytes((tmp_path / "run" / name).read_bytes())
    journal.close()
    connect = sqlite3.connect

    def read_only(name: str, **options: Any) -> sqlite3.Connection:
        if str(copy) in name and "immutable" not in name:
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN  # type: ignore[misc]
            raise error
        return connect(name, **options)

    monkeypatch.setattr("hil.record.journal.sqlite3.connect", read_only)
    reader = Journal(copy)
    assert [one.number for one in reader.after(0)] == [1]
    reader.close()
    assert {one.name for one in copy.iterdir()} == {"events.sqlite", "events.sqlite-wal"}


def test_a_record_that_may_not_be_written_says_who_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Journal(tmp_path, mode="create").close()
    connect = sqlite3.connect

    def refused(name: str, **options: Any) -> sqlite3.Connection:
        # As one that is opened without the right to write.
        return connect(name.replace("mode=rw", "mode=ro"), **options)

    monkeypatch.setattr("hil.record.journal.sqlite3.connect", refused)
    with pytest.raises(RunFolderError, match=r"events\.sqlite.*; write it as \S+, who owns it, or"):
        add_note(tmp_path, "no")


def test_a_finished_record_is_one_file(tmp_path: Path) -> None:
    bus = Bus()
    recorder = Recorder(tmp_path, bus, CommandDesk(bus), ROOM)
    bus.publish(_levels(1))
    recorder.close()
    add_note(tmp_path, "later")
    assert len(all_events(tmp_path)) == 2
    assert {p.name for p in tmp_path.iterdir()} == {"events.sqlite", "arrays-1.h5"}


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"no events\.sqlite"):
        RunReader(tmp_path)
    (tmp_path / "events.sqlite").write_bytes(b"no database at all, but long enough for a header")
    with pytest.raises(RunFolderError, match="not a database"):
        RunReader(tmp_path)


def test_another_version_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path, mode="create").close()
    db = sqlite3.connect(tmp_path / "events.sqlite")
    db.execute("UPDATE about SET value = '99' WHERE key = 'version'")
    db.commit()
    db.close()
    with pytest.raises(RunFolderError, match="version 99"):
        RunReader(tmp_path)


def test_kinds_describe_themselves_in_the_record(tmp_path: Path) -> None:
    Journal(tmp_path, mode="create").close()
    db = sqlite3.connect(tmp_path / "events.sqlite")
    (said,) = db.execute("SELECT value FROM about WHERE key = 'events'").fetchone()
    db.close()
    assert all(kind.KIND in said for kind in Event.__subclasses__())


def test_a_run_keeps_its_id_and_is_held_while_it_is_written(tmp_path: Path) -> None:
    ids = set()
    for _ in range(2):
        bus = Bus()
        recorder = Recorder(tmp_path, bus, CommandDesk(bus), ROOM)
        assert is_held(tmp_path)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("hil.record.holding.PATIENCE", 0.0)
            with pytest.raises(RunFolderError, match="the run goes on"):
                Recorder(tmp_path, bus, CommandDesk(bus), ROOM)
        recorder.close()
        assert not is_held(tmp_path)
        ids.add(id_of(tmp_path))
    assert len(ids) == 1
