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
from hil.monitor.window.panel import Panel, canvas, new_plot, relabel
from hil.monitor.window.theme import Theme

#: Points that one slot of one port is drawn with at most: the least and largest of each piece.
MOST_POINTS = 200
#: Slots that have a name above them.
MOST_NAMED = 24
#: Pixels that their names are high.
NAME_HEIGHT = 22
#: Marks of clipped points that are drawn.
MOST_MARKS = 500
ALL = "all ports"


class SlotsPanel(Panel):
    """One row a port; inside a slot the samples of the batch, from left to right."""

    title, key = "Slots", "slots"
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
        scale = _scale(traces.measured[:, :, ports], single)
        self._draw(traces, ports, scale, single)
        self._draw_sent(traces, ports, scale, single)
        self._mark_clipped(traces, ports, scale, single)
        samples = traces.measured.shape[0]
        relabel(self._plot, "bottom", f"slot ({samples} samples in each, side by side)")
        if single:
            relabel(self._plot, "left", f"port {ports[0]} / signal units")
            self._plot.getAxis("left").setTicks(None)
            top = scale + 2 * scale * self._share_of_names()
            self._plot.setYRange(-scale, top, padding=0)
            self._name_slots(traces, top)
        else:
            relabel(self._plot, "left", "port")
            every = -(-len(ports) // 16)
            self._plot.getAxis("left").setTicks(
                [[(k, str(p)) for k, p in enumerate(ports) if k % every == 0], []]
            )
            top = -0.8 - (len(ports) + 0.6) * self._share_of_names()
            self._plot.setYRange(top, len(ports) - 0.2, padding=0)
            self._name_slots(traces, top)
        self._plot.invertY(not single)
        slots = len(traces.banks)
        self._plot.setXRange(0, slots, padding=0)
        every = -(-slots // 16)
        named = [(k + 0.5, str(k)) for k in range(0, slots, every)]
        self._plot.getAxis("bottom").setTicks([[(k, "") for k in range(slots + 1)], named])
        clipped = int(traces.clipped.sum())
        lasted = 1e3 * float(traces.times[-1] - traces.times[0])
        self.say(
            f"step {traces.step}   {slots} slots, starts over {lasted:.3g} ms   "
            + ("" if single else f"rows {scale:g} signal units apart   ")
            + (f"{clipped} points CLIPPED (x)" if clipped else "none clipped")
        )

    def _ports(self, number: int) -> list[int]:
        if self._port.count() != number + 1:
            self._port.blockSignals(True)
            self._port.clear()
            self._port.addItems([ALL, *(f"port {p}" for p in range(number))])
            self._port.blockSignals(False)
        chosen = self._port.currentIndex() - 1
        return list(range(number)) if chosen < 0 else [chosen]

    def _draw(self, traces: Traces, ports: list[int], scale: float, single: bool) -> None:
        n_banks = int(traces.banks.max()) + 1
        while len(self._curves) < n_banks:
            pen = pg.mkPen(self.theme.bank(len(self._curves)), width=1)
            self._curves.append(self._plot.plot(pen=pen, connect="finite"))
        for bank, curve in enumerate(self._curves):
            slots = np.flatnonzero(traces.banks == bank)
            x, y = _laid_out(traces.measured, slots, ports, scale, single)
            curve.setData(x, y)

    def _draw_sent(self, traces: Traces, ports: list[int], scale: float, single: bool) -> None:
        if not self._sent.isChecked():
            self._sent_curve.setData([], [])
            return
        slots = np.arange(len(traces.banks))
        largest = nice(float(np.nanmax(np.abs(traces.sent), initial=0.0)))
        x, y = _laid_out(traces.sent * (scale / largest), slots, ports, scale, single)
        self._sent_curve.setData(x, y)

    def _mark_clipped(self, traces: Traces, ports: list[int], scale: float, single: bool) -> None:
        sample, slot, port = np.nonzero(traces.clipped[:, :, ports])
        keep = slice(None, None, max(len(sample) // MOST_MARKS, 1))
        sample, slot, port = sample[keep], slot[keep], port[keep]
        x = slot + (sample + 0.5) / traces.measured.shape[0]
        y = np.nan_to_num(traces.measured[:, :, ports][sample, slot, port])
        self._marks.setData(x, y if single else port - y / scale)

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
    samples: NDArray[Any], slots: NDArray[Any], ports: list[int], scale: float, single: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One curve with gaps through all slots and ports, from (batch, slots, ports)."""
    x, y = pieces(samples[:, slots][:, :, ports])
    points = x.shape[0]
    shown = y if single else np.arange(len(ports)) - y / scale
    whole = np.full((len(ports), len(slots), points + 1), np.nan)
    whole[:, :, :points] = shown.transpose(2, 1, 0)
    across = np.full(whole.shape, np.nan)
    across[:, :, :points] = slots[None, :, None] + x
    return across.ravel(), whole.ravel()


def pieces(samples: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Few points that look like many: (batch, ...) to (points, ...), and their places in 0..1.

    Where there are too many, the least and the largest of each piece, so that no spike is lost.
    """
    number = samples.shape[0]
    if number <= MOST_POINTS:
        return (np.arange(number) + 0.5) / number, np.asarray(samples, dtype=np.float64)
    size = -(-2 * number // MOST_POINTS)
    whole = number // size
    cut = samples[: whole * size].reshape(whole, size, *samples.shape[1:])
    both = np.stack([cut.min(axis=1), cut.max(axis=1)], axis=1)
    x = (np.arange(2 * whole) + 0.5) * size / (2 * number)
    return x, both.reshape(2 * whole, *samples.shape[1:])


def _scale(samples: NDArray[Any], single: bool) -> float:
    """What all of one port fits into, or what lies between two rows: peaks may cross a little."""
    sizes = np.abs(samples[np.isfinite(samples)])
    if not sizes.size:
        return 1.0
    return nice(float(sizes.max() if single else 2.0 * np.quantile(sizes, 0.95)))


def nice(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    if not math.isfinite(value) or value <= 0.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if value <= step * power * (1 + 1e-9))
