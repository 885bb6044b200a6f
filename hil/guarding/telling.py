"""Where a guardian says what it did: the terminal if it is there, a log, and the run's folder."""

from __future__ import annotations

import os
import select
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hil.record.folder import RunFolderError
from hil.record.guardian import enter_outcome

#: Name of the log, in the state folder and in the folder of a run or calibration.
LOG = "guardian.log"
#: Bytes that a terminal or a pipe takes at once, when it takes any.
AT_ONCE = 512
_STDERR = 2


def log_file() -> Path:
    """The log of all guardians of this user."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "hil" / LOG


class Teller:
    """Says lines. Nothing that cannot be written stops it, and nothing keeps it waiting.

    bench : name for each line. folder : of what is under way, where that is known.
    """

    def __init__(self, bench: str) -> None:
        self._bench = bench
        self.folder: Path | None = None

    def __call__(self, line: str) -> None:
        """Say a line everywhere."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        said = f"{now} guardian {os.getpid()} of bench {self._bench}: {line}\n"
        files = [log_file()]
        if self.folder is not None:
            files.append(self.folder / LOG)
        for file in files:
            with suppress(OSError, RuntimeError):
                if file.parent != self.folder:
                    file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("a", encoding="utf-8") as log:
                    log.write(said)
        self._show(f"guardian of bench {self._bench}: {line}\n")

    def _show(self, text: str) -> None:
        """On the terminal of the controller: a reader that has stopped reading holds up nobody."""
        data = text.encode(errors="replace")
        with suppress(OSError, ValueError):
            while data and select.select([], [_STDERR], [], 0.0)[1]:
                data = data[os.write(_STDERR, data[:AT_ONCE]) :]

    def record(self, why: str, failed: Sequence[str]) -> None:
        """Enter into the run's record, where there is one, what became of the bench."""
        if self.folder is None:
            return
        try:
            enter_outcome(self.folder, why, failed)
        except RunFolderError as error:
            self(f"the record was not written: {error}")
