"""The bench itself: light, interlocks, stage and laser as far as a run tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from hil.monitor.state.beside import LASER, STAGE, TRENDS
from hil.monitor.state.condition import Failure
from hil.monitor.state.log import clock
from hil.monitor.state.run_state import RunState
from hil.monitor.state.words import beside_words
from hil.monitor.window.panel import Panel, canvas, new_plot, relabel
from hil.monitor.window.theme import Theme

ROWS = (
    "run",
    "bench",
    "light",
    "interlocks",
    "first cause",
    "then",
    "last faults",
    "thermal stage",
    "laser",
    "others",
)
#: Rows that need not be there.
OPTIONAL = ("then", "others")
#: Pixels that the trends are high.
TREND_HEIGHT = 128
#: Share of a reading that never changed which is seen above and below it.
STEADY = 0.1
#: Readings that are seen one by one.
DOTTED = 20
#: Failures of each kind that are listed.
LISTED = 4


class BenchPanel(Panel):
    """Facts in words; what no event tells is said to be untold."""

    title, key = "Bench", "bench"
    empty = "No run was told of yet."

    def body(self) -> QWidget:
        self._said: dict[str, QLabel] = {}
        self._named: list[QLabel] = []
        inside = QWidget()
        form = self._form = QFormLayout(inside)
        form.setContentsMargins(4, 4, 4, 4)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        for name in ROWS:
            label, value = QLabel(name), QLabel()
            for one in (label, value):
                one.setTextFormat(Qt.TextFormat.PlainText)
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            form.addRow(label, value)
            self._said[name] = value
            self._named.append(label)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        self._view = canvas()
        self._view.setFixedHeight(TREND_HEIGHT)
        self._trends: dict[str, tuple[Any, Any]] = {}
        for column, (role, reading) in enumerate(TRENDS.items()):
            plot = new_plot(self._view, 0, column, "bench time / s", f"{reading} / 1")
            self._trends[role] = plot, plot.plot(symbolSize=7)
        self._view.setVisible(False)
        whole = QWidget()
        both = QVBoxLayout(whole)
        both.setContentsMargins(0, 0, 0, 0)
        both.setSpacing(2)
        both.addWidget(area, 1)
        both.addWidget(self._view)
        return whole

    def plots(self) -> Sequence[Any]:
        return [plot for plot, _ in self._trends.values()]

    def apply(self, theme: Theme) -> None:
        super().apply(theme)
        for label in self._named:
            label.setStyleSheet(f"color: {theme.dim};")
        for _, curve in self._trends.values():
            curve.setPen(pg.mkPen(theme.highlight, width=2))
            curve.setSymbolBrush(theme.highlight)
            curve.setSymbolPen(None)

    def has_data(self, state: RunState) -> bool:
        return state.facts.started is not None or state.facts.bench is not None

    def show_state(self, state: RunState) -> None:
        said = facts(state)
        for name, value in self._said.items():
            if value.text() != said[name]:
                value.setText(said[name])
            if name in OPTIONAL:
                self._form.setRowVisible(value, bool(said[name]))
        tripped = bool(state.condition.tripped or state.condition.first)
        bad = f"color: {self.theme.bad}; font-weight: bold;"
        for name in ("interlocks", "first cause"):
            self._said[name].setStyleSheet(bad if tripped else "")
        self._show_trends(state)

    def _show_trends(self, state: RunState) -> None:
        """Of those roles that told, each over all of its time."""
        told = {role: trail for role, trail in state.beside.trends.items() if len(trail)}
        self._view.setVisible(bool(told))
        for role, (plot, curve) in self._trends.items():
            plot.setVisible(role in told)
            if role in told:
                unit = state.beside.unit(role) or "1"
                relabel(plot, "left", f"{role.split()[-1]} {TRENDS[role]} / {unit}")
                # A line needs two points: few readings are dots, too.
                curve.setSymbol("o" if len(told[role]) <= DOTTED else None)
                read = told[role].y[:, 0].copy()
                curve.setData(told[role].x.copy(), read)
                if np.ptp(read) > 0.0:
                    plot.enableAutoRange(y=True)
                else:  # by itself it would span 1, whatever the number
                    half = STEADY * abs(float(read[-1])) or 1.0
                    plot.setYRange(read[-1] - half, read[-1] + half, padding=0)


def facts(state: RunState) -> dict[str, str]:
    """What each row says."""
    started, bench, condition = state.facts.started, state.facts.bench, state.condition
    run = "not told"
    if started is not None:
        run = (
            f"{started.run}: {started.task} by {started.method}, {started.epochs} epochs of "
            f"{started.batches} batches, {started.n_banks} banks, {started.n_steps} slots; "
            f"version {started.code_version}"
        )
    chip = "not told"
    if bench is not None:
        chip = (
            f"{bench.bench}: {bench.core}, ports {bench.ports}, instruments "
            f"{len(bench.instruments)}, {bench.power_max:g} W a chip at most"
        )
        if started is not None:
            chip += f"; backend {started.backend}, path {started.path}"
    light = {True: "on", False: "off", None: "not told"}[state.lifecycle.light]
    faults = [_failure(one) for one in list(condition.faults)[-LISTED:]]
    then = [_failure(one) for one in condition.followed[:LISTED]]
    if more := len(condition.followed) - LISTED:
        then += [f"and more: {more}"] if more > 0 else []
    others = [beside_words(state, role) for role in state.beside.others]
    return {
        "run": run,
        "bench": chip,
        "light": light,
        "interlocks": f"TRIPPED: {condition.tripped}" if condition.tripped else "none tripped",
        "first cause": _failure(condition.first) if condition.first else "no fault so far",
        "then": "\n".join(then),
        "last faults": "\n".join(faults) or "none",
        "thermal stage": beside_words(state, STAGE)
        or "no thermal stage on this bench tells its state",
        "laser": beside_words(state, LASER)
        or "no laser on this bench tells its power; whether light is on stands above",
        "others": "\n".join(others),
    }


def _failure(failure: Failure) -> str:
    return f"{clock(failure.wall_time)} {failure.severity.upper()} {failure.source}: {failure.text}"
