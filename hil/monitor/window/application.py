"""Qt's application around the window: on a screen, or for one picture."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import QMessageLogContext, QSettings, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from hil.monitor.feed import Feed
from hil.monitor.window.export import picture
from hil.monitor.window.main_window import MonitorWindow

logger = logging.getLogger(__name__)

#: By how much the window goes after others for the processor.
NICE = 10
#: s that a picture waits for a record to be read to its end.
PATIENCE = 120.0
#: Pictures until all has found its place, the rarest painted included.
SETTLE = 6


def _tell(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    """Qt's own messages go where all others go; that it has no window manager is none."""
    if "propagateSizeHints" not in message:
        logger.warning("Qt: %s", message)


def application() -> QApplication:
    """The one application of this process."""
    found = QApplication.instance()
    if isinstance(found, QApplication):
        return found
    qInstallMessageHandler(_tell)
    pg.setConfigOptions(antialias=False, useOpenGL=False)
    made = QApplication(["hil.monitor"])
    made.setApplicationName("hil.monitor")
    made.setStyle("Fusion")
    return made


def give_way() -> None:
    """Let whoever controls a bench go first on this machine: a picture may wait, a step may not."""
    if hasattr(os, "nice"):  # Windows has none
        os.nice(NICE)


def run_window(feed: Feed, theme: str | None, show: Sequence[str]) -> int:
    """Show the window until it is closed."""
    give_way()
    app = application()
    window = MonitorWindow(feed, QSettings("hil-photonics", "monitor"), theme)
    window.show()
    for key in show:
        window.show_panel(key)
    # Python hears of Ctrl-C at the next picture.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    signal.signal(signal.SIGTERM, lambda *_: window.close())
    return app.exec()


def take_picture(
    feed: Feed, path: Path, size: tuple[int, int], theme: str | None, show: Sequence[str]
) -> int:
    """Write the window as it would look now, all of the record read."""
    app = application()
    window = MonitorWindow(feed, None, theme)
    window.resize(*size)
    window.show()
    window.arrange()
    for key in show:
        window.show_panel(key)
    until = time.monotonic() + PATIENCE
    while not feed.caught_up and time.monotonic() < until:
        app.processEvents()
        time.sleep(0.01)
    for _ in range(SETTLE):
        app.processEvents()
        window.tick()
    app.processEvents()
    picture(window, path)
    window.close()
    return 0
