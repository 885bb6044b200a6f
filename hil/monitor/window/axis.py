"""An axis whose name is written smaller where the axis is shorter than it, and never cut off.

Where not even small letters have room, the unit alone is left: the panel's headline and keys name
the quantity, and the whole name is the axis' tip. Numbers below a plot never run into each other.
"""

from __future__ import annotations

import math
from html import escape
from itertools import pairwise
from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QFont, QFontMetricsF

#: Pixels that letters of names are high: where there is room, and at least.
LETTERS, LEAST = 12, 9
#: Between what an axis shows and its unit.
APART = " / "
#: Pixels between two numbers below a plot.
GAP = 6


class Axis(pg.AxisItem):
    """Lies beside or below a plot; its name is plain text, whatever is in it."""

    _written = ""

    @property
    def wording(self) -> str:
        """Its name, or only the unit where the name has no room."""
        if self._fitting(self.labelText) >= LEAST or APART not in self.labelText:
            return self.labelText
        name, _, unit = self.labelText.partition(APART)
        return name if unit == "1" else unit

    @property
    def letters(self) -> int:
        """Height of its name's letters, pixels."""
        return max(min(self._fitting(self.wording), LETTERS), LEAST)

    def _fitting(self, text: str) -> int:
        """Height of letters, pixels, in which a text is as long as the axis."""
        font = QFont()
        font.setPixelSize(LETTERS)
        wide = QFontMetricsF(font).horizontalAdvance(text)
        has = self.size().height() if self.orientation in ("left", "right") else self.size().width()
        return math.floor(LETTERS * has / max(wide, 1.0))

    def labelString(self) -> str:
        """What pyqtgraph writes: HTML."""
        colour = self.labelStyle.get("color", "#808080")
        style = f"color: {colour}; font-size: {self.letters}px"
        return f"<span style='{style}'>{escape(self.wording)}</span>"

    def resizeEvent(self, ev: Any = None) -> None:
        """Another length, perhaps other letters."""
        if self.label is not None and (written := self.labelString()) != self._written:
            self._written = written
            self.label.setHtml(written)
            self.setToolTip(escape(self.labelText))
        super().resizeEvent(ev)

    def generateDrawSpecs(self, p: Any) -> Any:
        """What pyqtgraph draws: axis, ticks and numbers, without those that have no room."""
        specs = super().generateDrawSpecs(p)
        if specs is None or self.orientation in ("left", "right"):
            return specs
        axis, ticks, numbers = specs
        numbers = sorted(numbers, key=lambda one: one[0].left())
        while any(b[0].left() - a[0].right() < GAP for a, b in pairwise(numbers)):
            numbers = numbers[::2]
        return axis, ticks, numbers
