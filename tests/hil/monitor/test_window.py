"""The window shows what is there, asks before it commands, and minds nothing that it is given."""

from __future__ import annotations

import csv
import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="the live window needs PySide6")
pytest.importorskip("pyqtgraph", reason="the live window needs pyqtgraph")

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from hil.monitor.feed import Feed
from hil.monitor.replay import Replay
from hil.monitor.state.run_state import RunState
from hil.monitor.window.application import take_picture
from hil.monitor.window.export import ExportError, export
from hil.monitor.window.main_window import PANELS, MonitorWindow
from hil.monitor.window.slots_panel import MOST_POINTS, nice, pieces
from hil.telemetry.commands import Verb
from hil.telemetry.event import Event
from hil.telemetry.events import CommandAnswered, RunResumed, StateChanged
from hil.telemetry.source import Source
from tests.hil.monitor import made
from tests.hil.monitor.hostile import NASTY, REFUSED, STRANGE
from tests.hil.monitor.made import Scripted
from tests.hil.monitor.test_hostile import any_events

Open = Callable[..., MonitorWindow]


@pytest.fixture
def open_window(qtbot: QtBot) -> Iterator[Open]:
    """`open_window(source, theme=, settings=)`; all is closed afterwards."""
    opened: list[MonitorWindow] = []

    def make(source: Source, theme: str | None = None, **options: Any) -> MonitorWindow:
        feed = Feed(lambda: source, RunState()).open()
        window = MonitorWindow(feed, options.get("settings"), theme)
        qtbot.addWidget(window)
        window.resize(1280, 800)
        window.show()
        opened.append(window)
        qtbot.waitUntil(lambda: feed.caught_up)
        window.tick()
        return window

    yield make
    for window in opened:
        window.close()
        window.feed.close()


def _whole(*, ended: bool = True) -> Scripted:
    return Scripted(made.stamped(made.a_run(20, ended=ended)))


def _fresh(window: MonitorWindow, *events: Event) -> None:
    """Events as they come while one looks on."""
    with window.feed.lock:
        window.feed.state.take(made.stamped(events))
    window.tick()


def _colours(widget: QWidget) -> int:
    image = widget.grab().toImage()
    step = 3
    return len(
        {
            image.pixel(x, y)
            for x in range(0, image.width(), step)
            for y in range(0, image.height(), step)
        }
    )


def _key(qtbot: QtBot, window: MonitorWindow, key: Any) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    target = QApplication.focusWidget() or window
    qtbot.keyClick(target, key)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_panel_shows_what_there_is(open_window: Open, theme: str) -> None:
    window = open_window(_whole(), theme)
    for _, kind in PANELS:
        window.show_panel(kind.key)
        window.tick()
        panel = window.panels[kind.key]
        assert panel.isVisible()
        assert _colours(panel) > 6, kind.key
        assert not window._failed
    assert "test 0.750" in window.panels["learning"].headline.text()
    assert "alarms 1" in window.panels["drift"].headline.text()
    assert "bank 0" in window.panels["power"].headline.text()


def test_every_axis_has_a_name(open_window: Open) -> None:
    window = open_window(_whole())
    numbers = {"step", "slot", "port", "heater column", "steps of the interval"}
    named = 0
    for key, panel in window.panels.items():
        window.show_panel(key)
        window.tick()
        for plot in panel.plots():
            for side in ("left", "bottom"):
                label = plot.getAxis(side).labelText
                # Either a count, or a quantity with its unit behind a stroke.
                assert label in numbers or " / " in label or label.startswith("slot ("), (
                    key,
                    label,
                )
                named += 1
    assert named >= 24


def test_nothing_is_told_yet_and_every_panel_says_so(open_window: Open) -> None:
    window = open_window(Scripted())
    assert window.banner.block.text == "NO STATE NOTHING HEARD"
    for key, panel in window.panels.items():
        window.show_panel(key)
        window.tick()
        if key != "log":
            assert panel._stack.currentIndex() == 0, key
            assert panel.empty.strip()


def test_the_banner_is_true_and_says_when_it_may_not_be(open_window: Open) -> None:
    window = open_window(_whole(ended=False))
    assert window.banner.block.text.startswith("RUNNING STALE")
    assert window.banner.left.text() == "time left ?"
    _fresh(window, made.step(21))
    assert window.banner.block.text == "RUNNING"
    assert window.banner.light.text() == "LIGHT ON"
    _fresh(window, StateChanged(state="tripped", light=False, why="no heartbeat"))
    assert window.banner.block.text == "TRIPPED"
    assert "no heartbeat" in window.banner.change.text()
    window.show_panel("bench")
    window.tick()
    said = window.panels["bench"]._said  # type: ignore[attr-defined]
    assert said["interlocks"].text() == "TRIPPED: no heartbeat"
    assert said["thermal stage"].text().startswith("not told")


def test_off_is_one_key_and_enter_away_and_its_answer_is_shown(
    open_window: Open, qtbot: QtBot
) -> None:
    source = _whole(ended=False)
    window = open_window(source)
    _fresh(window, made.step(21))
    _key(qtbot, window, Qt.Key.Key_O)
    assert window.ask_bar.isVisible()
    assert source.asked == []
    _key(qtbot, window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: source.asked == [Verb.OFF])
    window.tick()
    assert "waiting for the answer" in window.ask_bar.text.text()
    _fresh(
        window,
        CommandAnswered(id="id-1", verb="off", issuer="me", accepted=True, text="bench off"),
    )
    assert window.ask_bar.text.text() == "off taken: bench off"


@pytest.mark.parametrize("key", [Qt.Key.Key_P, Qt.Key.Key_S, Qt.Key.Key_O])
def test_a_question_that_is_not_agreed_to_commands_nothing(
    open_window: Open, qtbot: QtBot, key: Qt.Key
) -> None:
    source = _whole(ended=False)
    window = open_window(source)
    _key(qtbot, window, key)
    assert window.ask_bar.verb is not None
    _key(qtbot, window, Qt.Key.Key_Escape)
    assert not window.ask_bar.isVisible()
    window.feed.note("after it")
    qtbot.waitUntil(lambda: source.notes == ["after it"])
    assert source.asked == []


def test_pause_becomes_resume(open_window: Open, qtbot: QtBot) -> None:
    source = _whole(ended=False)
    window = open_window(source)
    window.banner.pause.click()
    window.ask_bar.yes.click()
    qtbot.waitUntil(lambda: source.asked == [Verb.PAUSE])
    _fresh(
        window, CommandAnswered(id="id-1", verb="pause", issuer="me", accepted=True, text="holds")
    )
    assert window.banner.pause.text().startswith("Resume")
    assert window.banner.left.text() == "paused"
    window.banner.pause.click()
    window.ask_bar.yes.click()
    qtbot.waitUntil(lambda: source.asked == [Verb.PAUSE, Verb.RESUME])


def test_a_refusal_is_shown(open_window: Open, qtbot: QtBot) -> None:
    source = _whole(ended=False)
    source.refuses = "only started with --remote-control"
    window = open_window(source)
    window.banner.stop.click()
    window.ask_bar.yes.click()
    qtbot.waitUntil(lambda: "remote-control" in window.feed.state.asked)
    window.tick()
    assert "remote-control" in window.ask_bar.text.text()


def test_a_run_that_is_over_cannot_be_commanded(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(_whole())
    assert not window.banner.off.isEnabled()
    _key(qtbot, window, Qt.Key.Key_O)
    assert window.ask_bar.verb is None


def test_a_note_is_typed_and_kept(open_window: Open, qtbot: QtBot) -> None:
    source = _whole(ended=False)
    window = open_window(source)
    _key(qtbot, window, Qt.Key.Key_N)
    qtbot.keyClicks(window.log.note, "stop: oops")  # letters that are keys elsewhere
    assert window.ask_bar.verb is None
    qtbot.keyClick(window.log.note, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: source.notes == ["stop: oops"])
    assert window.log.note.text() == ""


def test_panels_that_are_not_seen_are_not_painted(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(_whole(ended=False))
    painted: list[str] = []
    for key, panel in window.panels.items():
        monkeypatch.setattr(panel, "show_state", lambda state, key=key: painted.append(key))
    window.show_panel("twin")
    _fresh(window, made.step(21))
    assert "twin" in painted
    assert "heaters" not in painted
    painted.clear()
    window.tick()
    assert painted == []  # nothing is new


def test_what_harms_or_makes_no_sense_is_shown_without_a_crash(
    open_window: Open, qtbot: QtBot
) -> None:
    window = open_window(_whole(ended=False))
    for key in window.panels:
        window.show_panel(key)
        for event in (*(row[1] for row in REFUSED), *(row[1] for row in STRANGE)):
            _fresh(window, made.started(), made.bench(), made.slots(2), made.levels(2), event)
            window.panels[key].grab()
    assert not window._failed
    assert f"{sum(window.feed.state.ignored.values())} ignored" in window._health.text()
    assert NASTY not in window.windowTitle()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_anything_at_all_is_painted(open_window: Open) -> None:
    window = open_window(_whole(ended=False))
    events = any_events(400, seed=2)
    for start in range(0, len(events), 20):
        _fresh(window, *events[start : start + 20])
        for key in ("learning", "drift", "time", "bench", "links", "log", "ports"):
            window.show_panel(key)
            window.tick()
            window.grab()
    assert not window._failed


def test_a_panel_that_fails_stops_no_other(
    open_window: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    window = open_window(_whole(ended=False))

    def broken(state: RunState) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(window.panels["learning"], "show_state", broken)
    for number in (21, 22):
        _fresh(window, made.step(number))
    assert "cannot be shown: by nothing" in window.panels["learning"].headline.text()
    assert window.banner.progress.text().startswith("step 22")
    assert caplog.text.count("panel Learning") == 1


def test_layout_and_theme_are_remembered(open_window: Open, tmp_path: Path) -> None:
    path = str(tmp_path / "kept.ini")
    settings = QSettings(path, QSettings.Format.IniFormat)
    window = open_window(_whole(), settings=settings)
    window.toggle_theme()
    window.docks["twin"].setVisible(False)
    window.show_panel("heaters")
    window.close()
    settings.sync()
    again = open_window(_whole(), settings=QSettings(path, QSettings.Format.IniFormat))
    assert again.theme.name == "light"
    assert again.docks["twin"].isHidden()
    again.arrange()
    assert not again.docks["twin"].isHidden()


def test_a_layout_of_another_program_is_not_taken(open_window: Open, tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "odd.ini"), QSettings.Format.IniFormat)
    for key in ("theme", "geometry", "docks"):
        settings.setValue(key, "nonsense")
    window = open_window(_whole(), settings=settings)
    assert window.theme.name == "dark"
    assert window.panels["learning"].isVisible()


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_panels_have_room_and_lie_side_by_side(open_window: Open, size: tuple[int, int]) -> None:
    window = open_window(_whole())
    window.resize(*size)
    window.arrange()
    QApplication.processEvents()
    seen = [p for p in window.panels.values() if not p.visibleRegion().isEmpty()]
    assert len(seen) == (4 if size[0] < 1600 else 6)
    places = []
    for panel in seen:
        assert panel.width() >= 400
        assert panel.height() >= 220
        places.append(panel.rect().translated(panel.mapTo(window, panel.rect().topLeft())))
    for k, one in enumerate(places):
        assert window.rect().contains(one)
        assert not any(one.intersects(other) for other in places[k + 1 :])


def test_all_keys_are_told(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(_whole())
    _key(qtbot, window, Qt.Key.Key_F1)
    assert window.help.isVisible()
    assert window.rect().contains(window.help._card.geometry())
    _key(qtbot, window, Qt.Key.Key_Escape)
    assert not window.help.isVisible()


@pytest.mark.parametrize("kind", ["png", "svg", "csv"])
def test_any_plot_can_be_taken_away(open_window: Open, tmp_path: Path, kind: str) -> None:
    window = open_window(_whole())
    for key, panel in window.panels.items():
        window.show_panel(key)
        window.tick()
        QApplication.processEvents()
        path = tmp_path / f"{key}.{kind}"
        if kind == "csv" and not panel.plots():
            with pytest.raises(ExportError, match="no plot"):
                export(panel, path)
            continue
        window.export_panel(key, path)
        content = path.read_bytes()
        begins = {"png": b"\x89PNG", "svg": b"<?xml", "csv": b"plot,x axis"}[kind]
        assert content.startswith(begins), key
        assert len(content) > 300, key


def test_a_table_holds_what_the_plot_shows(open_window: Open, tmp_path: Path) -> None:
    window = open_window(_whole())
    path = tmp_path / "learning.csv"
    export(window.panels["learning"], path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    losses = [r for r in rows if r["curve"] == "batch" and r["y axis"] == "loss / nat"]
    assert [(float(r["x"]), float(r["y"])) for r in losses] == [
        (float(n), pytest.approx(2.0 / n)) for n in range(1, 21)
    ]
    window.show_panel("twin")
    window.tick()
    export(window.panels["twin"], path)
    with path.open(encoding="utf-8", newline="") as file:
        cells = [r for r in csv.DictReader(file) if r["value"]]
    assert len(cells) == 3 * 4
    residual = window.feed.state.twin.residual
    assert residual is not None
    for r in cells:
        assert float(r["value"]) == pytest.approx(residual[int(float(r["x"])), int(float(r["y"]))])


def test_what_cannot_be_written_is_told(open_window: Open, tmp_path: Path) -> None:
    window = open_window(_whole())
    for name in ("learning.xls", "no/such/folder/learning.csv", "no/such/folder/x.png"):
        window.export_panel("learning", tmp_path / name)
        assert "not exported" in window.statusBar().currentMessage()


def test_heaters_are_sorted_by_any_column(open_window: Open) -> None:
    source = _whole(ended=False)
    window = open_window(source)
    window.show_panel("heaters")
    told = made.levels(21, 0.02)
    told.levels[1, 5] = 0.049
    told.levels[0, 7] = 0.001
    _fresh(window, told)
    table = window.panels["heaters"].table  # type: ignore[attr-defined]

    def first(column: int) -> str:
        return table.data(table.index(0, column))

    assert table.rowCount() == 32
    assert first(4) == "2.0"
    table.sort(3, Qt.SortOrder.AscendingOrder)
    assert first(3) == "1.00"
    assert first(0).startswith("0 ")
    table.sort(5, Qt.SortOrder.DescendingOrder)
    assert first(5) == "+27.000"
    assert table.data(table.index(0, 4), Qt.ItemDataRole.ForegroundRole) is not None


def test_a_replay_is_steered(open_window: Open, qtbot: QtBot) -> None:
    source = _whole()
    window = open_window(Replay(source, 1.0))
    assert window.replay_bar.isVisible()
    qtbot.waitUntil(lambda: window.feed.state.facts.started is not None)
    _key(qtbot, window, Qt.Key.Key_Space)
    replay = window.feed.replay
    assert replay is not None
    qtbot.waitUntil(lambda: replay.paused)
    _key(qtbot, window, Qt.Key.Key_Plus)
    qtbot.waitUntil(lambda: replay.speed == 2.0)
    window.replay_bar.go(1.0)
    qtbot.waitUntil(lambda: window.feed.state.lifecycle.ended is not None)
    window.tick()
    assert "at its end" in window.replay_bar.speed.text()
    assert not window.banner.off.isEnabled()


def test_a_held_picture_holds_while_the_banner_goes_on(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(_whole(ended=False))
    before = window.panels["learning"].headline.text()
    _key(qtbot, window, Qt.Key.Key_Space)
    _fresh(window, made.step(21, loss=9.0))
    assert window.panels["learning"].headline.text() == before
    assert window.banner.progress.text().startswith("step 21")
    _key(qtbot, window, Qt.Key.Key_Space)
    window.tick()
    assert "loss 9.000" in window.panels["learning"].headline.text()


def test_a_busy_feed_costs_a_picture_and_no_more(open_window: Open) -> None:
    window = open_window(_whole(ended=False))
    with window.feed.lock:
        window.tick()  # would wait for ever otherwise
    assert window.banner.progress.text().startswith("step 20")


def test_a_picture_is_taken_of_the_whole_run(qtbot: QtBot, tmp_path: Path) -> None:
    feed = Feed(_whole, RunState()).open()
    try:
        path = tmp_path / "run.png"
        assert take_picture(feed, path, (1280, 800), "light", ["heaters"]) == 0
    finally:
        feed.close()
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 20_000


def test_many_samples_become_few_points_and_no_spike_is_lost() -> None:
    import numpy as np

    samples = np.zeros((1000, 2, 3))
    samples[437, 1, 2] = 5.0
    samples[811, 0, 0] = -3.0
    x, y = pieces(samples)
    assert len(x) == len(y) <= MOST_POINTS
    assert y[:, 1, 2].max() == 5.0
    assert y[:, 0, 0].min() == -3.0
    assert np.all(np.diff(x) > 0)
    assert x[int(y[:, 1, 2].argmax())] == pytest.approx(0.4375, abs=0.01)
    assert [nice(v) for v in (0.0, 0.03, 1.0, 1.1, 2.3, 7.0)] == [1.0, 0.05, 1.0, 2.0, 5.0, 10.0]


def test_this_qt_gives_none_back(qapp: QApplication) -> None:
    """PySide6 6.12.0 takes a reference of None with each call, until Python dies of it."""
    widget = QWidget()
    gc.collect()
    before = sys.getrefcount(None)
    for _ in range(300):
        widget.update()
    assert sys.getrefcount(None) - before > -100


def test_a_run_that_is_cut_back_to_its_first_step_is_painted(open_window: Open) -> None:
    window = open_window(_whole(ended=False))
    _fresh(window, RunResumed(step=0, epochs=0))
    for key in window.panels:
        window.show_panel(key)
        window.tick()
        window.grab()
    assert not window._failed
