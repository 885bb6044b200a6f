"""Whether the bench moves: what drift watch and trust gate told, beside the twin's residual."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QVBoxLayout, QWidget

from hil.monitor.state.drift import Seen
from hil.monitor.state.run_state import RunState
from hil.monitor.state.words import drift_words
from hil.monitor.window.panel import Line, Panel, canvas, new_plot, relabel
from hil.monitor.window.theme import Theme


class DriftPanel(Panel):
    """Residual of the twin in signal units (s.u.); alarms, actions, verdicts and visits as marks.

    The alarm ratio is the mean square residual over the expected one: circles of the whole,
    triangles of what is new.
    """

    title, key = "Drift", "drift"
    parts = ("drift", "learning")
    empty = "No step was told yet."

    def body(self) -> QWidget:
        view = canvas()
        self._trend = new_plot(view, 0, 0, "step", "residual / s.u.", colspan=2)
        self._residual = self._trend.plot()
        self._marks = {
            what: pg.ScatterPlotItem(symbol=symbol, size=12, pen=None)
            for what, symbol in (("alarm", "t"), ("action", "s"), ("gate", "d"))
        }
        for marks in self._marks.values():
            self._trend.addItem(marks)
        self._ratio = new_plot(view, 1, 0, "step", "alarm ratio / 1")
        self._whole = pg.ScatterPlotItem(symbol="o", size=9, pen=None)
        self._new = pg.ScatterPlotItem(symbol="t1", size=9, pen=None)
        for dots in (self._whole, self._new):
            self._ratio.addItem(dots)
        self._moved = new_plot(view, 1, 1, "step", "moved / rad")
        self._walk = self._moved.plot(symbol="o", symbolSize=7)
        self._last = Line()
        whole = QWidget()
        inside = QVBoxLayout(whole)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(2)
        inside.addWidget(self._last)
        inside.addWidget(view, 1)
        return whole

    def plots(self) -> Sequence[Any]:
        return (self._trend, self._ratio, self._moved)

    def apply(self, theme: Theme) -> None:
        super().apply(theme)
        self._residual.setPen(pg.mkPen(theme.highlight, width=2))
        for what, colour in (("alarm", theme.bad), ("action", theme.good), ("gate", theme.warn)):
            self._marks[what].setBrush(pg.mkBrush(colour))
        self._whole.setBrush(pg.mkBrush(theme.bad))
        self._new.setBrush(pg.mkBrush(theme.highlight))
        self._walk.setPen(pg.mkPen(theme.highlight, width=2))
        self._walk.setSymbolBrush(theme.highlight)
        self._last.setStyleSheet(f"color: {theme.dim};")

    def has_data(self, state: RunState) -> bool:
        return state.learning.last is not None

    def show_state(self, state: RunState) -> None:
        drift, trail = state.drift, state.learning.residual
        core = "" if state.facts.bench is None else state.facts.bench.core
        unit = "half-w." if core == "microring" else "rad"
        relabel(self._moved, "left", f"moved / {unit}")
        end = max(state.lifecycle.steps, state.facts.step, 1)
        x, y = trail.x.copy(), trail.y[:, 0].copy()
        self._residual.setData(x, y)
        top = float(y.max()) if len(y) else 1.0
        self._trend.setYRange(0, top * 1.25 or 1.0, padding=0)
        for what, height in (("alarm", 1.16), ("action", 1.08), ("gate", 1.0)):
            steps = [one.step for one in drift.of(what)]
            self._marks[what].setData(steps, [height * top] * len(steps))
        alarms = drift.of("alarm")
        self._whole.setData(*_points(alarms, "ratio"))
        self._new.setData(*_points(alarms, "ratio_new"))
        highest = [one.numbers.get("ratio", math.nan) for one in alarms] + [1.0]
        self._ratio.setYRange(0, 1.1 * float(np.nanmax(highest)), padding=0.02)
        steps, moved = _points(drift.of("health"), "moved")
        self._walk.setData(steps, moved)
        self._moved.setYRange(0, 1.2 * max([*moved, 0.01]), padding=0)
        for plot in (self._trend, self._ratio, self._moved):
            plot.setXRange(0, end, padding=0.01)
        self.say(drift_words(state))
        self._last.say("" if drift.last is None else f"step {drift.last.step}: {drift.last.text}")


def _points(seen: list[Seen], name: str) -> tuple[list[int], list[float]]:
    found = [(one.step, one.numbers[name]) for one in seen if name in one.numbers]
    found = [(step, value) for step, value in found if math.isfinite(value)]
    return [step for step, _ in found], [value for _, value in found]
