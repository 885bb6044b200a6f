"""Painting costs what it must and no more, and minds nothing that it is given."""

from __future__ import annotations

import gc
import sys

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="the live window needs PySide6")
pytest.importorskip("pyqtgraph", reason="the live window needs pyqtgraph")

import pyqtgraph as pg
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from hil.monitor.state.run_state import RunState
from hil.monitor.window.slots_panel import MOST_POINTS, SlotsPanel, pieces
from hil.telemetry.events import Noted, RunResumed
from tests.hil.monitor import made
from tests.hil.monitor.hostile import NASTY, REFUSED, STRANGE
from tests.hil.monitor.made import Scripted
from tests.hil.monitor.test_hostile import any_events
from tests.hil.monitor.windows import Open, fresh, whole


def test_panels_that_are_not_seen_are_not_painted(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(whole(ended=False))
    painted: list[str] = []
    for key, panel in window.panels.items():
        monkeypatch.setattr(panel, "show_state", lambda state, key=key: painted.append(key))
    window.show_panel("learning")
    window.show_panel("twin")
    window.tick()
    painted.clear()
    fresh(window, made.step(21), made.levels(21), made.believed(21))
    assert sorted(painted) == ["learning", "twin"]  # the heaters lie behind the twin
    painted.clear()
    fresh(window, made.step(22))
    assert painted == ["learning"]  # nothing is new of the twin
    painted.clear()
    window.tick()
    assert painted == []


def test_panels_take_turns_and_each_has_one(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(whole(ended=False))
    painted: list[str] = []
    seen = {panel.key: panel.turns for panel in window._seen()}
    assert seen["slots"] == 1
    for key in seen:
        monkeypatch.setattr(
            window.panels[key], "show_state", lambda state, key=key: painted.append(key)
        )
    pictures = 12
    for number in range(21, 21 + pictures):
        with window.feed.lock:
            told = (made.step(number), made.levels(number), made.slots(number))
            note = Noted(text="all panels have news", author="me")
            window.feed.state.take(made.stamped((*told, made.believed(number), note)))
        before = len(painted)
        window.tick(by_turns=True)
        assert len(painted) - before <= 2  # of four, the traces and one more
    assert {key: painted.count(key) for key in seen} == {
        key: pictures // turns for key, turns in seen.items()
    }


def test_what_harms_or_makes_no_sense_is_shown_without_a_crash(
    open_window: Open, qtbot: QtBot
) -> None:
    window = open_window(whole(ended=False))
    for key in window.panels:
        window.show_panel(key)
        for event in (*(row[1] for row in REFUSED), *(row[1] for row in STRANGE)):
            fresh(window, made.started(), made.bench(), made.slots(2), made.levels(2), event)
            window.panels[key].grab()
    assert not window._failed
    assert f"{sum(window.feed.state.ignored.values())} ignored" in window._health.text()
    assert NASTY not in window.windowTitle()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_anything_at_all_is_painted(open_window: Open) -> None:
    window = open_window(whole(ended=False))
    events = any_events(400, seed=2)
    for start in range(0, len(events), 20):
        fresh(window, *events[start : start + 20])
        for key in ("learning", "drift", "time", "bench", "links", "log", "ports"):
            window.show_panel(key)
            window.tick()
            window.grab()
    assert not window._failed


def test_a_panel_that_fails_stops_no_other(
    open_window: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    window = open_window(whole(ended=False))

    def broken(state: RunState) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(window.panels["learning"], "show_state", broken)
    for number in (21, 22):
        fresh(window, made.step(number))
    assert "cannot be shown: by nothing" in window.panels["learning"].headline.text()
    assert window.banner.progress.text().startswith("step 22")
    assert caplog.text.count("panel Learning") == 1


def test_a_busy_feed_costs_a_picture_and_no_more(open_window: Open) -> None:
    window = open_window(whole(ended=False))
    with window.feed.lock:
        window.tick()  # would wait for ever otherwise
    assert window.banner.progress.text().startswith("step 20")


def test_many_samples_become_few_points_and_no_spike_is_lost() -> None:
    samples = np.zeros((1000, 2, 3))
    samples[437, 1, 2] = 5.0
    samples[811, 0, 0] = -3.0
    x, y = pieces(samples)
    assert len(x) == len(y) <= MOST_POINTS
    assert y[:, 1, 2].max() == 5.0
    assert y[:, 0, 0].min() == -3.0
    assert np.all(np.diff(x) > 0)
    assert x[int(y[:, 1, 2].argmax())] == pytest.approx(0.4375, abs=0.01)


def test_this_qt_gives_none_back(qapp: QApplication) -> None:
    """PySide6 6.12.0 takes a reference of None with each call, until Python dies of it."""
    widget = QWidget()
    gc.collect()
    before = sys.getrefcount(None)
    for _ in range(300):
        widget.update()
    assert sys.getrefcount(None) - before > -100


def test_a_run_that_is_cut_back_to_its_first_step_is_painted(open_window: Open) -> None:
    window = open_window(whole(ended=False))
    fresh(window, RunResumed(step=0, epochs=0))
    for key in window.panels:
        window.show_panel(key)
        window.tick()
        window.grab()
    assert not window._failed


def test_rows_of_ports_never_overlap(open_window: Open) -> None:
    window = open_window(whole(ended=False))
    told = made.slots(21, ports=4, batch=1000)
    told.measured[:] = np.random.default_rng(3).normal(scale=0.3, size=told.measured.shape)
    told.measured[500, 1, 2] = 40.0  # one spike must not flatten all the rest
    fresh(window, told)
    panel = window.panels["slots"]
    assert isinstance(panel, SlotsPanel)
    drawn = np.concatenate([curve.getData()[1].reshape(4, -1) for curve in panel._curves], axis=1)
    off = drawn - np.arange(4)[:, None]
    assert np.nanmax(np.abs(off)) <= 0.5
    assert np.all(np.nanmax(np.abs(off), axis=1) > 0.3)
    assert "peaks beyond their row: 1" in panel.headline.text()
    panel._port.setCurrentIndex(1 + 2)
    window.tick()
    alone = np.concatenate([curve.getData()[1] for curve in panel._curves])
    assert np.nanmax(alone) == 40.0


def test_axes_are_painted_when_they_change_and_not_with_every_picture(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[str] = []
    paint = pg.AxisItem.paint

    def counted(self: pg.AxisItem, *args: object) -> None:
        painted.append(self.labelText)
        paint(self, *args)

    monkeypatch.setattr(pg.AxisItem, "paint", counted)
    window = open_window(Scripted(made.stamped([made.started(16, n_steps=6), made.bench(16)])))
    for dock in window.docks.values():  # all panels, each in a large window of its own
        dock.setFloating(True)
        dock.resize(1000, 900)
        dock.show()

    def picture(number: int) -> None:
        told = made.step(number), made.levels(number, ports=16), made.slots(number, 16, 6)
        fresh(window, *told, made.believed(number, 0.01, 16, 6))
        QApplication.processEvents()

    for number in range(1, 6):
        picture(number)
    first = len(painted)
    assert first > 20
    for number in range(6, 16):
        picture(number)
    assert len(painted) - first < first
