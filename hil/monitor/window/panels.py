"""All panels of the window, each with the key that brings it to the front."""

from __future__ import annotations

from hil.monitor.window.bench_panel import BenchPanel
from hil.monitor.window.drift_panel import DriftPanel
from hil.monitor.window.heaters_panel import HeatersPanel
from hil.monitor.window.learning_panel import LearningPanel
from hil.monitor.window.links_panel import LinksPanel
from hil.monitor.window.log_panel import LogPanel
from hil.monitor.window.panel import Panel
from hil.monitor.window.ports_panel import PortsPanel
from hil.monitor.window.power_panel import PowerPanel
from hil.monitor.window.slots_panel import SlotsPanel
from hil.monitor.window.time_panel import TimePanel
from hil.monitor.window.twin_panel import TwinPanel

PANELS: tuple[tuple[str, type[Panel]], ...] = (
    ("1", LearningPanel),
    ("2", SlotsPanel),
    ("3", TwinPanel),
    ("4", HeatersPanel),
    ("5", PowerPanel),
    ("6", PortsPanel),
    ("7", DriftPanel),
    ("8", TimePanel),
    ("9", BenchPanel),
    ("0", LinksPanel),
    ("L", LogPanel),
)
