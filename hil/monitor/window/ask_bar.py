"""Asks once before a command is given, and then says what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from hil.monitor.window.theme import Theme
from hil.telemetry.commands import Verb

QUESTIONS = {
    Verb.PAUSE: "Pause before the next step? Levels stay as they are.",
    Verb.RESUME: "Go on with the run?",
    Verb.STOP: "End the run after this step, keep its weights and drive the bench off?",
    Verb.OFF: "Drive the bench OFF now? The run ends at once.",
}


#: s that an answer stands; it is in the log, too.
STANDS = 10.0
#: Pixels that letters are high: where there is room, and at least.
LETTERS, LEAST = 17, 11


class AskBar(QWidget):
    """Lies over the banner's middle: a question with two buttons, or an answer; else it is hidden.

    give : called with the verb when the question was answered with yes. clock : s, never jumps.
    """

    def __init__(
        self, give: Callable[[Verb], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._give, self._clock = give, clock
        self._since = 0.0
        self.verb: Verb | None = None
        self._answer = ""
        self.text = QLabel()
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setWordWrap(True)
        self.yes, self.no = QPushButton(), QPushButton("No (Esc)")
        self.yes.clicked.connect(self._agree)
        self.no.clicked.connect(self.withdraw)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 2, 12, 2)
        # No panel moves when it appears.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        row.addWidget(self.text, 1)
        row.addWidget(self.yes)
        row.addWidget(self.no)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setVisible(False)

    def apply(self, theme: Theme) -> None:
        """Take on a theme."""
        self.setStyleSheet(
            f"AskBar {{ background: {theme.panel}; border: 2px solid {theme.bad}; }}"
            f"QLabel {{ color: {theme.text}; }} QPushButton {{ font-size: 15px; }}"
        )
        self._fit()

    def ask(self, verb: Verb) -> None:
        """Ask whether a command is meant."""
        self.verb = verb
        self.text.setText(QUESTIONS[verb])
        self.yes.setText(f"Yes, {verb} (Enter)")
        for button in (self.yes, self.no):
            button.setVisible(True)
        self.setVisible(True)
        self._fit()
        self.yes.setFocus()

    def withdraw(self) -> None:
        """Ask no longer."""
        self.verb = None
        self.setVisible(False)

    def answer(self, text: str) -> None:
        """Say how the last command stands, unless something is being asked; not for ever."""
        if self.verb is not None:
            return
        now = self._clock()
        if text == self._answer:
            if now - self._since >= STANDS:
                self.setVisible(False)
            return
        self._answer, self._since = text, now
        self.text.setText(text)
        self.yes.setVisible(False)
        self.no.setVisible(False)
        self.setVisible(bool(text))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width, perhaps other letters."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Write as large as all of the text has room for."""
        layout = self.layout()
        assert layout is not None
        layout.activate()
        room = self.text.contentsRect()
        font, size = QFont(self.text.font()), LETTERS
        for size in range(LETTERS, LEAST - 1, -1):
            font.setPixelSize(size)
            wraps = int(Qt.TextFlag.TextWordWrap)
            needed = QFontMetrics(font).boundingRect(room, wraps, self.text.text())
            if needed.height() <= room.height() and needed.width() <= room.width():
                break
        self.text.setStyleSheet(f"font-size: {size}px;")

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
        self._answer = ""  # what is said next is new, whatever was said before
        self.setVisible(False)
        if verb is not None:
            self._give(verb)
