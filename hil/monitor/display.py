"""Whether a window can be opened here; if not, what is missing and how to get it."""

from __future__ import annotations

import os
import subprocess
import sys

PIP = "pip install 'hil-photonics[monitor]'"
LIBRARIES = "libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libglib2.0-0"
X_LIBRARIES = "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1"
OFFSCREEN = "offscreen"
#: s that Qt may take to start.
PATIENCE = 30.0


class NoWindow(RuntimeError):
    """A window that cannot be opened: one line, with the mend."""


def check_qt() -> None:
    """Refuse where Qt or pyqtgraph are missing.

    Raises
    ------
    NoWindow
    """
    try:
        import pyqtgraph  # noqa: F401
        from PySide6 import QtSvg, QtWidgets  # noqa: F401
    except ModuleNotFoundError as error:
        raise NoWindow(
            f"the live window needs {error.name}: {PIP}; or use --text in this terminal"
        ) from error
    except ImportError as error:  # a library of the system
        raise NoWindow(
            f"Qt cannot be loaded ({error}): apt-get install {LIBRARIES}; "
            "or use --text in this terminal"
        ) from error


def check_display() -> None:
    """Refuse where there is no display, or Qt cannot use it.

    Raises
    ------
    NoWindow
    """
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform == OFFSCREEN or sys.platform != "linux":
        return
    if not platform and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise NoWindow(
            "there is no display (DISPLAY is not set): log in with ssh -X, use --text in this "
            "terminal, or --screenshot FILE.png"
        )
    # Qt ends the whole process where a platform cannot be loaded: so another process tries first.
    trial = "from PySide6.QtWidgets import QApplication; QApplication([])"
    try:
        tried = subprocess.run(
            [sys.executable, "-c", trial],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoWindow("the display does not answer; use --text in this terminal") from None
    if tried.returncode:
        said = next((line for line in tried.stderr.splitlines() if line.strip()), "no reason given")
        raise NoWindow(
            f"Qt cannot open this display ({said[:160]}): apt-get install {LIBRARIES} "
            f"{X_LIBRARIES}; or use --text in this terminal"
        )
