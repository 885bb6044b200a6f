"""Asks once before a command is given, and then says what became of it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from hil.monitor.window.theme import Theme
from hil.telemetry.commands import Verb

QUESTIONS = {
    Verb.PAUSE: "Pause before the next step? Levels stay as they are.",
    Verb.RESUME: "Go on with the run?",
    Verb.STOP: "End the run after this step, keep its weights and drive the bench off?",
    Verb.OFF: "Drive the bench OFF now? The run ends at once.",
}


class AskBar(QWidget):
    """A line under the banner: a question with two buttons, or an answer; else it is hidden.

    give : called with the verb when the question was answered with yes.
    """

    def __init__(self, give: Callable[[Verb], None]) -> None:
        super().__init__()
        self._give = give
        self.verb: Verb | None = None
        self._answer = ""
        self.text = QLabel()
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setWordWrap(True)
        self.yes, self.no = QPushButton(), QPushButton("No (Esc)")
        self.yes.clicked.connect(self._agree)
        self.no.clicked.connect(self.withdraw)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 12, 4)
        row.addWidget(self.text, 1)
        row.addWidget(self.yes)
        row.addWidget(self.no)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setVisible(False)

    def apply(self, theme: Theme) -> None:
        """Take on a theme."""
        self.setStyleSheet(
            f"AskBar {{ background: {theme.panel}; border-bottom: 2px solid {theme.bad}; }}"
            f"QLabel {{ font-size: 17px; color: {theme.text}; }} QPushButton {{ font-size: 15px; }}"
        )

    def ask(self, verb: Verb) -> None:
        """Ask whether a command is meant."""
        self.verb = verb
        self.text.setText(QUESTIONS[verb])
        self.yes.setText(f"Yes, {verb} (Enter)")
        for button in (self.yes, self.no):
            button.setVisible(True)
        self.setVisible(True)
        self.yes.setFocus()

    def withdraw(self) -> None:
        """Ask no longer."""
        self.verb = None
        self._answer = ""
        self.setVisible(False)

    def answer(self, text: str) -> None:
        """Say how the last command stands, unless something is being asked."""
        if self.verb is not None or text == self._answer:
            return
        self._answer = text
        self.text.setText(text)
        self.yes.setVisible(False)
        self.no.setVisible(False)
        self.setVisible(bool(text))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter agrees, Esc withdraws."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._agree()
        elif event.key() == Qt.Key.Key_Escape:
            self.withdraw()
        else:
            super().keyPressEvent(event)

    def _agree(self) -> None:
        verb, self.verb = self.verb, None
        self._answer = ""
        self.setVisible(False)
        if verb is not None:
            self._give(verb)
