"""No test opens a real window: Qt draws into memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from hil.monitor.feed import Feed
from hil.monitor.state.run_state import RunState
from hil.telemetry.source import Source

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from hil.monitor.window.main_window import MonitorWindow


@pytest.fixture
def open_window(qtbot: QtBot) -> Iterator[Callable[..., MonitorWindow]]:
    """`open_window(source, theme=, settings=)`; all is closed afterwards."""
    from hil.monitor.window.main_window import MonitorWindow

    opened: list[MonitorWindow] = []

    def make(source: Source, theme: str | None = None, **options: Any) -> MonitorWindow:
        feed = Feed(lambda: source, RunState()).open()
        window = MonitorWindow(feed, options.get("settings"), theme)
        qtbot.addWidget(window)
        window.resize(1280, 800)
        window.show()
        opened.append(window)
        qtbot.waitUntil(lambda: feed.caught_up)
        window.tick()
        return window

    yield make
    for window in opened:
        window.close()
        window.feed.close()
