"""The bench itself: light, interlocks, stage and laser as far as a run tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QLabel, QScrollArea, QWidget

from hil.monitor.state.condition import Failure
from hil.monitor.state.log import clock
from hil.monitor.state.run_state import RunState
from hil.monitor.window.panel import Panel
from hil.monitor.window.theme import Theme

ROWS = (
    "run",
    "bench",
    "light",
    "interlocks",
    "first cause",
    "last faults",
    "thermal stage",
    "laser power",
)


class BenchPanel(Panel):
    """Facts in words; what no event tells is said to be untold."""

    title, key = "Bench", "bench"
    empty = "No run was told of yet."

    def body(self) -> QWidget:
        self._said: dict[str, QLabel] = {}
        self._named: list[QLabel] = []
        inside = QWidget()
        form = QFormLayout(inside)
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
        return area

    def plots(self) -> Sequence[Any]:
        return ()

    def apply(self, theme: Theme) -> None:
        super().apply(theme)
        for label in self._named:
            label.setStyleSheet(f"color: {theme.dim};")

    def has_data(self, state: RunState) -> bool:
        return state.facts.started is not None or state.facts.bench is not None

    def show_state(self, state: RunState) -> None:
        said = facts(state)
        for name, value in self._said.items():
            if value.text() != said[name]:
                value.setText(said[name])
        tripped = bool(state.condition.tripped or state.condition.first)
        bad = f"color: {self.theme.bad}; font-weight: bold;"
        for name in ("interlocks", "first cause"):
            self._said[name].setStyleSheet(bad if tripped else "")


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
    faults = [_failure(one) for one in list(condition.faults)[-4:]]
    return {
        "run": run,
        "bench": chip,
        "light": light,
        "interlocks": f"TRIPPED: {condition.tripped}" if condition.tripped else "none tripped",
        "first cause": _failure(condition.first) if condition.first else "no fault so far",
        "last faults": "\n".join(faults) or "none",
        "thermal stage": "not told: no event of this run tells set point, temperature or output",
        "laser power": "not told: no event of this run tells it; the light is above",
    }


def _failure(failure: Failure) -> str:
    return f"{clock(failure.wall_time)} {failure.severity.upper()} {failure.source}: {failure.text}"
