"""The heaters of every bank: a map as they lie on the chip, and a table to sort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from hil.monitor.state.chip_map import chip_map
from hil.monitor.state.heaters import Heaters
from hil.monitor.state.run_state import RunState
from hil.monitor.window.heater_table import HeaterTable
from hil.monitor.window.maps import ColourMap
from hil.monitor.window.panel import Panel, canvas, relabel
from hil.monitor.window.theme import Theme

#: What a map may show: name, unit, values of (n_banks, elements).
QUANTITIES: dict[str, tuple[str, Callable[[Heaters], NDArray[np.float64]]]] = {
    "power": ("mW", lambda h: 1e3 * h.levels if h.levels is not None else np.empty((0, 0))),
    "voltage": ("V", lambda h: h.volts),
    "current": ("mA", lambda h: 1e3 * h.amperes),
    "margin to limit": ("% of the limit left", lambda h: 100.0 * h.margin),
    "change": ("mW since the step before", lambda h: 1e3 * h.change),
}
CHANGE = "change"
#: Elements whose last change is ringed on the map.
RINGED = 8
#: Paintings of the map from one of the table to the next: numbers that race cannot be read.
TABLE_EVERY = 5


class HeatersPanel(Panel):
    """Nominal values: what was written, by V = sqrt(P R) with R of the bench file."""

    title, key = "Heaters", "heaters"
    parts = ("heaters",)
    empty = "No levels were told yet.\nThey appear when a batch was measured on the bench."

    def body(self) -> QWidget:
        self._quantity, self._bank = QComboBox(), QComboBox()
        self._quantity.addItems(list(QUANTITIES))
        self._since_table = TABLE_EVERY
        for box in (self._quantity, self._bank):
            box.currentIndexChanged.connect(lambda *_: self.again())
        top = QHBoxLayout()
        top.addWidget(self._quantity)
        top.addWidget(self._bank)
        top.addStretch(1)
        view = canvas()
        self._map = ColourMap(view, 0, 0, "column of the mesh", "port", "mW")
        self._rings = pg.ScatterPlotItem(symbol="o", size=13, brush=None)
        self._map.plot.addItem(self._rings)
        left = QWidget()
        inside = QVBoxLayout(left)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(2)
        inside.addLayout(top)
        inside.addWidget(view, 1)
        self.table = HeaterTable()
        self._rows = QTableView()
        self._rows.setModel(self.table)
        self._rows.setSortingEnabled(True)
        self._rows.setAlternatingRowColors(True)
        self._rows.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self._rows.verticalHeader().setVisible(False)
        self._rows.verticalHeader().setDefaultSectionSize(21)
        self._rows.sortByColumn(HeaterTable.MARGIN, Qt.SortOrder.AscendingOrder)
        self._rows.setToolTip(
            "bank and element; nominal V, mA, mW; what is left to the limit; change since the step "
            "before (bold: the largest)"
        )
        for column, width in enumerate(HeaterTable.WIDTHS):
            self._rows.setColumnWidth(column, width)
        self._rows.viewport().installEventFilter(self)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(left)
        split.addWidget(self._rows)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setSizes([286, 346])
        return split

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A narrow table leaves out what follows from the power: nobody scrolls sideways."""
        if watched is self._rows.viewport() and event.type() == QEvent.Type.Resize:
            room = self._rows.viewport().width()
            over = sum(HeaterTable.WIDTHS) - room
            for column in HeaterTable.SPARED:
                self._rows.setColumnHidden(column, over > 0)
                over -= HeaterTable.WIDTHS[column]
        return super().eventFilter(watched, event)

    def plots(self) -> Sequence[Any]:
        return (self._map.plot,)

    def apply(self, theme: Theme) -> None:
        super().apply(theme)
        self._map.dress(theme)
        self._map.plot.showGrid(x=False, y=False)
        self._rings.setPen(pg.mkPen(theme.bad, width=2))
        self.table.apply(theme)

    def has_data(self, state: RunState) -> bool:
        return state.heaters.levels is not None

    def show_state(self, state: RunState) -> None:
        heaters, bench = state.heaters, state.facts.bench
        assert heaters.levels is not None
        assert bench is not None
        n_banks, elements = heaters.levels.shape
        if self._bank.count() != n_banks:
            self._bank.clear()
            self._bank.addItems([f"bank {k}" for k in range(n_banks)])
        bank = max(self._bank.currentIndex(), 0)
        name = self._quantity.currentText()
        unit, values_of = QUANTITIES[name]
        layout = chip_map(bench.core, bench.ports, elements)
        self._map.centred = name == CHANGE
        if unit != self._map.unit:
            self._map.name(unit)
            self._map.dress(self.theme)
        relabel(self._map.plot, "bottom", layout.across)
        relabel(self._map.plot, "left", layout.down)
        grid = layout.place(values_of(heaters)[bank])
        # Some room around, for rings at the edge.
        self._map.show(grid, (-0.5, -0.5, grid.shape[0], grid.shape[1]), padding=0.04)
        change = heaters.change[bank]
        most = np.argsort(-np.abs(change))[:RINGED]
        most = most[change[most] != 0.0]
        self._rings.setData(layout.x[most], layout.y[most])
        self._since_table += 1
        if self._since_table >= TABLE_EVERY:
            self._since_table = 0
            self.table.show(heaters, layout.names)
        else:
            self.again()  # the table is still owed
        margin = heaters.margin
        at, element = np.unravel_index(int(margin.argmin()), margin.shape)
        least = f"least margin {100 * margin[at, element]:.1f} %"
        where = f"{least} at bank {at}, {layout.names[element]}"
        step = f"step {heaters.step}"
        self.say(
            f"{step}   {where}   ○ changed most",
            f"{step}   {where}",
            where,
            least,
        )
