"""What each bank's chip burns in all, beside what it may."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from hil.monitor.state.run_state import RunState
from hil.monitor.window.key_row import Key, KeyRow
from hil.monitor.window.panel import Panel, below_keys, canvas, new_plot
from hil.monitor.window.theme import Theme


class PowerPanel(Panel):
    """Nominal heater power of all elements of a bank, over the steps."""

    title, key = "Chip power", "power"
    parts = ("heaters",)
    empty = "No levels were told yet."

    def body(self) -> QWidget:
        view = canvas()
        self._plot = new_plot(view, 0, 0, "step", "heater power of a chip / W")
        self._limit = pg.InfiniteLine(angle=0)
        self._plot.addItem(self._limit)
        self._curves: list[Any] = []
        self.keys = KeyRow()
        return below_keys(self.keys, view)

    def plots(self) -> Sequence[Any]:
        return (self._plot,)

    def apply(self, theme: Theme) -> None:
        super().apply(theme)
        self._limit.setPen(pg.mkPen(theme.bad, width=2, style=Qt.PenStyle.DashLine))
        self.keys.apply(theme.text)
        for curve in self._curves:
            self._plot.removeItem(curve)
        self._curves = []

    def has_data(self, state: RunState) -> bool:
        return state.heaters.levels is not None and len(state.heaters.chip_power.x) > 0

    def show_state(self, state: RunState) -> None:
        trail, bench = state.heaters.chip_power, state.facts.bench
        assert bench is not None
        if len(self._curves) > trail.width:
            self.apply(self.theme)
        while len(self._curves) < trail.width:
            k = len(self._curves)
            pen = pg.mkPen(self.theme.bank(k), width=2)
            self._curves.append(self._plot.plot(pen=pen, name=f"bank {k}"))
        x, y = trail.x.copy(), trail.y.copy()
        for k, curve in enumerate(self._curves):
            curve.setData(x, y[:, k])
        self._limit.setValue(bench.power_max)
        top = 1.08 * max(bench.power_max, float(y.max()))
        self._plot.setRange(
            xRange=(0, max(state.lifecycle.steps, x[-1], 1)), yRange=(0, top), padding=0
        )
        keys = [Key(f"bank {k}", self.theme.bank(k)) for k in range(trail.width)]
        limit = f"limit of each {bench.power_max:.3g} W"
        self.keys.say([*keys, Key(limit, self.theme.bad, 2.0, Qt.PenStyle.DashLine)])
        now = "   ".join(f"bank {k}: {value:.3g} W" for k, value in enumerate(y[-1]))
        most = y[-1].max()
        self.say(
            f"{now}   of {bench.power_max:g} W each",
            f"{most:.3g} W at most, of {bench.power_max:g} W",
        )
