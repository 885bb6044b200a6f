"""Loss and accuracy over the steps, with the references beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from hil.monitor.state.run_state import RunState
from hil.monitor.window.key_row import Key, KeyRow
from hil.monitor.window.panel import Panel, below_keys, canvas, new_plot
from hil.monitor.window.theme import Theme

#: Points over which the bold curve is smoothed.
SMOOTH = 15
#: Lines of baselines, as many as can be told apart.
STROKES = (
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DashDotDotLine,
)


class LearningPanel(Panel):
    """Thin: each batch. Bold: its running mean, and held-out accuracy by epoch."""

    title, key = "Learning", "learning"
    parts = ("learning",)
    empty = "No step was told yet.\nLoss and accuracy appear with the first batch."

    def body(self) -> QWidget:
        view = canvas()
        self._loss = new_plot(view, 0, 0, "step", "loss / nat")
        self._accuracy = new_plot(view, 0, 1, "step", "accuracy / share right")
        self._accuracy.setXLink(self._loss)
        self._accuracy.setYRange(0.0, 1.0, padding=0.02)
        self._batch_loss = self._loss.plot(name="batch")
        self._mean_loss = self._loss.plot(name=f"mean of {SMOOTH}")
        self._batch_right = self._accuracy.plot(name="batch")
        self._held_out = self._accuracy.plot(symbol="o", symbolSize=6, name="held-out")
        self._tested = pg.ScatterPlotItem(symbol="star", size=17, name="test")
        self._accuracy.addItem(self._tested)
        self._lines = [pg.InfiniteLine(angle=0) for _ in STROKES]
        for line in self._lines:
            line.setVisible(False)
            self._accuracy.addItem(line)
        self.keys = KeyRow()
        return below_keys(self.keys, view)

    def plots(self) -> Sequence[Any]:
        return (self._loss, self._accuracy)

    def apply(self, theme: Theme) -> None:
        super().apply(theme)
        thin = pg.mkPen(theme.dim + "90", width=1)
        bold = pg.mkPen(theme.highlight, width=2)
        self._batch_loss.setPen(thin)
        self._batch_right.setPen(thin)
        self._mean_loss.setPen(bold)
        self._held_out.setPen(bold)
        self._held_out.setSymbolBrush(theme.highlight)
        self._held_out.setSymbolPen(theme.panel)
        self._tested.setBrush(theme.warn)
        self._tested.setPen(theme.text)
        for line, stroke in zip(self._lines, STROKES, strict=True):
            line.setPen(pg.mkPen(theme.banks[1], width=1.5, style=stroke))
        self.keys.apply(theme.text)

    def has_data(self, state: RunState) -> bool:
        return state.learning.last is not None

    def show_state(self, state: RunState) -> None:
        learning = state.learning
        x, y = learning.steps.x.copy(), learning.steps.y.copy()
        self._batch_loss.setData(x, y[:, 0], connect="finite")
        self._mean_loss.setData(x, smoothed(y[:, 0]), connect="finite")
        self._batch_right.setData(x, y[:, 1], connect="finite")
        at, epochs = learning.epochs.x.copy(), learning.epochs.y.copy()
        self._held_out.setData(at, epochs[:, 0], connect="finite")
        end = x[-1:] if learning.tested is not None else x[:0]
        self._tested.setData(end, [learning.tested] * len(end))
        planned = state.lifecycle.steps
        # A resumed run may have been cut back to before its first step.
        reached = x[-1] if len(x) else 0
        self._loss.setXRange(0, max(planned, reached, 1), padding=0.025)
        self.keys.say([*self._curve_keys(learning.tested), *self._baselines(learning.baselines)])
        self.say(*headlines(state))

    def _curve_keys(self, tested: float | None) -> list[Key]:
        theme = self.theme
        keys = [
            Key("batch", theme.dim, 1.0),
            Key(f"loss, mean of {SMOOTH}", theme.highlight),
            Key("held-out", theme.highlight, symbol="o"),
        ]
        return keys if tested is None else [*keys, Key("test", theme.warn, 0.0, symbol="star")]

    def _baselines(self, baselines: dict[str, float]) -> list[Key]:
        """Put the lines where they belong; their keys."""
        named = list(baselines.items())[: len(STROKES)]
        for k, line in enumerate(self._lines):
            line.setVisible(k < len(named))
            if k < len(named):
                line.setValue(named[k][1])
        return [
            Key(f"{name} {value:.3f}", self.theme.banks[1], 1.5, stroke)
            for (name, value), stroke in zip(named, STROKES, strict=False)
        ]


def smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the last SMOOTH points, (points,)."""
    if len(values) < 2:
        return values
    total = np.cumsum(np.concatenate([[0.0], np.nan_to_num(values)]))
    last = np.arange(1, len(values) + 1)
    first = np.maximum(last - SMOOTH, 0)
    return (total[last] - total[first]) / (last - first)


def headlines(state: RunState) -> tuple[str, str]:
    """The figures of the moment, and the most important ones."""
    learning = state.learning
    assert learning.last is not None
    loss, batch = f"loss {learning.last.loss:.3f} nat", f"batch {learning.last.accuracy:.3f}"
    more = []
    if learning.last_epoch is not None:
        more.append(f"held-out {learning.last_epoch.held_out_accuracy:.3f}")
    if learning.tested is not None:
        more.append(f"★ test {learning.tested:.3f}")
    full, short = [loss, batch, *more], more or [loss]
    if (where := learning.last.measured_on) != "bench":
        full.append(f"on the {where}, not the bench")
        short = [f"on the {where}", *short]
    return "   ".join(full), "   ".join(short)
