"""Whether the bench moves: what drift watch and trust gate told, beside the twin's residual."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from hil.monitor.state.drift import Drift, Seen
from hil.monitor.state.run_state import RunState
from hil.monitor.state.words import drift_sums, drift_words
from hil.monitor.window.key_row import Key, KeyRow
from hil.monitor.window.panel import Line, Panel, below_keys, canvas, new_plot, relabel
from hil.monitor.window.scales import steady
from hil.monitor.window.theme import Theme

#: Marks by kind, the uppermost row first; pixels of a mark and of its row.
MARKS = {"alarm": "t", "action": "s", "gate": "d"}
MARK, ROW = 11, 13
#: Share of the plot that the rows of marks may take.
MOST_ROWS = 0.7
#: Pixels of the panel from which the steps are named below each plot.
TALL = 230
#: Of the height, for the upper plot and for the lower two.
SHARES = (3, 2)
#: What the watch's sums are of, and their strokes.
SUMS = ("CUSUM of all", "of what is new", "of one element")
STROKES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashDotLine, Qt.PenStyle.SolidLine)


class DriftPanel(Panel):
    """Residual of the twin in signal units (s.u.); alarms, actions, verdicts and visits as marks.

    The sums of the watch (CUSUM) are shares of where they alarm: of the whole residual, of what is
    new in it, and the largest of a single element.
    """

    title, key = "Drift", "drift"
    parts = ("drift", "learning")
    empty = "No step was told yet."

    def body(self) -> QWidget:
        view = canvas()
        self._trend = new_plot(view, 0, 0, "step", "rms / s.u.", colspan=2)
        self._residual = self._trend.plot()
        self._marks = {
            what: pg.ScatterPlotItem(symbol=symbol, size=MARK, pen=None)
            for what, symbol in MARKS.items()
        }
        for marks in self._marks.values():
            self._trend.addItem(marks)
        self._cusum = new_plot(view, 1, 0, "step", "CUSUM / 1")
        self._sums = [self._cusum.plot(name=name) for name in SUMS]
        self._limit = pg.InfiniteLine(1.0, angle=0)
        self._cusum.addItem(self._limit)
        self._moved = new_plot(view, 1, 1, "step", "moved / rad")
        self._walk = self._moved.plot(symbol="o", symbolSize=7)
        for row, share in enumerate(SHARES):
            # Where there is less room than Qt prefers, it would share it evenly.
            view.ci.layout.setRowPreferredHeight(row, 1.0)
            view.ci.layout.setRowStretchFactor(row, share)
        self._last, self.keys = Line(), KeyRow()
        whole = QWidget()
        inside = QVBoxLayout(whole)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(2)
        inside.addWidget(self._last)
        inside.addWidget(below_keys(self.keys, view), 1)
        return whole

    def plots(self) -> Sequence[Any]:
        return (self._trend, self._cusum, self._moved)

    def apply(self, theme: Theme) -> None:
        super().apply(theme)
        self._residual.setPen(pg.mkPen(theme.highlight, width=2))
        for what, colour in (("alarm", theme.bad), ("action", theme.good), ("gate", theme.warn)):
            self._marks[what].setBrush(pg.mkBrush(colour))
        keys = []
        for curve, name, colour, stroke in zip(
            self._sums, SUMS, (theme.highlight, theme.good, theme.warn), STROKES, strict=True
        ):
            curve.setPen(pg.mkPen(colour, width=2, style=stroke))
            keys.append(Key(name, colour, 2.0, stroke))
        keys.append(Key("alarm at 1", theme.bad, 1.5, Qt.PenStyle.DashLine))
        self.keys.say(keys)
        self.keys.apply(theme.text)
        self._limit.setPen(pg.mkPen(theme.bad, width=1.5, style=Qt.PenStyle.DashLine))
        self._walk.setPen(pg.mkPen(theme.highlight, width=2))
        self._walk.setSymbolBrush(theme.highlight)
        self._last.setStyleSheet(f"color: {theme.dim};")

    def has_data(self, state: RunState) -> bool:
        return state.learning.last is not None

    def show_state(self, state: RunState) -> None:
        drift, trail = state.drift, state.learning.residual
        # Where it is low, the upper plot needs the height for its rows of marks; all three have the
        # same steps, which then are named below the lower two.
        steps_named = self._trend.getAxis("bottom")
        if steps_named.label.isVisible() != (tall := self.height() >= TALL):
            steps_named.showLabel(tall)
        core = "" if state.facts.bench is None else state.facts.bench.core
        unit = "HWHM" if core == "microring" else "rad"
        relabel(self._moved, "left", f"moved / {unit}")
        end = max(state.lifecycle.steps, state.facts.step, 1)
        x, y = trail.x.copy(), trail.y[:, 0].copy()
        self._residual.setData(x, y)
        self._show_marks(drift, steady(float(y.max()) if len(y) else 1.0))
        at, sums = drift.sums.x.copy(), drift.sums.y.copy()
        for k, curve in enumerate(self._sums):
            curve.setData(at, sums[:, k], connect="finite")
        # A sum that runs far beyond its alarm says no more than that it did.
        highest = float(np.nanmax(sums, initial=1.0)) if len(sums) else 1.0
        self._cusum.setYRange(0, 1.15 * min(highest, 3.0), padding=0)
        steps, moved = _points(drift.of("health"), "moved")
        self._walk.setData(steps, moved)
        self._moved.setYRange(0, 1.2 * max([*moved, 0.01]), padding=0)
        for plot in (self._trend, self._cusum, self._moved):
            plot.setXRange(0, end, padding=0.01)
        self.say(drift_words(state), drift_sums(state))
        self._last.setVisible(drift.last is not None)
        self._last.say("" if drift.last is None else f"step {drift.last.step}: {drift.last.text}")

    def _show_marks(self, drift: Drift, top: float) -> None:
        """Each kind in a row of its own, above all of the curve, which ends at `top`."""
        high = max(self._trend.getViewBox().height(), 1.0)
        row = min(ROW / high, MOST_ROWS / len(self._marks))  # shares of the plot
        size = min(MARK, int(row * high))
        end = top / (1.0 - row * len(self._marks))
        self._trend.setYRange(0, end, padding=0)
        for k, (what, marks) in enumerate(self._marks.items()):
            marks.setSize(size)
            steps = [one.step for one in drift.of(what)]
            marks.setData(steps, [end * (1.0 - row * (k + 0.5))] * len(steps))


def _points(seen: list[Seen], name: str) -> tuple[list[int], list[float]]:
    found = [(one.step, one.numbers[name]) for one in seen if name in one.numbers]
    found = [(step, value) for step, value in found if math.isfinite(value)]
    return [step for step, _ in found], [value for _, value in found]
