"""The keys of the window, and what each does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence, QShortcut

from hil.monitor.window.panels import PANELS
from hil.monitor.window.replay_bar import STEP
from hil.telemetry.commands import Verb

if TYPE_CHECKING:
    from hil.monitor.window.main_window import MonitorWindow


def bind(window: MonitorWindow) -> list[tuple[str, str]]:
    """Bind all keys; gives them with their meaning, for the help."""
    bound: list[tuple[str, str, Callable[[], object]]] = [
        ("P", "pause or resume the run (asks)", window.ask_pause),
        ("S", "stop after this step (asks)", lambda: window.ask(Verb.STOP)),
        ("O", "drive the bench OFF (asks; Enter agrees)", lambda: window.ask(Verb.OFF)),
        ("Esc", "no; close this", window.escape),
        ("N", "write a note", window.begin_note),
        ("Space", "hold the picture, or the replay", window.hold),
        ("Left", "replay: back", lambda: window.replay_bar.go(-STEP)),
        ("Right", "replay: on", lambda: window.replay_bar.go(STEP)),
        ("+", "replay: faster", lambda: window.replay_bar.faster(2.0)),
        ("-", "replay: slower", lambda: window.replay_bar.faster(0.5)),
        ("T", "dark or light", window.toggle_theme),
        (
            "E",
            "export the panel under the mouse",
            lambda: window.export_panel(window.under_mouse()),
        ),
        ("A", "all plots to their full range", window.autoscale),
        ("R", "panels back to their places", window.arrange),
        ("F11", "full screen", window.full_screen),
        ("F1", "these keys", window.toggle_help),
        ("?", "", window.toggle_help),
        ("Ctrl+Q", "close the window; the run goes on", window.close),
    ]
    for key, kind in PANELS:
        bound.append((key, f"panel {kind.title}", lambda k=kind.key: window.show_panel(k)))
    for key, _, do in bound:
        QShortcut(QKeySequence(key), window).activated.connect(do)
    return [(key, meaning) for key, meaning, _ in bound if meaning]
