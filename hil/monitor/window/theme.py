"""Dark and light, in colours that the colour-blind can tell apart (Okabe and Ito).

Colour never stands alone: what it says is also said by a word, a place or a shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg


@dataclass(frozen=True)
class Theme:
    """Colours as #rrggbb.

    banks : one a bank, over again beyond the last. good, warn, bad : states of things. highlight :
    the curve that matters. states : background and text of each state of a bench. low, middle,
    high : of a map of differences.
    """

    name: str
    background: str
    panel: str
    text: str
    dim: str
    line: str
    good: str
    warn: str
    bad: str
    highlight: str
    banks: tuple[str, ...]
    categories: tuple[str, ...]
    low: str
    middle: str
    high: str

    def bank(self, index: int) -> str:
        """Colour of a bank."""
        return self.banks[index % len(self.banks)]

    @property
    def sequential(self) -> pg.ColorMap:
        """From little to much."""
        found = pg.colormap.get("cividis")
        assert found is not None
        return found

    @property
    def differences(self) -> pg.ColorMap:
        """From less, over nothing, to more."""
        colours = [pg.mkColor(one) for one in (self.low, self.middle, self.high)]
        return pg.ColorMap(np.array([0.0, 0.5, 1.0]), colours)


#: Background and text of the banner by state.
STATES = {
    "off": ("#5c6370", "#ffffff"),
    "idle": ("#0072b2", "#ffffff"),
    "armed": ("#f0e442", "#000000"),
    "running": ("#007a5a", "#ffffff"),
    "tripped": ("#d55e00", "#000000"),
    "": ("#3a3f4a", "#ffffff"),
}

DARK = Theme(
    name="dark",
    background="#14171c",
    panel="#1b1f26",
    text="#e8eaed",
    dim="#a3abb8",
    line="#3a414d",
    good="#2fc79a",
    warn="#f0e442",
    bad="#ff7f2a",
    highlight="#56b4e9",
    banks=("#56b4e9", "#e69f00", "#2fc79a", "#cc79a7", "#f0e442", "#d0d0d0"),
    categories=("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#0072b2", "#d55e00"),
    low="#56b4e9",
    middle="#20242b",
    high="#e69f00",
)

LIGHT = Theme(
    name="light",
    background="#eceef1",
    panel="#ffffff",
    text="#15181d",
    dim="#505865",
    line="#c3c8d0",
    good="#00704f",
    warn="#8a6d00",
    bad="#b84300",
    highlight="#0072b2",
    banks=("#0072b2", "#c47f00", "#00805c", "#a8497f", "#7a7000", "#404040"),
    categories=("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#b8ad00", "#56b4e9", "#d55e00"),
    low="#0072b2",
    middle="#f4f4f4",
    high="#d07000",
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT)}


def style_sheet(t: Theme) -> str:
    """The style of all that is no plot."""
    return f"""
    QWidget {{ background: {t.background}; color: {t.text}; font-size: 13px; }}
    QMainWindow::separator {{ background: {t.background}; width: 5px; height: 5px; }}
    QMainWindow::separator:hover {{ background: {t.highlight}; }}
    QDockWidget {{ font-weight: bold; titlebar-close-icon: none; }}
    QDockWidget::title {{ background: {t.panel}; padding: 3px 8px; }}
    QTabBar {{ qproperty-drawBase: 0; }}
    QTabBar::tab {{ background: {t.background}; color: {t.dim}; padding: 4px 11px;
        border: 1px solid {t.line}; }}
    QTabBar::tab:selected {{ background: {t.panel}; color: {t.text}; font-weight: bold;
        border-bottom: 2px solid {t.highlight}; }}
    QPushButton {{ background: {t.panel}; border: 1px solid {t.dim}; border-radius: 4px;
        padding: 5px 12px; }}
    QPushButton:hover {{ border-color: {t.highlight}; }}
    QPushButton:disabled {{ color: {t.dim}; border-color: {t.line}; }}
    QPushButton:focus {{ border: 2px solid {t.highlight}; }}
    QTableView, QPlainTextEdit, QLineEdit, QComboBox {{ background: {t.panel};
        border: 1px solid {t.line}; selection-background-color: {t.highlight};
        selection-color: #000000; gridline-color: {t.line}; }}
    QTableView {{ alternate-background-color: {t.background}; }}
    QHeaderView::section {{ background: {t.background}; color: {t.dim}; padding: 3px 6px;
        border: none; border-bottom: 1px solid {t.line}; }}
    QTableCornerButton::section {{ background: {t.background}; }}
    QComboBox, QLineEdit {{ padding: 3px 6px; }}
    QComboBox QAbstractItemView {{ background: {t.panel}; }}
    QTableView {{ font-size: 12px; }}
    QCheckBox::indicator {{ width: 12px; height: 12px; border: 1px solid {t.dim};
        background: {t.panel}; }}
    QCheckBox::indicator:checked {{ background: {t.highlight}; }}
    QLabel {{ background: transparent; }}
    QMenuBar, QMenu {{ background: {t.background}; }}
    QMenuBar::item:selected, QMenu::item:selected {{ background: {t.highlight}; color: #000000; }}
    QStatusBar {{ color: {t.dim}; }}
    QProgressBar {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 3px;
        text-align: center; }}
    QProgressBar::chunk {{ background: {t.highlight}; }}
    QSlider::groove:horizontal {{ height: 5px; background: {t.line}; }}
    QSlider::handle:horizontal {{ width: 13px; margin: -5px 0; background: {t.highlight}; }}
    QScrollBar {{ background: {t.background}; }}
    QScrollBar::handle {{ background: {t.line}; border-radius: 4px; min-height: 24px; }}
    QScrollBar:vertical {{ width: 10px; }} QScrollBar:horizontal {{ height: 10px; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QToolTip {{ background: {t.panel}; color: {t.text}; border: 1px solid {t.dim}; }}
    """
