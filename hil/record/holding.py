"""Who writes a run folder holds it: so a run that goes on is told apart from one that was killed.

The folder itself is locked (flock). The kernel lets go when the process ends, however it ends; the
lock goes where the folder is moved to, and a copy has none.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from hil.record.folder import RunFolderError

#: s, that whoever only asks may be in the way of a holder.
PATIENCE, PAUSE = 1.0, 0.01


class Hold:
    """Holds a run folder until `release`, or until the process ends."""

    def __init__(self, folder: Path) -> None:
        """Take hold.

        Raises
        ------
        RunFolderError
            Where another process writes this folder, or there is none.
        """
        try:
            self._fd: int | None = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise RunFolderError(f"{folder} cannot be opened: {error.strerror}") from error
        until = time.monotonic() + PATIENCE
        while not _lock(self._fd, fcntl.LOCK_EX):
            if time.monotonic() > until:
                self.release()
                raise RunFolderError(
                    f"{folder} is being written: the run goes on; let it end, or stop it"
                )
            time.sleep(PAUSE)

    def release(self) -> None:
        """Let go; may be called again."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def is_held(folder: Path) -> bool:
    """Whether a process of this machine writes a run folder now."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        return not _lock(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def _lock(fd: int, how: int) -> bool:
    """Whether there is nobody in the way of such a lock; it is taken then."""
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks: nobody can be told apart
    return True
