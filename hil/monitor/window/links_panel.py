"""How links, outlets and this window's own feed do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from hil.monitor.state.part import plain
from hil.monitor.state.run_state import RunState
from hil.monitor.state.words import queue_sums, queue_words, whole
from hil.monitor.window.panel import Panel

#: Names of the columns, short, and what they mean.
COLUMNS = {
    "instrument": "as the bench file names it",
    "link": "open, closed, or not used by this run",
    "asked": "exchanges so far",
    "1/s": "exchanges a second of bench time, between the last two tellings",
    "busy %": "share of bench time that the link was busy, between the last two tellings",
    "driver": "that speaks to it",
    "resource": "where it is reached; the whole is the tip",
}
RATES, RESOURCE = (3, 4), len(COLUMNS) - 1


class LinksPanel(Panel):
    """Instruments by link, and queues that drop."""

    title, key = "Links", "links"
    empty = "Links were not told of yet.\nThey are at the end of every epoch."

    def body(self) -> QWidget:
        self._table = QTableWidget(0, len(COLUMNS))
        self._table.setHorizontalHeaderLabels(list(COLUMNS))
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setAlternatingRowColors(True)
        self._table.setWordWrap(False)
        for c, meaning in enumerate(COLUMNS.values()):
            named = self._table.horizontalHeaderItem(c)
            if named is not None:
                named.setToolTip(meaning)
        self._table.verticalHeader().setVisible(False)
        self._table.verticalHeader().setDefaultSectionSize(21)
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        # What is too long for the room that is left ends in an ellipsis; nobody scrolls for it.
        header.setSectionResizeMode(RESOURCE, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        whole = QWidget()
        inside = QVBoxLayout(whole)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self._table)
        return whole

    def plots(self) -> Sequence[Any]:
        return ()

    def has_data(self, state: RunState) -> bool:
        return bool(state.condition.links or state.facts.bench)

    def show_state(self, state: RunState) -> None:
        rows = table(state)
        self._table.setRowCount(len(rows))
        for c in RATES:  # a run tells of them from its second telling on
            self._table.setColumnHidden(c, not any(row[c] for row in rows))
        for r, row in enumerate(rows):
            for c, text in enumerate(row):
                self._put(r, c, text)
        self.say(queue_words(state), queue_sums(state))

    def _put(self, row: int, column: int, text: str) -> None:
        item = self._table.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            if 2 <= column <= 4:
                item.setTextAlignment(right)
            self._table.setItem(row, column, item)
        if item.text() != text:
            item.setText(text)
            if column == RESOURCE:
                item.setToolTip(escape(text))
        if column == 1:
            item.setForeground(QColor(self.theme.bad if text == "CLOSED" else self.theme.good))


def table(state: RunState) -> list[tuple[str, ...]]:
    """A row for each instrument that is known."""
    bench = state.facts.bench
    known = {} if bench is None else bench.instruments
    rows = []
    for link in state.condition.links:
        told = known.get(link.name)
        told = told if isinstance(told, Mapping) else {}
        rows.append(
            (
                link.name,
                "open" if link.is_open else "unused" if state.condition.unused else "CLOSED",
                whole(link.exchanges),
                "" if link.rate is None else f"{link.rate:.1f}",
                "" if link.busy is None else f"{100 * link.busy:.0f}",
                plain(str(told.get("driver", "")), 40),
                plain(str(told.get("resource", "")), 80),
            )
        )
    if rows:
        return rows
    return [
        (plain(name, 40), "", "", "", "", _of(told, "driver"), _of(told, "resource"))
        for name, told in list(known.items())[:64]
    ]


def _of(told: Any, key: str) -> str:
    return plain(str(told.get(key, "")), 80) if isinstance(told, Mapping) else ""
