"""What a user means by a run: a folder, the newest one, or a broker."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from hil.monitor.replay import Replay
from hil.record.folder import RunFolderError
from hil.record.journal import NAME
from hil.record.reading import RunReader
from hil.telemetry.source import Source, SourceError

RUNS = Path("runs")
SCHEMES = ("mqtt://", "mqtts://")
#: s that a folder without a record is given, where it may have been made just now.
PATIENCE, LOOK = 15.0, 0.1


def newest_run(root: Path = RUNS) -> Path:
    """The run folder whose record was written last.

    Raises
    ------
    SourceError
        Where there is none.
    """
    # With --compare runs lie one folder deeper.
    records = [*root.glob(f"*/{NAME}"), *root.glob(f"*/*/{NAME}")]
    if not records:
        raise SourceError(
            f"no run with a record under {root}/; name a run folder, or start one: "
            "python -m hil.train --backend sim --monitor"
        )
    return max(records, key=_written).parent


def _written(record: Path) -> float:
    """When a record was written last: in its log, while a run goes on."""
    beside = record.with_name(f"{NAME}-wal")
    return max(path.stat().st_mtime for path in (record, beside) if path.exists())


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
    folder = newest_run() if run is None else Path(run)
    if not folder.is_dir():
        raise SourceError(f"no run folder {folder}")
    until = time.monotonic() + (PATIENCE if wait else 0.0)
    while not (folder / NAME).is_file():
        if time.monotonic() >= until:
            raise SourceError(f"{folder} has no {NAME}: it is no run folder, or an old one")
        time.sleep(LOOK)
    return lambda: _folder(folder, replay)


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
