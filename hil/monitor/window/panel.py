"""What all panels are: a title, a key, a line of numbers above, and a plot or table below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QGraphicsItem,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from hil.monitor.state.run_state import RunState
from hil.monitor.window.axis import Axis
from hil.monitor.window.key_row import KeyRow
from hil.monitor.window.theme import DARK, Theme


class Panel(QWidget):
    """One dock's content; its `bar`, with title and headline, goes above.

    A subclass builds its widgets in `body`, says what is there in `has_data`, and paints in
    `show_state`; `empty` is what a person reads until there is something. `parts` of the state are
    those that it shows: it is painted anew when one of them has changed; none: with every event.
    `turns`: of so many pictures it is painted in one at most.
    """

    title = ""
    key = ""
    parts: tuple[str, ...] = ()
    turns = 3
    empty = "nothing was told yet"

    def __init__(self) -> None:
        super().__init__()
        self.theme: Theme = DARK
        self.setObjectName(self.key)
        self._painted: tuple[int, str] = (-1, "")
        self.name, self.headline = QLabel(self.title), Line()
        self.bar = QWidget()
        row = QHBoxLayout(self.bar)
        row.setContentsMargins(8, 3, 8, 3)
        row.setSpacing(14)
        row.addWidget(self.name)
        row.addWidget(self.headline, 1)
        self._nothing = QLabel(self.empty)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setWordWrap(True)
        self._nothing.setTextFormat(Qt.TextFormat.PlainText)
        filled = QWidget()
        inside = QVBoxLayout(filled)
        inside.setContentsMargins(6, 2, 6, 4)
        inside.addWidget(self.body())
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._nothing)
        self._stack.addWidget(filled)

    def body(self) -> QWidget:
        """Make the widgets below the headline."""
        raise NotImplementedError

    def has_data(self, state: RunState) -> bool:
        """Whether there is anything to show."""
        return True

    def show_state(self, state: RunState) -> None:
        """Paint what is there now."""
        raise NotImplementedError

    def plots(self) -> Sequence[Any]:
        """Its plots, for themes and export."""
        return ()

    def refresh(self, state: RunState, *, even_if_same: bool = False) -> bool:
        """Paint if there is something new; whether it did."""
        now = (state.version_of(self.parts), self.theme.name)
        if now == self._painted and not even_if_same:
            return False
        self._painted = now
        there = self.has_data(state)
        self._stack.setCurrentIndex(int(there))
        self.headline.setVisible(there)
        if there:
            self.show_state(state)
        return True

    def again(self) -> None:
        """Paint at the next refresh, though nothing be new."""
        self._painted = (-1, "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What was laid out by pixels is laid out anew."""
        super().resizeEvent(event)
        self.again()

    def say(self, text: str, *shorter: str) -> None:
        """Write the line above the plots, where it has changed; `shorter` where room is short."""
        self.headline.say(text, *shorter)

    def apply(self, theme: Theme) -> None:
        """Take on a theme."""
        self.theme = theme
        self.bar.setStyleSheet(f"background: {theme.panel}; font-size: 14px;")
        self.name.setStyleSheet(f"color: {theme.dim}; font-weight: bold;")
        self.headline.setStyleSheet(f"color: {theme.text};")
        self._nothing.setStyleSheet(f"color: {theme.dim}; font-size: 15px; padding: 20px;")
        for plot in self.plots():
            dress(plot, theme)
        self.again()


class Line(QLabel):
    """A line of text in the fullest wording that there is room for; the full one is its tip.

    The shortest ends in an ellipsis where not even that has room.
    """

    def __init__(self, side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft) -> None:
        super().__init__()
        self._side, self._shorter = side, ()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumWidth(50)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def say(self, text: str, *shorter: str) -> None:
        """Change the text; `shorter` wordings of it, the fullest first."""
        if (text, shorter) != (self.text(), self._shorter):
            self._shorter = shorter
            self.setText(text)
            self.setToolTip(text)

    @property
    def shown(self) -> str:
        """The wording that is seen."""
        metrics, wide = self.fontMetrics(), self.contentsRect().width()
        wordings = (self.text(), *self._shorter)
        fits = (one for one in wordings if metrics.horizontalAdvance(one) <= wide)
        return next(fits, metrics.elidedText(wordings[-1], Qt.TextElideMode.ElideRight, wide))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint as much as there is room for."""
        painter = QPainter(self)
        where = int(Qt.AlignmentFlag.AlignVCenter | self._side)
        painter.drawText(self.contentsRect(), where, self.shown)
        painter.end()


def below_keys(keys: KeyRow, view: Any) -> QWidget:
    """Plots with a row above that says what their colours mean."""
    whole = QWidget()
    inside = QVBoxLayout(whole)
    inside.setContentsMargins(0, 0, 0, 0)
    inside.setSpacing(2)
    inside.addWidget(keys)
    inside.addWidget(view, 1)
    return whole


def canvas() -> Any:
    """Where plots lie: a layout of pyqtgraph."""
    view: Any = pg.GraphicsLayoutWidget()
    view.ci.layout.setContentsMargins(0, 0, 4, 0)
    view.ci.layout.setSpacing(4)
    return view


def new_plot(view: Any, row: int, column: int, bottom: str, left: str, **place: int) -> Any:
    """A plot with a name and a unit on both axes."""
    axes = {side: Axis(side) for side in ("left", "bottom")}
    plot = view.addPlot(row=row, col=column, axisItems=axes, **place)
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.setLabel("bottom", bottom)
    plot.setLabel("left", left)
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.enableAutoSIPrefix(False)
        axis.setStyle(tickFont=_font(), tickTextOffset=3, hideOverlappingLabels=True)
        # Text and grid are most of a picture's cost, and rarely new.
        axis.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
    plot.getAxis("left").setWidth(54)
    return plot


def set_ticks(plot: Any, side: str, ticks: Sequence[Sequence[tuple[float, str]]] | None) -> None:
    """Put ticks where they are told, or where they fall by themselves, where that is new."""
    axis = plot.getAxis(side)
    if getattr(axis, "_told", ()) != ticks:
        axis.setTicks(ticks)
        axis._told = ticks


def relabel(plot: Any, side: str, text: str) -> None:
    """Name an axis otherwise, where that is new."""
    axis = plot.getAxis(side)
    if axis.labelText != text:
        axis.setLabel(text, **axis.labelStyle)
        axis.resizeEvent()  # puts the new name into the middle


def dress(plot: Any, theme: Theme) -> None:
    """Give a plot the colours of a theme."""
    plot.getViewBox().setBackgroundColor(theme.panel)
    view = plot.scene().views()[0] if plot.scene() and plot.scene().views() else None
    if view is not None:
        view.setBackground(theme.background)
    for side in ("left", "bottom", "right", "top"):
        axis = plot.getAxis(side)
        axis.setPen(pg.mkPen(theme.line))
        axis.setTextPen(pg.mkPen(theme.text))
        if axis.labelText:
            axis.setLabel(axis.labelText, color=theme.text)
    plot.showGrid(x=True, y=True, alpha=0.18)


def _font() -> QFont:
    font = QFont()
    font.setPixelSize(12)
    return font
