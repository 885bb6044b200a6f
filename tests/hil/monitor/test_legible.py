"""Nothing overlaps, nothing is cut off: at three sizes of a laptop's screen, and narrower."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="the live window needs PySide6")
pytest.importorskip("pyqtgraph", reason="the live window needs pyqtgraph")

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hil.monitor.window.ask_bar import QUESTIONS
from hil.monitor.window.axis import LEAST
from hil.monitor.window.drift_panel import MARK, DriftPanel
from hil.monitor.window.heaters_panel import HeatersPanel
from hil.monitor.window.key_row import Key, KeyRow
from hil.monitor.window.links_panel import LinksPanel
from hil.monitor.window.main_window import MonitorWindow
from hil.monitor.window.panel import Line, Panel
from hil.monitor.window.slots_panel import NAME_HEIGHT, NUMBER_HEIGHT, SlotsPanel
from hil.telemetry.event import Event
from hil.telemetry.events import Baselines, Cusum, RunEnded, StateChanged, Watched
from tests.hil.monitor import made
from tests.hil.monitor.made import Scripted
from tests.hil.monitor.windows import Open, fresh

SIZES = [(1280, 800), (1280, 720), (1920, 1080), (1024, 600)]
PORTS = 16
LATE = 123_456


def _watched(step: int, what: str, **data: object) -> Watched:
    return Watched(step=step, what=what, text="r^2 1.95: bank 0, element 48 by +0.187", data=data)


def _a_late_run() -> Scripted:
    """A run whose accuracy is about that of the references, with all that can be told of it."""
    rng = np.random.default_rng(0)
    started = replace(made.started(PORTS, n_steps=6, epochs=1000), batches=200)
    references = {"logistic regression": 0.9, "nearest neighbour": 0.92, "linear": 0.88}
    told: list[Event] = [started, made.bench(PORTS), Baselines(accuracy=references)]
    for k in range(60):
        step = LATE + k
        told.append(
            replace(made.step(step, loss=1.0 / (k + 1)), accuracy=0.9 + rng.normal(0, 0.03))
        )
        told.append(Cusum(step=step, whole=rng.random(), new=rng.random(), element=rng.random()))
        levels = made.levels(step, ports=PORTS)
        levels.levels[:] = rng.uniform(0.001, 0.049, levels.levels.shape)
        told.append(levels)
        if k % 10 == 0:
            kinds = ("alarm", "action", "gate")
            told += [_watched(step, kind, action="followed", verdict="passed") for kind in kinds]
            told.append(_watched(step, "gate", verdict="failed"))
            told.append(_watched(step, "action", action="refit"))
            told += [made.spent(0.07 * step), made.health(step), made.stage(), made.laser()]
    told.append(replace(made.slots(step, PORTS, 6, 200), dark=rng.normal(0, 0.04, PORTS)))
    told.append(made.believed(step, 0.03, PORTS, 6))
    told.append(made.epoch(600))
    told.append(RunEnded(outcome="finished", accuracy=0.91))
    return Scripted(made.stamped(told))


at_all_sizes = pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))


@pytest.fixture(scope="module", params=SIZES, ids=lambda size: "x".join(map(str, size)))
def late(open_shared: Open, request: pytest.FixtureRequest) -> MonitorWindow:
    """A window in which all panels have been in front. Not to be changed."""
    window = _sized(open_shared, request.param)
    for key in window.panels:
        _front(window, key)
    return window


def _sized(open_window: Open, size: tuple[int, int]) -> MonitorWindow:
    window = open_window(_a_late_run())
    window.resize(*size)
    window.arrange()
    return window


def _front(window: MonitorWindow, key: str) -> Panel:
    """A panel as it is seen; its plots know their sizes after the first picture."""
    window.show_panel(key)
    for _ in range(2):
        window.panels[key].again()
        window.tick()
        window.panels[key].grab()
        QApplication.processEvents()
    return window.panels[key]


def _on_screen(item: Any) -> QRectF:
    return item.mapRectToScene(item.boundingRect())


def test_no_text_lies_over_a_curve(late: MonitorWindow) -> None:
    for key in late.panels:
        for plot in _front(late, key).plots():
            texts = [one for one in plot.scene().items() if isinstance(one, pg.TextItem)]
            shown = [one for one in texts if one.isVisible()]
            assert plot.legend is None
            if key != "slots":
                assert not shown, key
                continue
            # Names of banks, in a strip of their own above the uppermost row (y points down).
            drawn = (one.getData()[1] for one in plot.listDataItems())
            highest = min(float(np.nanmin(y)) for y in drawn if y is not None and len(y))
            top = plot.getViewBox().mapViewToScene(pg.Point(0.0, highest)).y()
            assert len(shown) == 6
            assert all(_on_screen(name).bottom() <= top + 1 for name in shown)


def test_keys_stand_above_the_plots_whole_and_apart(late: MonitorWindow) -> None:
    named = {"learning": "logistic regression", "drift": "CUSUM", "power": "limit", "time": "ms"}
    for key, word in named.items():
        panel = _front(late, key)
        row = panel.keys  # type: ignore[attr-defined]
        assert any(word in one.text for one in row.keys), key
        places = row.places()
        assert not any(a.intersects(b) for a, b in combinations(places, 2))
        assert all(row.rect().contains(one) for one in places)
        view = panel.plots()[0].scene().views()[0]
        assert row.geometry().bottom() < view.geometry().top()


@pytest.mark.parametrize("width", [120, 300, 900])
def test_a_row_of_keys_takes_as_many_lines_as_it_needs(qtbot: QtBot, width: int) -> None:
    row = KeyRow()
    qtbot.addWidget(row)
    row.say([Key(f"reference {k}", "#ffffff") for k in range(6)])
    row.resize(width, 10)
    row.show()
    places = row.places()
    assert not any(a.intersects(b) for a, b in combinations(places, 2))
    assert all(row.rect().contains(one) for one in places)
    assert (len({one.top() for one in places}) == 1) == (width == 900)
    row.say([])
    assert row.height() == 0


def test_headlines_are_whole(late: MonitorWindow) -> None:
    most = {
        "slots": "none clipped",
        "learning": "held-out 0.700",
        "twin": "residual 0.03",
        "heaters": "least margin",
        "drift": "FAILED",
        "time": "in all",
        "ports": "headroom",
        "power": "W",
        "links": "0 dropped",
    }
    for key, words in most.items():
        line = _front(late, key).headline
        assert words in line.shown, key
        assert not line.shown.endswith("…"), (key, line.shown)
        assert line.toolTip() == line.text()


def test_a_line_takes_the_fullest_wording_that_fits(qtbot: QtBot) -> None:
    line = Line()
    qtbot.addWidget(line)
    wordings = ("none clipped, and many more words than that", "none clipped, step 3", "none")
    line.say(*wordings)
    shown = []
    for width in range(400, 50, -1):
        line.resize(width, 20)
        if line.shown not in shown:
            shown.append(line.shown)
        assert line.fontMetrics().horizontalAdvance(line.shown) <= width + 2
    assert tuple(shown) == wordings
    line.say("it is long and there is no shorter one")
    assert line.shown.endswith("…")


def test_names_of_axes_are_no_longer_than_the_axes(late: MonitorWindow) -> None:
    for key in late.panels:
        for plot in _front(late, key).plots():
            if not plot.isVisible():
                continue
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                has = axis.size().height() if side == "left" else axis.size().width()
                margins = 2 * axis.label.document().documentMargin()
                assert axis.label.boundingRect().width() - margins <= has + 1, axis.labelText
                assert axis.letters >= (LEAST + 1 if _is_large(late) else LEAST)


def test_the_unit_beside_a_colour_bar_is_whole(late: MonitorWindow) -> None:
    units = {"twin": "s.u.", "heaters": "mW", "ports": "dB"}
    for key, unit in units.items():
        axis = _front(late, key)._map.bar_axis  # type: ignore[attr-defined]
        assert axis.label.toPlainText().endswith(unit), key
        margins = 2 * axis.label.document().documentMargin()
        assert axis.label.boundingRect().width() - margins <= axis.size().height() + 1, key
        # Neither on the numbers beside the bar, nor out of the picture.
        assert _on_screen(axis.label).right() <= axis.scene().views()[0].width() + margins, key


def test_resources_of_links_are_seen_without_scrolling(late: MonitorWindow) -> None:
    panel = _front(late, "links")
    assert isinstance(panel, LinksPanel)
    rows = panel._table
    assert rows.horizontalScrollBar().maximum() == 0
    last = rows.columnCount() - 1
    shown = rows.item(0, last)
    assert shown is not None
    assert shown.text() in shown.toolTip()
    if late.width() >= 1280:
        wide = rows.fontMetrics().horizontalAdvance("TCPIP::pulsestreamer::INSTR")
        assert rows.columnWidth(last) >= wide + 6


def test_numbers_below_a_plot_do_not_run_into_each_other(late: MonitorWindow) -> None:
    paper = QPixmap(1, 1)
    painter = QPainter(paper)
    for key in late.panels:
        for plot in _front(late, key).plots():
            specs = plot.getAxis("bottom").generateDrawSpecs(painter)
            if specs is None or not plot.isVisible():
                continue
            places = sorted((where for where, _, _ in specs[2]), key=QRectF.left)
            assert all(b.left() - a.right() >= 4 for a, b in pairwise(places)), key
            assert len(places) >= 2 or key == "bench", key
    painter.end()


def _is_large(window: MonitorWindow) -> bool:
    return window.height() >= 1000


@at_all_sizes
def test_a_unit_that_means_harm_is_written_as_it_stands(
    open_window: Open, size: tuple[int, int]
) -> None:
    late = _sized(open_window, size)
    panel = _front(late, "bench")
    unit = "<img src=x>"
    fresh(late, replace(made.laser(), units={"power": unit}))
    axis = panel.plots()[1].getAxis("left")
    assert axis.label.toPlainText() == unit  # the name before it has no room
    assert axis.toolTip() == "laser power / &lt;img src=x&gt;"
    fresh(late, replace(made.laser(), units={"power": "<b>"}))
    assert axis.label.toPlainText() == "laser power / <b>"


def test_numbers_of_ports_do_not_run_into_each_other(late: MonitorWindow) -> None:
    panel = _front(late, "slots")
    assert isinstance(panel, SlotsPanel)
    (named, _) = panel._plot.getAxis("left")._told
    rows = (panel._plot.getViewBox().height() - NAME_HEIGHT) / PORTS
    apart = [(b[0] - a[0]) * rows for a, b in pairwise(named)]
    assert min(apart) >= NUMBER_HEIGHT - 1


def test_the_table_of_heaters_shows_all_of_its_columns(late: MonitorWindow) -> None:
    panel = _front(late, "heaters")
    assert isinstance(panel, HeatersPanel)
    table, rows = panel.table, panel._rows
    assert rows.horizontalScrollBar().maximum() == 0
    metrics = rows.fontMetrics()
    seen = [c for c in range(table.columnCount()) if not rows.isColumnHidden(c)]
    assert {table.NAMES[column] for column in seen} >= {"element", "mW", "left %", "Δ mW"}
    assert late.width() < 1280 or len(seen) == table.columnCount()
    for column in seen:
        words = [table.data(table.index(row, column)) for row in range(table.rowCount())]
        widest = max(metrics.horizontalAdvance(one) for one in words)
        assert widest + 6 <= rows.columnWidth(column), table.NAMES[column]


def test_marks_of_the_watch_lie_above_its_curve_in_rows(late: MonitorWindow) -> None:
    panel = _front(late, "drift")
    assert isinstance(panel, DriftPanel)
    box = panel._trend.getViewBox()
    rows = [
        box.mapViewToScene(pg.Point(0.0, float(marks.getData()[1][0]))).y()
        for marks in panel._marks.values()
    ]
    mark = panel._marks["alarm"].opts["size"]
    assert mark == (9 if late.height() == 600 else MARK)
    assert all(b - a >= mark for a, b in pairwise(rows))
    assert rows[0] - mark / 2 >= box.sceneBoundingRect().top() - 1
    highest = float(np.max(panel._residual.getData()[1]))
    assert box.mapViewToScene(pg.Point(0.0, highest)).y() >= rows[-1] + mark / 2


def test_marks_are_laid_out_anew_when_the_window_is_resized(open_window: Open) -> None:
    window = open_window(_a_late_run())
    window.arrange()
    panel = _front(window, "drift")
    assert isinstance(panel, DriftPanel)
    for size in ((1280, 720), (1500, 1000)):
        window.resize(*size)
        QApplication.processEvents()
        window.tick()
        box = panel._trend.getViewBox()
        tops = [
            box.mapViewToScene(pg.Point(0.0, float(marks.getData()[1][0]))).y()
            for marks in panel._marks.values()
        ]
        assert tops[0] - MARK / 2 >= box.sceneBoundingRect().top() - 1
        assert all(MARK <= b - a <= MARK + 4 for a, b in pairwise(tops))


@at_all_sizes
def test_a_long_cause_is_cut_with_a_mark_and_read_in_its_tip(
    open_window: Open, size: tuple[int, int]
) -> None:
    late = _sized(open_window, size)
    fresh(late, StateChanged(state="tripped", light=False, why="the door is open; " * 20))
    change = late.banner.change
    assert change.shown.endswith("…")
    assert change.geometry().left() >= late.banner.progress.geometry().right()
    assert "door is open; the door" in change.toolTip()


@pytest.mark.parametrize("width", [1024, 1280, 1920])
def test_a_question_is_read_whole(open_window: Open, width: int) -> None:
    window = open_window(Scripted(made.stamped(made.a_run(5, ended=False))))
    window.resize(width, 600)
    QApplication.processEvents()
    sizes = []
    for verb in QUESTIONS:
        window.ask(verb)
        QApplication.processEvents()
        text = window.ask_bar.text
        metrics, room = text.fontMetrics(), text.contentsRect()
        needed = metrics.boundingRect(room, int(Qt.TextFlag.TextWordWrap), text.text())
        assert needed.height() <= room.height(), verb
        sizes.append(text.font().pixelSize())
    assert (min(sizes) == 17) == (width >= 1280)
