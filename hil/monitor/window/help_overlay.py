"""All keys, over the window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from hil.monitor.window.theme import Theme

COLOURS = (
    "Banner: grey off, blue idle, yellow armed, green running, orange tripped; hatched over black "
    "is stale. Each bank has one colour everywhere. Orange warns; blue is the figure to look at. "
    "Maps go from dark (little) to yellow (much), differences from blue (less) to orange (more)."
)


class HelpOverlay(QWidget):
    """Hidden until asked for; any key or click closes it."""

    def __init__(self, parent: QWidget, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__(parent)
        self._keys = keys
        self._card = QWidget(self)
        self._card.setObjectName("card")
        inside = QVBoxLayout(self._card)
        inside.setContentsMargins(26, 18, 26, 18)
        self._title = QLabel("Keys")
        inside.addWidget(self._title)
        grid = QGridLayout()
        grid.setHorizontalSpacing(18)
        half = -(-len(keys) // 2)
        for k, (key, meaning) in enumerate(keys):
            row, column = k % half, 2 * (k // half)
            name = QLabel(key)
            name.setObjectName("key")
            grid.addWidget(name, row, column)
            grid.addWidget(QLabel(meaning), row, column + 1)
        inside.addLayout(grid)
        colours = QLabel(COLOURS)
        colours.setWordWrap(True)
        inside.addWidget(colours)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setVisible(False)

    def apply(self, theme: Theme) -> None:
        """Take on a theme."""
        self.setStyleSheet(
            "HelpOverlay { background: rgba(0, 0, 0, 150); }"
            f"#card {{ background: {theme.panel}; border: 2px solid {theme.highlight};"
            f" border-radius: 8px; }} QLabel {{ color: {theme.text}; font-size: 15px; }}"
            f"#key {{ color: {theme.highlight}; font-weight: bold; }}"
        )
        self._title.setStyleSheet("font-size: 20px; font-weight: bold;")

    def toggle(self) -> None:
        """Show or hide."""
        parent = self.parentWidget()
        assert parent is not None
        self.setGeometry(parent.rect())
        self._card.setFixedWidth(min(880, self.width() - 40))
        self._card.adjustSize()
        size = self._card.sizeHint()
        self._card.move(
            (self.width() - self._card.width()) // 2, (self.height() - size.height()) // 2
        )
        self.setVisible(not self.isVisible())
        if self.isVisible():
            self.raise_()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Close."""
        self.setVisible(False)
