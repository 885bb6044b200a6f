"""Where bench time goes: the last intervals of the ledger as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QWidget

from hil.monitor.state.run_state import RunState
from hil.monitor.state.spending import KEPT
from hil.monitor.window.key_row import Key, KeyRow
from hil.monitor.window.panel import Panel, below_keys, canvas, new_plot, set_ticks
from hil.monitor.window.scales import steady
from hil.monitor.window.theme import Theme

#: Categories that have a colour of their own; the rest go together.
MOST = 6


class TimePanel(Panel):
    """One bar an interval of the ledger, usually an epoch, in ms a step; the newest on top."""

    title, key = "Bench time", "time"
    parts = ("spending",)
    empty = (
        "No interval of the ledger was told yet.\n"
        "It is told at the end of every epoch; a bar is what came between two tellings."
    )

    def body(self) -> QWidget:
        view = canvas()
        self._plot = new_plot(view, 0, 0, "bench time of a step / ms", "steps of the interval")
        self._plot.getAxis("left").setWidth(96)
        self._plot.setMouseEnabled(x=False, y=False)
        self._bars: list[tuple[str, Any]] = []
        self.keys = KeyRow()
        return below_keys(self.keys, view)

    def plots(self) -> Sequence[Any]:
        return (self._plot,)

    def apply(self, theme: Theme) -> None:
        super().apply(theme)
        self._plot.showGrid(x=True, y=False, alpha=0.25)
        self.keys.apply(theme.text)
        self._clear()

    def _clear(self) -> None:
        for _, bar in self._bars:
            self._plot.removeItem(bar)
        self._bars = []

    def has_data(self, state: RunState) -> bool:
        return bool(state.spending.intervals)

    def show_state(self, state: RunState) -> None:
        spending = state.spending
        shown = list(spending.intervals)[::-1]
        names = spending.categories
        own, rest = names[:MOST], names[MOST:]
        labels = own + ([f"other ({', '.join(rest)})"] if rest else [])
        if [name for name, _ in self._bars] != labels:
            self._clear()
            self._bars = [(name, self._new_bar(k)) for k, name in enumerate(labels)]
        at = np.arange(len(shown))
        left = np.zeros(len(shown))
        for k, (_, bar) in enumerate(self._bars):
            of = [names[k]] if k < MOST else rest
            width = np.array([1e3 * sum(i.a_step.get(n, 0.0) for n in of) for i in shown])
            bar.setOpts(x0=left, width=width, y=at, height=0.72)
            left = left + width
        self.keys.say([self._key(k, name, bar) for k, (name, bar) in enumerate(self._bars)])
        ticks = [(k, f"{one.first + 1}–{one.last}") for k, one in enumerate(shown)]
        set_ticks(self._plot, "left", [ticks])
        self._plot.setRange(
            xRange=(0, 1.03 * steady(max(float(left.max(initial=0.0)), 1e-3))),
            yRange=(max(len(shown), KEPT // 2) - 0.5, -0.5),
            padding=0,
        )
        self._plot.invertY(True)
        passes = "   ".join(f"{name} {int(value)}" for name, value in spending.passes.items())
        in_all = f"bench {spending.bench_seconds:.1f} s in all"
        number = int(sum(spending.passes.values()))
        self.say(f"{in_all}   passes: {passes}", f"{in_all}   device passes {number}", in_all)

    def _colour(self, index: int) -> str:
        return self.theme.categories[index % len(self.theme.categories)]

    def _key(self, index: int, name: str, bar: Any) -> Key:
        newest = bar.opts["width"]
        took = f" {newest[0]:.1f} ms" if len(newest) else ""
        return Key(f"{name}{took}", self._colour(index), block=True)

    def _new_bar(self, index: int) -> Any:
        colour = self._colour(index)
        bar = pg.BarGraphItem(
            x0=[], width=[], y=[], height=0.72, brush=colour, pen=pg.mkPen(self.theme.panel)
        )
        self._plot.addItem(bar)
        return bar
