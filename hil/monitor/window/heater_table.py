"""All heaters in a table that sorts itself, of which only the visible rows are ever made."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont

from hil.monitor.state.heaters import Heaters
from hil.monitor.window.theme import DARK, Theme

Index = QModelIndex | QPersistentModelIndex
_DISPLAY = Qt.ItemDataRole.DisplayRole
#: Share of all elements whose change is printed bold.
BOLD = 0.05
#: Margin under which a heater is warned of.
LITTLE = 0.1


class HeaterTable(QAbstractTableModel):
    """Rows: all elements of all banks, in the order of the sorted column."""

    NAMES = ("element", "V", "mA", "mW", "left %", "Δ mW")
    WIDTHS = (80, 36, 36, 42, 62, 66)
    MARGIN, CHANGE = 4, 5
    #: Columns that a narrow table leaves out, in this order: the map shows them, too.
    SPARED = (2, 1)
    FORMATS = ("", "{:.2f}", "{:.2f}", "{:.2f}", "{:.1f}", "{:+.3f}")

    def __init__(self) -> None:
        super().__init__()
        self._values: NDArray[np.float64] = np.empty((0, len(self.NAMES)))
        self._order: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._names: tuple[str, ...] = ()
        self._column, self._falling = self.MARGIN, False
        self._much = np.inf
        self._theme = DARK
        self._font = QFont()
        self._font.setBold(True)

    def apply(self, theme: Theme) -> None:
        """Take on a theme."""
        self._theme = theme

    def show(self, heaters: Heaters, names: tuple[str, ...]) -> None:
        """Show the levels of the moment; `names` of one bank's elements."""
        assert heaters.levels is not None
        n_banks, elements = heaters.levels.shape
        number = np.arange(n_banks * elements)
        change = 1e3 * heaters.change
        values = np.stack(
            [
                number,
                heaters.volts.ravel(),
                1e3 * heaters.amperes.ravel(),
                1e3 * heaters.levels.ravel(),
                100.0 * heaters.margin.ravel(),
                change.ravel(),
            ],
            axis=1,
        )
        ranked = np.sort(np.abs(change).ravel())[::-1]
        self._much = float(ranked[int(BOLD * len(ranked))])
        if len(values) != len(self._values):
            self.beginResetModel()
            self._values, self._names = values, names
            self._sort()
            self.endResetModel()
            return
        self._values, self._names = values, names
        self._sort()
        self._tell()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column."""
        self._column, self._falling = column, order == Qt.SortOrder.DescendingOrder
        self._sort()
        self._tell()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """How many elements."""
        return 0 if parent.isValid() else len(self._values)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """How many columns."""
        return 0 if parent.isValid() else len(self.NAMES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        """Names of the columns, with units."""
        if role == _DISPLAY and orientation == Qt.Orientation.Horizontal:
            return self.NAMES[section]
        return None

    def data(self, index: Index, role: int = _DISPLAY) -> Any:
        """What stands in a cell, and how."""
        row, column = self._values[self._order[index.row()]], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                if column == 0:
                    bank, element = divmod(int(row[0]), len(self._names))
                    return f"{bank}  {self._names[element]}"
                return self.FORMATS[column].format(row[column])
            case Qt.ItemDataRole.TextAlignmentRole:
                return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            case Qt.ItemDataRole.FontRole if column == self.CHANGE and self._changed(row):
                return self._font
            case Qt.ItemDataRole.ForegroundRole:
                if column == self.CHANGE and self._changed(row):
                    return QColor(self._theme.highlight)
                if column == self.MARGIN and row[self.MARGIN] < 100.0 * LITTLE:
                    return QColor(self._theme.bad)
        return None

    def _changed(self, row: NDArray[np.float64]) -> bool:
        return row[self.CHANGE] != 0.0 and abs(row[self.CHANGE]) >= self._much

    def _sort(self) -> None:
        if not len(self._values):
            self._order = np.empty(0, dtype=np.intp)
            return
        key = self._values[:, self._column]
        if self._column == self.CHANGE:
            key = np.abs(key)  # the largest changes together, whichever way they went
        self._order = np.argsort(-key if self._falling else key, kind="stable")

    def _tell(self) -> None:
        if len(self._values):
            last = self.index(len(self._values) - 1, len(self.NAMES) - 1)
            self.dataChanged.emit(self.index(0, 0), last)
