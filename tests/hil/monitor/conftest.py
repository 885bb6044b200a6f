"""No test opens a real window: Qt draws into memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from hil.monitor.feed import Feed
from hil.monitor.state.run_state import RunState
from hil.telemetry.source import Source

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from tests.hil.monitor.windows import Open


@pytest.fixture
def open_window(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[Open]:
    """`open_window(source, theme=, settings=)`; all is closed, and gone, afterwards."""
    yield from opening(request)


@pytest.fixture(scope="module")
def open_shared(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[Open]:
    """As `open_window`, for windows that tests of one file look at in turn, and leave as they are:
    half a second goes into one.
    """
    yield from opening(request)


def opening(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Open windows; then close and delete them.

    One that is only to be deleted "later" stays until some test runs an event loop, and that one
    pays for all before it.
    """
    from PySide6.QtCore import QEvent
    from PySide6.QtWidgets import QApplication
    from pytestqt.qtbot import QtBot

    from hil.monitor.window.main_window import MonitorWindow

    opened: list[MonitorWindow] = []

    def make(source: Source, theme: str | None = None, **options: Any) -> MonitorWindow:
        feed = Feed(lambda: source, RunState()).open()
        window = MonitorWindow(feed, options.get("settings"), theme)
        opened.append(window)
        window.resize(1280, 800)
        window.show()
        QtBot(request).waitUntil(lambda: feed.caught_up)
        window.tick()
        return window

    yield make
    for window in opened:
        window.close()
        window.feed.close()
        window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
