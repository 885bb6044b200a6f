"""Panels have their places, which are remembered; keys are told."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="the live window needs PySide6")
pytest.importorskip("pyqtgraph", reason="the live window needs pyqtgraph")

from PySide6.QtCore import QSettings, QSize, Qt
from PySide6.QtWidgets import QApplication, QPushButton, QTabWidget
from pytestqt.qtbot import QtBot

from hil.monitor.window.main_window import MonitorWindow, start_size
from tests.hil.monitor.windows import Open, press, whole


def test_layout_and_theme_are_remembered(open_window: Open, tmp_path: Path) -> None:
    path = str(tmp_path / "kept.ini")
    settings = QSettings(path, QSettings.Format.IniFormat)
    window = open_window(whole(), settings=settings)
    window.toggle_theme()
    window.docks["twin"].setVisible(False)
    window.show_panel("heaters")
    window.close()
    settings.sync()
    again = open_window(whole(), settings=QSettings(path, QSettings.Format.IniFormat))
    assert again.theme.name == "light"
    assert again.docks["twin"].isHidden()
    for one in (window, again):  # no layout that is kept says where tabs are
        assert one.tabPosition(Qt.DockWidgetArea.LeftDockWidgetArea) is QTabWidget.TabPosition.North
    again.arrange()
    assert not again.docks["twin"].isHidden()


def test_a_layout_of_another_program_is_not_taken(open_window: Open, tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "odd.ini"), QSettings.Format.IniFormat)
    for key in ("theme", "geometry", "docks"):
        settings.setValue(key, "nonsense")
    window = open_window(whole(), settings=settings)
    assert window.theme.name == "dark"
    assert window.panels["learning"].isVisible()


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_panels_have_room_and_lie_side_by_side(open_window: Open, size: tuple[int, int]) -> None:
    window = open_window(whole())
    window.resize(*size)
    window.arrange()
    QApplication.processEvents()
    seen = [p for p in window.panels.values() if not p.visibleRegion().isEmpty()]
    assert len(seen) == (4 if size[0] < 1600 else 6)
    places = []
    for panel in seen:
        assert panel.width() >= 400
        assert panel.height() >= 220
        places.append(panel.rect().translated(panel.mapTo(window, panel.rect().topLeft())))
    for k, one in enumerate(places):
        assert window.rect().contains(one)
        assert not any(one.intersects(other) for other in places[k + 1 :])


def test_all_keys_are_told(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(whole())
    press(qtbot, window, Qt.Key.Key_F1)
    assert window.help.isVisible()
    assert window.rect().contains(window.help._card.geometry())
    press(qtbot, window, Qt.Key.Key_Escape)
    assert not window.help.isVisible()


@pytest.mark.parametrize(
    ("screen", "size"), [((1366, 768), (1280, 728)), ((1024, 600), (1024, 560))]
)
def test_it_opens_no_larger_than_the_screen(
    screen: tuple[int, int], size: tuple[int, int], open_window: Open
) -> None:
    assert start_size(QSize(*screen)) == QSize(*size)
    assert start_size(QSize(2560, 1440)) == QSize(1280, 800)
    window = open_window(whole())
    available = window.screen().availableSize()
    kept = MonitorWindow(window.feed)
    assert kept.width() <= available.width()
    assert kept.height() <= available.height()
    kept.close()


def test_no_button_has_the_focus_when_it_opens(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(whole(ended=False))
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    assert not isinstance(QApplication.focusWidget(), QPushButton)
