"""What happened, line by line, and a box to write a note into the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hil.monitor.state.log import KEPT, Line, clock
from hil.monitor.state.run_state import RunState
from hil.monitor.window.panel import Panel
from hil.monitor.window.theme import Theme
from hil.telemetry.event import Severity

LONGEST_NOTE = 2000
#: Pixels from one column to the next: time, source, text.
TAB = 72.0


class LogPanel(Panel):
    """The last lines, and notes."""

    title, key = "Log", "log"
    parts = ("log",)
    noted = Signal(str)

    def body(self) -> QWidget:
        self._text = QPlainTextEdit()
        self._text.setReadOnly(True)
        self._text.setMaximumBlockCount(KEPT)
        self._text.setUndoRedoEnabled(False)
        self._text.setTabStopDistance(TAB)
        self.note = QLineEdit()
        self.note.setPlaceholderText("a note into the run's record (N), Enter keeps it")
        self.note.setMaxLength(LONGEST_NOTE)
        self.note.returnPressed.connect(self._keep)
        keep = QPushButton("Keep note")
        keep.clicked.connect(self._keep)
        below = QHBoxLayout()
        below.addWidget(self.note, 1)
        below.addWidget(keep)
        whole = QWidget()
        inside = QVBoxLayout(whole)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(4)
        inside.addWidget(self._text, 1)
        inside.addLayout(below)
        self._shown = 0
        return whole

    def plots(self) -> Sequence[Any]:
        return ()

    def apply(self, theme: Theme) -> None:
        super().apply(theme)
        self._text.clear()
        self._shown = 0

    def show_state(self, state: RunState) -> None:
        log = state.log
        if log.total < self._shown:  # a replay began anew
            self._text.clear()
            self._shown = 0
        bar = self._text.verticalScrollBar()
        follow = bar.value() >= bar.maximum() - 4
        cursor = QTextCursor(self._text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        for line in log.since(self._shown):
            form = QTextCharFormat()
            form.setForeground(QColor(self._colour(line)))
            if not self._text.document().isEmpty():
                cursor.insertBlock()
            cursor.insertText(as_text(line), form)
        self._shown = log.total
        if follow:
            bar.setValue(bar.maximum())

    def _colour(self, line: Line) -> str:
        match line.severity:
            case Severity.MAJOR | Severity.INVALID:
                return self.theme.bad
            case Severity.MINOR:
                return self.theme.warn
        return self.theme.highlight if line.source == "note" else self.theme.text

    def _keep(self) -> None:
        text = self.note.text().strip()
        if text:
            self.noted.emit(text)
            self.note.clear()


def as_text(line: Line) -> str:
    """A line for a person: when, how bad, where from, what."""
    bad = "" if line.severity is Severity.NONE else f"{line.severity.upper()} "
    return f"{clock(line.wall_time)}\t{line.source}\t{bad}{line.text}"
