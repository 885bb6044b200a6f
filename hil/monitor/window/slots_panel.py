"""The schedule, and what every port read in every slot of the last step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from hil.monitor.state.ports import Traces
from hil.monitor.state.run_state import RunState
from hil.monitor.window.panel import Panel, canvas, new_plot, relabel, set_ticks
from hil.monitor.window.scales import steady
from hil.monitor.window.theme import Theme

#: Points that one slot of one port is drawn with: the least and largest of each pixel's piece, so
#: two a pixel, between these bounds.
FEWEST_POINTS, MOST_POINTS = 40, 400
#: A row has room for this many times what only one piece in fifty exceeds; peaks beyond are cut.
ROOM, EXCEEDED = 1.6, 0.98
#: Slots that have a name above them.
MOST_NAMED = 24
#: Pixels that their names are high, and the number of a port.
NAME_HEIGHT, NUMBER_HEIGHT = 22, 12
#: Marks of clipped points that are drawn.
MOST_MARKS = 500
ALL = "all ports"


class SlotsPanel(Panel):
    """One row a port; inside a slot the samples of the batch, from left to right."""

    title, key = "Slots", "slots"
    parts = ("ports",)
    turns = 1
    empty = "No slots were told yet.\nThey appear when a batch was measured on the bench."

    def body(self) -> QWidget:
        self._port = QComboBox()
        self._port.addItem(ALL)
        self._sent = QCheckBox("what was sent, too")
        for changed in (self._port.currentIndexChanged, self._sent.toggled):
            changed.connect(lambda *_: self.again())
        view = canvas()
        self._plot = new_plot(view, 0, 0, "slot", "port")
        self._plot.invertY(True)
        self._plot.getAxis("left").setWidth(60)
        self._curves: list[Any] = []
        self._sent_curve = self._plot.plot(connect="finite")
        self._names: list[Any] = []
        self._marks = pg.ScatterPlotItem(symbol="x", size=9)
        self._plot.addItem(self._marks)
        top = QHBoxLayout()
        top.addWidget(self._port)
        top.addWidget(self._sent)
        top.addStretch(1)
        whole = QWidget()
        inside = QVBoxLayout(whole)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(2)
        inside.addLayout(top)
        inside.addWidget(view, 1)
        return whole

    def plots(self) -> Sequence[Any]:
        return (self._plot,)

    def apply(self, theme: Theme) -> None:
        super().apply(theme)
        self._plot.showGrid(x=True, y=False, alpha=0.3)
        self._sent_curve.setPen(pg.mkPen(theme.dim + "a0"))
        self._marks.setPen(pg.mkPen(theme.bad, width=2))
        for curve in self._curves:
            self._plot.removeItem(curve)
        self._curves = []

    def has_data(self, state: RunState) -> bool:
        return state.ports.traces is not None

    def show_state(self, state: RunState) -> None:
        traces = state.ports.traces
        assert traces is not None
        ports = self._ports(traces.measured.shape[2])
        single = len(ports) == 1
        x, y = pieces(traces.measured[:, :, ports], self._points(len(traces.banks)))
        half = _half_row(y, single)
        self._draw(traces, x, y, half, single)
        self._draw_sent(traces, ports, half, single)
        self._mark_clipped(traces, ports, half, single)
        samples = traces.measured.shape[0]
        relabel(self._plot, "bottom", f"slot ({samples} samples in each, side by side)")
        if single:
            relabel(self._plot, "left", f"port {ports[0]} / signal units")
            set_ticks(self._plot, "left", None)
            top = half + 2 * half * self._share_of_names()
            self._plot.setYRange(-half, top, padding=0)
            self._name_slots(traces, top)
        else:
            relabel(self._plot, "left", "port")
            high = self._plot.getViewBox().height() - NAME_HEIGHT
            every = max(math.ceil(len(ports) * NUMBER_HEIGHT / max(high, NUMBER_HEIGHT)), 1)
            named = [(k, str(p)) for k, p in enumerate(ports) if k % every == 0]
            set_ticks(self._plot, "left", [named, []])
            top = -0.55 - (len(ports) + 0.1) * self._share_of_names()
            self._plot.setYRange(top, len(ports) - 0.45, padding=0)
            self._name_slots(traces, top)
        self._plot.invertY(not single)
        slots = len(traces.banks)
        self._plot.setXRange(0, slots, padding=0)
        every = -(-slots // 16)
        named = [(k + 0.5, str(k)) for k in range(0, slots, every)]
        set_ticks(self._plot, "bottom", [[(k, "") for k in range(slots + 1)], named])
        clipped, cut = int(traces.clipped.sum()), int((np.abs(y) > half).sum())
        lasted = 1e3 * float(traces.times[-1] - traces.times[0])
        step, clips = f"step {traces.step}", "none clipped"
        if clipped:
            clips = f"{clipped} points CLIPPED (x)"
        peaks = [f"peaks beyond their row: {cut}"] if cut else []
        high = [] if single else [f"rows ±{half:g} signal units"]
        begun = f"{slots} slots, begun within {lasted:.3g} ms"
        self.say(
            "   ".join([step, begun, *high, clips, *peaks]),
            "   ".join([step, *high, clips, *peaks]),
            "   ".join([step, clips, *(["peaks cut"] if cut else [])]),
            clips,
        )

    def _ports(self, number: int) -> list[int]:
        if self._port.count() != number + 1:
            self._port.blockSignals(True)
            self._port.clear()
            self._port.addItems([ALL, *(f"port {p}" for p in range(number))])
            self._port.blockSignals(False)
        chosen = self._port.currentIndex() - 1
        return list(range(number)) if chosen < 0 else [chosen]

    def _points(self, slots: int) -> int:
        """How many points a slot of this many has room for."""
        wide = 2.0 * self._plot.getViewBox().width() / slots
        return int(min(max(wide, FEWEST_POINTS), MOST_POINTS))

    def _draw(
        self, traces: Traces, x: NDArray[Any], y: NDArray[Any], half: float, single: bool
    ) -> None:
        n_banks = int(traces.banks.max()) + 1
        while len(self._curves) < n_banks:
            pen = pg.mkPen(self.theme.bank(len(self._curves)), width=1)
            self._curves.append(self._plot.plot(pen=pen, connect="finite"))
        for bank, curve in enumerate(self._curves):
            slots = np.flatnonzero(traces.banks == bank)
            curve.setData(*_laid_out(x, y, slots, half, single))

    def _draw_sent(self, traces: Traces, ports: list[int], half: float, single: bool) -> None:
        if not self._sent.isChecked():
            self._sent_curve.setData([], [])
            return
        slots = np.arange(len(traces.banks))
        x, y = pieces(traces.sent[:, :, ports], self._points(len(slots)))
        y = y * (half / steady(float(np.nanmax(np.abs(y), initial=0.0))))
        self._sent_curve.setData(*_laid_out(x, y, slots, half, single))

    def _mark_clipped(self, traces: Traces, ports: list[int], half: float, single: bool) -> None:
        sample, slot, port = np.nonzero(traces.clipped[:, :, ports])
        keep = slice(None, None, max(len(sample) // MOST_MARKS, 1))
        sample, slot, port = sample[keep], slot[keep], port[keep]
        x = slot + (sample + 0.5) / traces.measured.shape[0]
        y = np.nan_to_num(traces.measured[:, :, ports][sample, slot, port])
        self._marks.setData(x, y if single else port - 0.5 * (y / half).clip(-1.0, 1.0))

    def _share_of_names(self) -> float:
        """How much of the plot's height the names of banks take."""
        return NAME_HEIGHT / max(self._plot.getViewBox().height() - NAME_HEIGHT, NAME_HEIGHT)

    def _name_slots(self, traces: Traces, top: float) -> None:
        banks = traces.banks[:MOST_NAMED]
        while len(self._names) < len(banks):
            text = pg.TextItem(anchor=(0.5, 0.0))
            self._plot.addItem(text, ignoreBounds=True)
            self._names.append(text)
        for k, text in enumerate(self._names):
            text.setVisible(k < len(banks))
            if k < len(banks):
                text.setText(f"bank {banks[k]}", color=self.theme.bank(int(banks[k])))
                text.setPos(k + 0.5, top)


def _laid_out(
    x: NDArray[Any], y: NDArray[Any], slots: NDArray[Any], half: float, single: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One curve with gaps through some slots and all ports: y (points, slots, ports) at x in 0..1.

    Rows of ports lie one apart; what is higher than half a row is cut where the next one begins.
    """
    points, _, ports = y.shape
    shown = y[:, slots]
    if not single:
        shown = np.arange(ports) - 0.5 * (shown / half).clip(-1.0, 1.0)
    whole = np.full((ports, len(slots), points + 1), np.nan)
    whole[:, :, :points] = shown.transpose(2, 1, 0)
    across = np.full(whole.shape, np.nan)
    across[:, :, :points] = slots[None, :, None] + x
    return across.ravel(), whole.ravel()


def pieces(
    samples: NDArray[Any], most: int = MOST_POINTS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Few points that look like many: (batch, ...) to (points, ...), and their places in 0..1.

    Where there are more than `most`, the least and the largest of each piece, so that no spike is
    lost.
    """
    number = samples.shape[0]
    if number <= most:
        return (np.arange(number) + 0.5) / number, np.asarray(samples, dtype=np.float64)
    size = -(-2 * number // most)
    starts = np.arange(0, number, size)
    least, largest = (
        of.reduceat(samples, starts, axis=0, dtype=np.float64) for of in (np.fmin, np.fmax)
    )
    both = np.stack([least, largest], axis=1)
    x = (np.arange(2 * len(starts)) + 0.5) * size / (2 * number)
    return x.clip(0.0, 1.0), both.reshape(2 * len(starts), *samples.shape[1:])


def _half_row(y: NDArray[Any], single: bool) -> float:
    """How far from its middle a row reaches, signal units: one port all of it, else most of it."""
    sizes = np.abs(y[np.isfinite(y)])
    if not sizes.size:
        return 1.0
    largest = float(sizes.max())
    if single:
        return steady(largest)
    return steady(min(largest, ROOM * float(np.quantile(sizes, EXCEEDED))) or largest)
