"""An axis whose name is written smaller where the axis is shorter than it, and never cut off."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QFont, QFontMetricsF

#: Pixels that letters of names are high: where there is room, and at least.
LETTERS, LEAST = 12, 9


class Axis(pg.AxisItem):
    """Lies beside or below a plot; its name is plain text, whatever is in it."""

    _written = ""

    @property
    def letters(self) -> int:
        """Height of its name's letters, pixels."""
        font = QFont()
        font.setPixelSize(LETTERS)
        wide = QFontMetricsF(font).horizontalAdvance(self.labelText)
        has = self.size().height() if self.orientation in ("left", "right") else self.size().width()
        return max(min(math.floor(LETTERS * has / max(wide, 1.0)), LETTERS), LEAST)

    def labelString(self) -> str:
        """What pyqtgraph writes: HTML."""
        colour = self.labelStyle.get("color", "#808080")
        style = f"color: {colour}; font-size: {self.letters}px"
        return f"<span style='{style}'>{escape(self.labelText)}</span>"

    def resizeEvent(self, ev: Any = None) -> None:
        """Another length, perhaps other letters."""
        if self.label is not None and (written := self.labelString()) != self._written:
            self._written = written
            self.label.setHtml(written)
        super().resizeEvent(ev)
