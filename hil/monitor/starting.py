"""Opens a window beside a run, as a process of its own that nobody waits for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: Held, so that none is taken for forgotten; they may outlive this process.
_windows: list[subprocess.Popen[bytes]] = []


def open_window(folder: Path) -> None:
    """Open a window on a run folder that is about to be written; never fails, and returns at once.

    Where there is no Qt or no display the window says so in a line, and the run goes on.
    """
    command = [sys.executable, "-m", "hil.monitor", str(folder), "--wait"]
    try:
        _windows.append(
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C ends the run, not the window
            )
        )
    except OSError as error:
        print(f"no window: {error}", file=sys.stderr)
