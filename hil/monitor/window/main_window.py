"""The window: panels in docks, a banner above, thirty pictures a second of what can be seen."""

from __future__ import annotations

import logging
import time
from collections import deque
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QPixmapCache, QResizeEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QFileDialog,
    QLabel,
    QMainWindow,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from hil.monitor.feed import Feed
from hil.monitor.window.arrangement import arrange
from hil.monitor.window.ask_bar import AskBar
from hil.monitor.window.banner import Banner
from hil.monitor.window.export import KINDS, ExportError, export
from hil.monitor.window.help_overlay import HelpOverlay
from hil.monitor.window.keys import bind
from hil.monitor.window.log_panel import LogPanel
from hil.monitor.window.panel import Panel
from hil.monitor.window.panels import PANELS
from hil.monitor.window.replay_bar import ReplayBar
from hil.monitor.window.theme import DARK, LIGHT, THEMES, style_sheet
from hil.telemetry.commands import Verb

logger = logging.getLogger(__name__)

#: ms between two pictures.
PERIOD = 33
#: s that a picture waits for the feed at most.
PATIENCE = 0.01
#: KiB of pictures of axes and grids that are kept, two of each plot. With Qt's own 10 MiB they push
#: each other out, and each is painted anew in every picture, which costs more than all else.
CACHE = 128 * 1024
#: Pixels of the window where nobody has sized it, and of what a desktop puts above it.
SIZE, TITLE = (1280, 800), 40
#: Version of the panels' names: a layout kept by another is not taken.
LAYOUT = 1


def start_size(screen: QSize) -> QSize:
    """How large a window opens on a screen with so much room: all of it, its title too, is seen."""
    return QSize(min(SIZE[0], screen.width()), min(SIZE[1], screen.height() - TITLE))


class MonitorWindow(QMainWindow):
    """Shows what a feed folds; never talks to the source itself.

    Parameters
    ----------
    settings : where layout and theme are remembered; None: nowhere.
    theme : dark or light; None: as remembered, or dark.
    """

    def __init__(
        self, feed: Feed, settings: QSettings | None = None, theme: str | None = None
    ) -> None:
        super().__init__()
        self.feed = feed
        self.frozen = False
        self._settings = settings
        self._times: deque[tuple[float, float]] = deque(maxlen=60)
        self._failed: set[str] = set()
        self._pictures = 0
        QPixmapCache.setCacheLimit(CACHE)
        self.setWindowTitle(f"{feed.name} - live window")
        self.setDockOptions(
            QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.AllowNestedDocks
            | QMainWindow.DockOption.AnimatedDocks
        )
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.banner = Banner()
        self.ask_bar = AskBar(feed.command)
        self.replay_bar = ReplayBar(feed)
        self.replay_bar.setVisible(feed.replay is not None)
        head = QWidget()
        above = QVBoxLayout(head)
        above.setContentsMargins(0, 0, 0, 0)
        above.setSpacing(0)
        self.banner.cover(self.ask_bar)
        for one in (self.banner, self.replay_bar):
            above.addWidget(one)
        self.setMenuWidget(head)
        self.panels: dict[str, Panel] = {}
        self.docks: dict[str, QDockWidget] = {}
        for key, kind in PANELS:
            self._add_panel(key, kind())
        log = self.panels["log"]
        assert isinstance(log, LogPanel)
        self.log = log
        log.noted.connect(feed.note)
        self._health = QLabel()
        self.statusBar().addPermanentWidget(self._health)
        self.statusBar().addWidget(QLabel("F1 or ?: keys"))
        self.banner.pause.clicked.connect(self.ask_pause)
        self.banner.stop.clicked.connect(lambda: self.ask(Verb.STOP))
        self.banner.off.clicked.connect(lambda: self.ask(Verb.OFF))
        self.help = HelpOverlay(self, bind(self))
        kept = settings.value("theme", "dark") if settings is not None else "dark"
        self.theme = THEMES.get(theme or str(kept), DARK)
        self.resize(start_size(self.screen().availableSize()))
        self._restore()
        self.setFocus()  # no button has it, which a key would press
        self.apply_theme()
        self._timer = QTimer(self)
        self._timer.timeout.connect(lambda: self.tick(by_turns=True))
        self._timer.start(PERIOD)

    def tick(self, *, by_turns: bool = False) -> None:
        """Paint what is new and can be seen; leave it for the next time where the feed is busy.

        by_turns : only those panels whose turn it is, so that each picture costs about the same.
        """
        if self.isMinimized() or not self.feed.lock.acquire(timeout=PATIENCE):
            return
        began = time.perf_counter()
        try:
            state = self.feed.state
            self.banner.show_state(state)
            self.ask_bar.answer(state.asked)
            if not self.frozen:
                self._pictures += 1
                place = 0  # in the queue of those that do not come every time
                for panel in self._seen():
                    if not by_turns or (self._pictures + place) % panel.turns == 0:
                        self._refresh(panel)
                    place += panel.turns > 1
            taken, ignored = state.taken, sum(state.ignored.values())
        finally:
            self.feed.lock.release()
        if self.feed.replay is not None:
            self.replay_bar.show_replay(self.feed.replay)
        self._times.append((began, time.perf_counter() - began))
        self._say_health(taken, ignored)

    def _seen(self) -> list[Panel]:
        """Panels that are not behind others, nor closed."""
        return [
            panel
            for panel in self.panels.values()
            if panel.isVisible() and not panel.visibleRegion().isEmpty()
        ]

    def _refresh(self, panel: Panel) -> None:
        try:
            panel.refresh(self.feed.state)
        except Exception as error:  # one panel that cannot show something must not stop the others
            if panel.key not in self._failed:
                self._failed.add(panel.key)
                logger.warning("panel %s: %s", panel.title, error, exc_info=True)
            panel.say(f"cannot be shown: {error}")

    def _say_health(self, taken: int, ignored: int) -> None:
        if len(self._times) < 2:
            return
        span = self._times[-1][0] - self._times[0][0]
        rate = (len(self._times) - 1) / span if span > 0 else 0.0
        cost = 1e3 * sum(cost for _, cost in self._times) / len(self._times)
        parts = [f"{taken} events", f"{ignored} ignored", f"{rate:.0f} pictures/s of {cost:.0f} ms"]
        if self.frozen:
            parts.insert(0, "PICTURE HELD (Space)")
        if self.feed.trouble:
            parts.insert(0, f"CANNOT BE READ: {self.feed.trouble[:120]}")
        self._health.setText("   ".join(parts))

    # Commands

    def ask(self, verb: Verb) -> None:
        """Ask whether a command is meant."""
        if self.banner.off.isEnabled():
            self.ask_bar.ask(verb)

    def ask_pause(self) -> None:
        """Ask whether to pause, or to go on."""
        self.ask(Verb.RESUME if self.feed.state.lifecycle.paused else Verb.PAUSE)

    # Panels

    def show_panel(self, key: str) -> None:
        """Bring a panel to the front, shown again where it was closed."""
        dock = self.docks[key]
        dock.setVisible(True)
        dock.raise_()
        self.panels[key].again()

    def arrange(self) -> None:
        """Put all panels where they belong in a window of this size."""
        arrange(self, self.docks)

    def apply_theme(self) -> None:
        """Dress everything."""
        self.setStyleSheet(style_sheet(self.theme))
        self.banner.apply(self.theme)
        self.ask_bar.apply(self.theme)
        self.help.apply(self.theme)
        for panel in self.panels.values():
            panel.apply(self.theme)

    def toggle_theme(self) -> None:
        """Dark to light, and back."""
        self.theme = LIGHT if self.theme is DARK else DARK
        self.apply_theme()

    def export_panel(self, key: str, path: Path | None = None) -> None:
        """Write a panel to a file; asks for its name where none is given."""
        panel = self.panels[key]
        if path is None:
            name = f"{self.feed.name}-{key}-step{self.feed.state.facts.step}.png"
            filters = ";;".join(f"{kind.upper()} (*.{kind})" for kind in KINDS)
            chosen, _ = QFileDialog.getSaveFileName(self, f"Export {panel.title}", name, filters)
            if not chosen:
                return
            path = Path(chosen)
        try:
            export(panel, path)
        except ExportError as error:
            self.statusBar().showMessage(f"not exported: {error}", 10_000)
            return
        self.statusBar().showMessage(f"{panel.title} is in {path}", 10_000)

    def hold(self) -> None:
        """Hold the replay; or the picture of a live run, whose banner goes on."""
        if self.feed.replay is not None:
            self.replay_bar.toggle()
        else:
            self.frozen = not self.frozen

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the layout."""
        self._timer.stop()
        if self._settings is not None:
            self._settings.setValue("theme", self.theme.name)
            self._settings.setValue("geometry", self.saveGeometry())
            self._settings.setValue("docks", self.saveState(LAYOUT))
        super().closeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The help covers all of it."""
        super().resizeEvent(event)
        self.help.setGeometry(self.rect())

    # Inside

    def _add_panel(self, key: str, panel: Panel) -> None:
        dock = QDockWidget(f"{panel.title} ({key})", self)
        dock.setObjectName(f"dock-{panel.key}")
        dock.setWidget(panel)
        dock.setTitleBarWidget(panel.bar)
        panel.setMinimumSize(220, 140)
        self.panels[panel.key], self.docks[panel.key] = panel, dock
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)

    def _restore(self) -> None:
        geometry = docks = None
        if self._settings is not None:
            geometry, docks = self._settings.value("geometry"), self._settings.value("docks")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        if not (isinstance(docks, QByteArray) and self.restoreState(docks, LAYOUT)):
            self.arrange()

    def under_mouse(self) -> str:
        """Key of the panel under the mouse; of `learning` where none is."""
        return next((key for key, panel in self.panels.items() if panel.underMouse()), "learning")

    def autoscale(self) -> None:
        """All plots to their full range."""
        for panel in self.panels.values():
            for plot in panel.plots():
                plot.enableAutoRange()
            panel.again()

    def escape(self) -> None:
        """Take no for the answer, and close what covers the panels."""
        self.help.setVisible(False)
        self.ask_bar.withdraw()

    def toggle_help(self) -> None:
        """Show the keys, or no more."""
        self.help.toggle()

    def full_screen(self) -> None:
        """All of the screen, and back."""
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def begin_note(self) -> None:
        """Let a note be written."""
        self.show_panel("log")
        self.log.note.setFocus()
