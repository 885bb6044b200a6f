"""Port by port: headroom, clipped points, and how the power that is read has gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QWidget

from hil.monitor.state.run_state import RunState
from hil.monitor.window.maps import ColourMap
from hil.monitor.window.panel import Panel, canvas, new_plot
from hil.monitor.window.scales import steady
from hil.monitor.window.theme import Theme

#: Headroom under which a port is warned of.
LITTLE = 0.1
#: Points of the trend's beginning that it is compared with.
FIRST = 5


class PortsPanel(Panel):
    """Headroom is what is left to the converter's end: bars now, triangles the least of the run.

    Power is the mean square reading of a port over all slots, beside what it was at first.
    """

    title, key = "Ports", "ports"
    parts = ("ports",)
    empty = "No readings were told yet."

    def body(self) -> QWidget:
        view = canvas()
        self._head = new_plot(view, 0, 0, "port", "headroom / %")
        self._head.setYRange(0, 106, padding=0)  # triangles at 100 % are seen whole
        self._bars = pg.BarGraphItem(x=[], height=[], width=0.8)
        self._least = pg.ScatterPlotItem(symbol="t", size=9)
        self._head.addItem(self._bars)
        self._head.addItem(self._least)
        self._clip = new_plot(view, 0, 1, "port", "clipped / %")
        self._clipped = pg.BarGraphItem(x=[], height=[], width=0.8)
        self._clip.addItem(self._clipped)
        self._map = ColourMap(view, 1, 0, "step", "port", "power / dB", centred=True, colspan=2)
        for plot in (self._head, self._clip):
            plot.setMouseEnabled(x=False, y=False)
        return view

    def plots(self) -> Sequence[Any]:
        return (self._head, self._clip, self._map.plot)

    def apply(self, theme: Theme) -> None:
        super().apply(theme)
        self._map.dress(theme)
        self._map.plot.showGrid(x=False, y=False)
        self._least.setPen(pg.mkPen(theme.text))
        self._least.setBrush(pg.mkBrush(theme.text))
        self._clipped.setOpts(brush=theme.bad, pen=pg.mkPen(None))

    def has_data(self, state: RunState) -> bool:
        return state.ports.traces is not None and len(state.ports.power.x) > 0

    def show_state(self, state: RunState) -> None:
        ports = state.ports
        number = len(ports.peak)
        at = np.arange(number)
        self._show_headroom(state, at)
        share = 100.0 * np.nan_to_num(ports.clipped)
        self._clipped.setOpts(x=at, height=share)
        self._clip.setRange(
            xRange=(-0.6, number - 0.4), yRange=(0, max(1.0, float(share.max()))), padding=0
        )
        self._show_power(state)
        total = int(ports.clipped_points.sum())
        clipped = f"{total} points CLIPPED" if total else "none clipped"
        headroom = ports.headroom
        least = ""
        if headroom is not None and np.isfinite(headroom).any():
            least = (
                f"least headroom {100 * np.nanmin(headroom):.0f} % "
                f"(port {int(np.nanargmin(headroom))})   "
            )
        dark, short = _dark(ports.dark)
        self.say(f"{least}{clipped}   {dark}", f"{least}{clipped}   {short}", f"{least}{clipped}")

    def _show_headroom(self, state: RunState, at: np.ndarray) -> None:
        headroom, least = state.ports.headroom, state.ports.least_headroom
        if headroom is None or least is None:
            self._bars.setOpts(x=[], height=[])
            self._least.setData([], [])
            return
        shown = 100.0 * np.nan_to_num(headroom).clip(0.0)
        brushes = [
            pg.mkBrush(self.theme.bad if value < 100.0 * LITTLE else self.theme.highlight)
            for value in shown
        ]
        self._bars.setOpts(x=at, height=shown, brushes=brushes, pen=pg.mkPen(None))
        self._least.setData(at, 100.0 * least.clip(0.0))
        self._head.setXRange(-0.6, len(at) - 0.4, padding=0)

    def _show_power(self, state: RunState) -> None:
        trail = state.ports.power
        x, power = trail.x, np.maximum(trail.y, 1e-12)
        first = np.nanmedian(power[:FIRST], axis=0)
        decibel = 10.0 * np.log10(power / np.maximum(first, 1e-12))
        reach = steady(max(1.0, float(np.nanmax(np.abs(decibel), initial=0.0))))
        began, ended = float(x[0]), float(x[-1])
        width = max(ended - began, 1.0)
        self._map.show(
            decibel,
            (began, -0.5, width, power.shape[1]),
            (-reach, reach),
            across=(0, max(state.lifecycle.steps, ended, 1)),
        )


def _dark(dark: np.ndarray) -> tuple[str, str]:
    """The dark levels in a few words, and in fewer."""
    if not len(dark) or not np.isfinite(dark).any():
        return "dark level not told", "dark ?"
    worst = int(np.nanargmax(np.abs(dark)))
    value = f"{dark[worst]:+.3f}"
    return f"dark level at most {value} signal units (port {worst})", f"dark {value} s.u."
