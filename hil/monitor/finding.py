"""What a user means by a run: a folder, the newest one, or a broker."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from hil.monitor.replay import Replay
from hil.record.finding import NEWEST, find_run
from hil.record.folder import RunFolderError
from hil.record.journal import NAME
from hil.record.reading import RunReader
from hil.telemetry.source import Source, SourceError

SCHEMES = ("mqtt://", "mqtts://")
#: s that a folder without a record is given, where it may have been made just now.
PATIENCE, LOOK = 15.0, 0.1


def source_of(
    run: str | None, replay: float | None = None, *, wait: bool = False, insecure: bool = False
) -> Callable[[], Source]:
    """What opens the source that was asked for; to be called in the thread that will read it.

    replay : speed, where a finished run is to be shown again. wait : whether the folder may be that
    of a run that is just about to begin. insecure : whether a connection to a broker on another
    machine may be plain.

    Raises
    ------
    SourceError
        At once, where there is no such run.
    """
    if run is not None and run.startswith(SCHEMES):
        if replay is not None:
            raise SourceError("a broker keeps no past; --replay needs a run folder")
        return lambda: _broker(run, insecure)
    if run is not None and "://" in run:
        raise SourceError(f"{run}: only {' and '.join(SCHEMES)} can be followed, or a run folder")
    until = time.monotonic() + (PATIENCE if wait else 0.0)
    while True:
        try:
            folder = _with_record(run)
            break
        except SourceError:
            if time.monotonic() >= until:
                raise
        time.sleep(LOOK)
    return lambda: _folder(folder, replay)


def _with_record(run: str | None) -> Path:
    """The folder that is meant, if there is a record in it."""
    folder = _named(run)
    if not (folder / NAME).is_file():
        raise SourceError(f"{folder} has no {NAME}: it is no run folder, or an old one")
    return folder


def _named(run: str | None) -> Path:
    """The folder that is meant; one that a run is about to fill, too."""
    if run is not None and Path(run).is_dir():
        return Path(run)
    try:
        return find_run(NEWEST if run is None else run)
    except RunFolderError as error:
        begin = "; start one: python -m hil.train --backend sim --monitor" if run is None else ""
        raise SourceError(f"{error}{begin}") from error


def _folder(folder: Path, replay: float | None) -> Source:
    try:
        reader = RunReader(folder)
    except RunFolderError as error:
        raise SourceError(str(error)) from error
    return reader if replay is None else Replay(reader, replay)


def _broker(url: str, insecure: bool) -> Source:
    # Loaded only where it is asked for: folders need no broker.
    from hil.telemetry.mqtt.source import follow

    return follow(url, insecure=insecure)
