"""What colours and signs mean, in a row above the plots, where nothing can lie below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyqtgraph as pg
from pyqtgraph.graphicsItems.ScatterPlotItem import drawSymbol
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

#: Pixels: height of a line, width of a sign, gap to its text, gap to the next one, size of letters.
LINE, SIGN, GAP, APART, LETTERS = 18, 22, 5, 14, 12


@dataclass(frozen=True)
class Key:
    """One sign and its meaning.

    colour : #rrggbb. width : of the line in pixels; 0: there is none. style : of the line.
    symbol : of pyqtgraph, in the middle; empty: none. block : a filled bar in place of a line.
    """

    text: str
    colour: str
    width: float = 2.0
    style: Qt.PenStyle = Qt.PenStyle.SolidLine
    symbol: str = ""
    block: bool = False


class KeyRow(QWidget):
    """Lays its keys side by side, on as many lines as its width asks for."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[Key, ...] = ()
        self._font = QFont(self.font())
        self._font.setPixelSize(LETTERS)
        self._colour = "#000000"
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._fit()

    def apply(self, text: str) -> None:
        """Take on the colour of texts."""
        self._colour = text
        self.update()

    def say(self, keys: Sequence[Key]) -> None:
        """Show these keys, where they have changed."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            self._fit()
            self.update()

    @property
    def keys(self) -> tuple[Key, ...]:
        """What is shown."""
        return self._keys

    def places(self) -> list[QRect]:
        """Where each key lies; one that is wider than the row is cut to it."""
        metrics, wide = QFontMetrics(self._font), max(self.width(), SIGN + GAP + LINE)
        x = y = 0
        found = []
        for key in self._keys:
            needed = min(SIGN + GAP + metrics.horizontalAdvance(key.text) + 2, wide)
            if x and x + needed > wide:
                x, y = 0, y + LINE
            found.append(QRect(x, y, needed, LINE))
            x += needed + APART
        return found

    def sizeHint(self) -> QSize:
        """Of its own it takes no width."""
        return QSize(0, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width, perhaps another number of lines."""
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint signs and texts."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        metrics = painter.fontMetrics()
        for key, place in zip(self._keys, self.places(), strict=True):
            _paint_sign(painter, key, QRect(place.topLeft(), QSize(SIGN, LINE)))
            words = place.adjusted(SIGN + GAP, 0, 0, 0)
            painter.setPen(pg.mkColor(self._colour))
            text = metrics.elidedText(key.text, Qt.TextElideMode.ElideRight, words.width())
            painter.drawText(words, int(Qt.AlignmentFlag.AlignVCenter), text)
        painter.end()

    def _fit(self) -> None:
        places = self.places()
        self.setFixedHeight(places[-1].bottom() + 1 if places else 0)


def _paint_sign(painter: QPainter, key: Key, place: QRect) -> None:
    colour, middle = pg.mkColor(key.colour), place.center()
    if key.block:
        painter.fillRect(place.adjusted(3, 3, -3, -3), colour)
        return
    if key.width:
        pen = QPen(colour, key.width)
        pen.setStyle(key.style)
        painter.setPen(pen)
        painter.drawLine(QPoint(place.left(), middle.y()), QPoint(place.right(), middle.y()))
    if key.symbol:
        painter.save()
        painter.translate(middle)
        drawSymbol(painter, key.symbol, 10, pg.mkPen(None), pg.mkBrush(colour))
        painter.restore()
