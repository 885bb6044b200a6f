"""Where panels lie when nobody has moved them: two columns, or three where there is room."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow

#: Pixels from which three columns fit.
WIDE = 1600
#: Columns, of rows, of panels that share a place as tabs; the first one is on top.
NARROW_PLACES = (
    (("learning", "drift", "time"), ("slots", "ports")),
    (("twin", "heaters", "power"), ("log", "links", "bench")),
)
WIDE_PLACES = (
    (("learning", "drift"), ("log", "bench", "links")),
    (("slots",), ("ports", "time")),
    (("heaters", "power"), ("twin",)),
)


def arrange(window: QMainWindow, docks: Mapping[str, QDockWidget]) -> None:
    """Put the panels into their columns."""
    places = WIDE_PLACES if window.width() >= WIDE else NARROW_PLACES
    for dock in docks.values():
        dock.setFloating(False)
        window.removeDockWidget(dock)
    tops = [docks[column[0][0]] for column in places]
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, tops[0])
    for before, after in pairwise(tops):
        window.splitDockWidget(before, after, Qt.Orientation.Horizontal)
    for column in places:
        for upper, lower in pairwise(column):
            window.splitDockWidget(docks[upper[0]], docks[lower[0]], Qt.Orientation.Vertical)
    for column in places:
        for tabs in column:
            for other in tabs[1:]:
                window.tabifyDockWidget(docks[tabs[0]], docks[other])
    for dock in docks.values():
        dock.setVisible(True)
    for column in places:
        for tabs in column:
            docks[tabs[0]].raise_()
    share = window.width() // len(places)
    window.resizeDocks(tops, [share] * len(tops), Qt.Orientation.Horizontal)
    for column in places:
        rows = [docks[tabs[0]] for tabs in column]
        half = window.height() // len(rows)
        window.resizeDocks(rows, [half] * len(rows), Qt.Orientation.Vertical)
