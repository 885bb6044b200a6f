"""Where a guardian says what it did: the terminal if it is there, a log, and the run's folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from hil.record.folder import RunFolderError
from hil.record.guardian import enter_outcome

#: Name of the log, in the state folder and in the folder of a run or calibration.
LOG = "guardian.log"
#: s that may pass at the end until all has been written.
PATIENCE = 20.0
_STDERR = 2


def log_file() -> Path:
    """The log of all guardians of this user."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "hil" / LOG


class Teller:
    """Says lines, from a thread of its own: a disk that hangs, or a terminal that is held (Ctrl-S),
    keeps no heater hot. What cannot be written is left out.

    bench : name for each line. folder : of what is under way, where that is known.
    """

    def __init__(self, bench: str) -> None:
        self._bench = bench
        self.folder: Path | None = None
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="telling", daemon=True)
        self._thread.start()

    def __call__(self, line: str) -> None:
        """Say a line everywhere."""
        self._jobs.put(partial(self._write, line, datetime.now(UTC), self.folder))

    def record(self, why: str, failed: Sequence[str]) -> None:
        """Enter into the run's record, where there is one, what became of the bench."""
        if self.folder is not None:
            self._jobs.put(partial(self._enter, self.folder, why, tuple(failed)))

    def finish(self, patience: float = PATIENCE) -> None:
        """Wait until all is said, so many s at most."""
        self._jobs.put(None)
        self._thread.join(patience)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _write(self, line: str, now: datetime, folder: Path | None) -> None:
        with suppress(OSError):
            os.write(_STDERR, f"guardian of bench {self._bench}: {line}\n".encode())
        stamp = now.isoformat(timespec="milliseconds")
        said = f"{stamp} guardian {os.getpid()} of bench {self._bench}: {line}\n"
        with suppress(OSError, RuntimeError):  # there may be no home
            log_file().parent.mkdir(parents=True, exist_ok=True)
            _append(log_file(), said)
        if folder is not None:
            with suppress(OSError):
                _append(folder / LOG, said)

    def _enter(self, folder: Path, why: str, failed: Sequence[str]) -> None:
        try:
            enter_outcome(folder, why, failed)
        except RunFolderError as error:
            self._write(f"the record was not written: {error}", datetime.now(UTC), folder)


def _append(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8", errors="replace") as log:
        log.write(text)
