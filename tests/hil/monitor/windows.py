"""What tests do with a window: open it, tell it something, press a key, look at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="the live window needs PySide6")
pytest.importorskip("pyqtgraph", reason="the live window needs pyqtgraph")

from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from hil.monitor.window.main_window import MonitorWindow
from hil.telemetry.event import Event
from tests.hil.monitor import made
from tests.hil.monitor.made import Scripted

#: The fixture `open_window`.
Open = Callable[..., MonitorWindow]


def whole(*, ended: bool = True) -> Scripted:
    """A run of twenty steps."""
    return Scripted(made.stamped(made.a_run(20, ended=ended)))


def fresh(window: MonitorWindow, *events: Event) -> None:
    """Events as they come while one looks on."""
    with window.feed.lock:
        window.feed.state.take(made.stamped(events))
    window.tick()


def colours(widget: QWidget) -> int:
    """How many colours a widget has."""
    image = widget.grab().toImage()
    step = 3
    return len(
        {
            image.pixel(x, y)
            for x in range(0, image.width(), step)
            for y in range(0, image.height(), step)
        }
    )


def press(qtbot: QtBot, window: MonitorWindow, key: Any) -> None:
    """A key, wherever the focus is."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    target = QApplication.focusWidget() or window
    qtbot.keyClick(target, key)
