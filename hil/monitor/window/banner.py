"""The banner: readable across the room, and honest about how old it is."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from hil.monitor.state.run_state import RunState
from hil.monitor.state.words import (
    change_words,
    done_share,
    left_words,
    light_word,
    progress_words,
    reading_words,
    stale_words,
    state_colour,
    state_word,
)
from hil.monitor.window.panel import Line
from hil.monitor.window.theme import STATES, Theme

HEIGHT = 72
#: Parts of the progress bar.
FINE = 1000


class StateBlock(QWidget):
    """The state as a word on its colour; hatched, and said to be stale, when it may be no more."""

    def __init__(self) -> None:
        super().__init__()
        self._said = ("", "", "", "")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """Room for the longest word."""
        return QSize(330, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Still readable."""
        return QSize(250, HEIGHT)

    def say(self, state: str, word: str, stale: str, reading: str = "") -> None:
        """Show a state; below it, since when it is stale, or how much of a record was read."""
        if (state, word, stale, reading) != self._said:
            self._said = (state, word, stale, reading)
            self.update()

    @property
    def text(self) -> str:
        """All that is written on it."""
        return " ".join(one for one in self._said[1:] if one)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint colour, hatching and words."""
        state, word, stale, reading = self._said
        back, front = STATES.get(state, STATES[""])
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = QRectF(self.rect())
        painter.fillRect(whole, QColor(back))
        top, below = whole, QRectF()
        if stale:
            painter.fillRect(whole, QBrush(QColor(0, 0, 0, 150), Qt.BrushStyle.BDiagPattern))
            top = QRectF(whole.x(), whole.y(), whole.width(), 0.48 * whole.height())
            below = QRectF(whole.x(), top.bottom(), whole.width(), whole.height() - top.height())
            painter.fillRect(below, QColor("#000000"))
            _write(painter, below, stale, "#ffb000")
        elif reading:
            top = QRectF(whole.x(), whole.y(), whole.width(), 0.56 * whole.height())
            below = QRectF(whole.x(), top.bottom(), whole.width(), whole.height() - top.height())
            _write(painter, below, reading, front)
        _write(painter, top, word, front)
        painter.end()


def _write(painter: QPainter, where: QRectF, text: str, colour: str) -> None:
    font = QFont(painter.font())
    font.setBold(True)
    size = int(min(0.72 * where.height(), 48))
    font.setPixelSize(max(size, 10))
    painter.setFont(font)
    wide = painter.fontMetrics().horizontalAdvance(text)
    if wide > where.width() - 16:
        font.setPixelSize(max(int(size * (where.width() - 16) / wide), 10))
        painter.setFont(font)
    painter.setPen(QColor(colour))
    painter.drawText(where, int(Qt.AlignmentFlag.AlignCenter), text)


class Banner(QWidget):
    """State, light, progress, time left, last change, and the three buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.block = StateBlock()
        self.light, self.left = _label(22), _label(22)
        self.change, self.progress = Line(Qt.AlignmentFlag.AlignRight), _label(14)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(9)
        self._bar.setRange(0, FINE)
        self.pause, self.stop, self.off = (
            _button("Pause", "P"),
            _button("Stop", "S"),
            _button("OFF", "O"),
        )
        self._over = QGridLayout()
        self._over.setContentsMargins(0, 0, 0, 0)
        inside = QWidget()
        middle = QVBoxLayout(inside)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(3)
        upper = QHBoxLayout()
        upper.addWidget(self.light)
        upper.addStretch(1)
        upper.addWidget(self.left)
        middle.addLayout(upper)
        middle.addWidget(self._bar)
        lower = QHBoxLayout()
        lower.addWidget(self.progress)
        lower.addWidget(self.change, 1)
        middle.addLayout(lower)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 4, 6, 4)
        row.setSpacing(12)
        row.addWidget(self.block, 2)
        self._over.addWidget(inside, 0, 0)
        row.addLayout(self._over, 5)
        for button in (self.pause, self.stop, self.off):
            row.addWidget(button)
        self.setFixedHeight(HEIGHT + 8)

    def cover(self, widget: QWidget) -> None:
        """Put a widget over progress and time left, beside the buttons; seen when it is visible."""
        self._over.addWidget(widget, 0, 0)

    def apply(self, theme: Theme) -> None:
        """Take on a theme."""
        self.off.setStyleSheet(
            f"QPushButton {{ background: {STATES['tripped'][0]}; color: {STATES['tripped'][1]};"
            "font-size: 16px; font-weight: bold; }"
            f"QPushButton:disabled {{ background: {theme.panel}; color: {theme.dim}; }}"
        )
        for button in (self.pause, self.stop):
            button.setStyleSheet("font-size: 15px;")
        self.light.setStyleSheet("font-size: 22px; font-weight: bold;")
        self.left.setStyleSheet("font-size: 22px; font-weight: bold;")
        for label in (self.change, self.progress):
            label.setStyleSheet(f"font-size: 14px; color: {theme.text};")

    def show_state(self, state: RunState) -> None:
        """Say what is there now."""
        life = state.lifecycle
        self.block.say(
            state_colour(state), state_word(state), stale_words(state), reading_words(state)
        )
        self.light.setText(light_word(state))
        self.left.setText(left_words(state))
        self.progress.setText(progress_words(state))
        self.change.say(change_words(state))
        self._bar.setValue(round(FINE * done_share(state)))
        going = life.ended is None and not state.replaying
        for button in (self.pause, self.stop, self.off):
            button.setEnabled(going)
        wanted = "Resume\n(P)" if life.paused else "Pause\n(P)"
        if self.pause.text() != wanted:
            self.pause.setText(wanted)


def _label(size: int) -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setMinimumHeight(size)
    # A long cause may not push the buttons out of the window.
    label.setMinimumWidth(20)
    return label


def _button(text: str, key: str) -> QPushButton:
    button = QPushButton(f"{text}\n({key})")
    button.setFixedSize(94, HEIGHT - 8)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
