"""What the twin believed beside what was measured, and where it is wrong."""

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

#: Dots that are shown of the pairs, about: more take time and show no more. In odd steps, so that
#: all ports and banks are among them.
DOTS = 500


class TwinPanel(Panel):
    """Scatter of pairs, residual of each slot and port, residual over the steps."""

    title, key = "Twin", "twin"
    parts = ("twin",)
    empty = "The twin was not asked yet.\nEvery few steps it tells what it had believed."

    def body(self) -> QWidget:
        view = canvas()
        self._pairs = new_plot(view, 0, 0, "measured / s.u.", "believed / s.u.")
        self._pairs.setAspectLocked(False)
        self._same = self._pairs.plot()
        self._dots = pg.ScatterPlotItem(pen=None, size=4)
        self._pairs.addItem(self._dots)
        self._map = ColourMap(view, 0, 1, "slot", "port", "residual / s.u.", bar_room=66)
        self._trend = new_plot(view, 1, 0, "step", "rms / s.u.", colspan=2)
        self._rms = self._trend.plot()
        view.ci.layout.setRowStretchFactor(0, 3)
        view.ci.layout.setRowStretchFactor(1, 2)
        return view

    def plots(self) -> Sequence[Any]:
        return (self._pairs, self._map.plot, self._trend)

    def apply(self, theme: Theme) -> None:
        super().apply(theme)
        self._map.dress(theme)
        self._map.plot.showGrid(x=False, y=False)
        self._same.setPen(pg.mkPen(theme.dim, width=1))
        self._rms.setPen(pg.mkPen(theme.highlight, width=2))

    def has_data(self, state: RunState) -> bool:
        return state.twin.pairs is not None and len(state.twin.trail.x) > 0

    def show_state(self, state: RunState) -> None:
        pairs, residual = state.twin.pairs, state.twin.residual
        assert pairs is not None
        assert residual is not None
        n_banks = int(state.twin.banks.max()) + 1
        brushes = [pg.mkBrush(self.theme.bank(k) + "c0") for k in range(n_banks)]
        # In one go, mixed: one bank would else hide the other.
        some = slice(None, None, 1 + 2 * (len(pairs.banks) // (2 * DOTS)))
        self._dots.setData(
            pairs.measured[some],
            pairs.believed[some],
            brush=[brushes[bank] for bank in pairs.banks[some]],
        )
        reach = steady(float(max(np.abs(pairs.measured).max(), np.abs(pairs.believed).max())))
        self._same.setData([-reach, reach], [-reach, reach])
        self._pairs.setRange(xRange=(-reach, reach), yRange=(-reach, reach), padding=0)
        slots, ports = residual.shape
        high = steady(float(np.nanmax(residual, initial=0.0)))
        self._map.show(residual, (-0.5, -0.5, slots, ports), (0.0, high))
        trail = state.twin.trail
        self._rms.setData(trail.x.copy(), trail.y[:, 0].copy())
        self._trend.setXRange(0, max(state.lifecycle.steps, trail.x[-1]), padding=0.01)
        self._trend.setYRange(0, steady(float(trail.y.max())), padding=0)
        worst = state.twin.worst
        where = (
            "" if worst is None else f"   worst {worst[2]:.4f} at slot {worst[0]}, port {worst[1]}"
        )
        step, now = f"step {pairs.step}   ", f"residual {trail.y[-1, 0]:.4f}"
        self.say(
            f"{step}{now} signal units (s.u.) rms{where}",
            f"{step}{now} s.u. rms{where}",
            f"{now} s.u.{where}",
            f"{now} s.u.",
        )
