"""The window shows what is there, and in what state the bench is."""

from __future__ import annotations

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="the live window needs PySide6")
pytest.importorskip("pyqtgraph", reason="the live window needs pyqtgraph")

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from hil.monitor.replay import Replay
from hil.monitor.window.bench_panel import BenchPanel
from hil.monitor.window.panels import PANELS
from hil.telemetry.events import CommandAnswered, Fault, Noted, Readings, StateChanged
from tests.hil.monitor import made
from tests.hil.monitor.made import Scripted
from tests.hil.monitor.windows import Open, colours, fresh, press, whole


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_panel_shows_what_there_is(open_window: Open, theme: str) -> None:
    window = open_window(whole(), theme)
    for _, kind in PANELS:
        window.show_panel(kind.key)
        window.tick()
        panel = window.panels[kind.key]
        assert panel.isVisible()
        assert colours(panel) > 6, kind.key
        assert not window._failed
    assert "test 0.750" in window.panels["learning"].headline.text()
    assert "alarms 1" in window.panels["drift"].headline.text()
    assert "bank 0" in window.panels["power"].headline.text()


def test_every_axis_has_a_name(open_window: Open) -> None:
    window = open_window(whole())
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
    window = open_window(whole(ended=False))
    assert window.banner.block.text.startswith("RUNNING STALE")
    assert window.banner.left.text() == "time left ?"
    fresh(window, made.step(21))
    assert window.banner.block.text == "RUNNING"
    assert window.banner.light.text() == "LIGHT ON"
    fresh(window, StateChanged(state="tripped", light=False, why="no heartbeat"))
    assert window.banner.block.text == "TRIPPED"
    assert "no heartbeat" in window.banner.change.text()
    window.show_panel("bench")
    window.tick()
    said = window.panels["bench"]._said  # type: ignore[attr-defined]
    assert said["interlocks"].text() == "TRIPPED: no heartbeat"
    assert said["first cause"].text().endswith("MAJOR interlock: TRIPPED: no heartbeat")


def test_the_first_failure_since_arming_is_the_cause_and_a_trip_may_follow(
    open_window: Open,
) -> None:
    window = open_window(whole(ended=False))
    window.show_panel("bench")
    fresh(
        window,
        Fault(source="heaters-0", text="no reply"),
        StateChanged(state="tripped", light=False, why="no heartbeat"),
    )
    said = window.panels["bench"]._said  # type: ignore[attr-defined]
    assert said["first cause"].text().endswith("MAJOR heaters-0: no reply")
    assert said["then"].text().endswith("MAJOR interlock: TRIPPED: no heartbeat")
    assert said["then"].isVisible()
    fresh(window, StateChanged(state="armed", light=True))
    assert said["first cause"].text() == "no fault so far"
    assert not said["then"].isVisible()


def test_a_pause_is_shown_and_any_sign_of_life_is_one(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(whole(ended=False))
    clock = made.Clock()
    monkeypatch.setattr(window.feed.state, "_clock", clock)
    fresh(
        window,
        CommandAnswered(id="x", verb="pause", issuer="me", accepted=True, text="holds"),
        StateChanged(state="idle", light=True, why="paused by a command; levels are held"),
    )
    assert window.banner.block.text == "PAUSED, IDLE"
    assert window.banner.left.text() == "paused"
    for event in (made.health(300), made.stage(), made.laser(), Noted(text="waits", author="me")):
        clock.now += 6.0
        fresh(window, event)
        assert window.banner.block.text == "PAUSED, IDLE"
    clock.now += 11.0
    window.tick()
    assert window.banner.block.text == "PAUSED, IDLE STALE 11 s"


def test_instruments_beside_the_signal_path_are_shown_as_far_as_they_tell(
    open_window: Open,
) -> None:
    window = open_window(Scripted(made.stamped([made.started(), made.bench()])))
    window.show_panel("bench")
    window.tick()
    panel = window.panels["bench"]
    assert isinstance(panel, BenchPanel)
    said = panel._said
    assert said["thermal stage"].text() == "no thermal stage on this bench tells its state"
    assert said["laser"].text().startswith("no laser on this bench tells its power")
    assert not panel._view.isVisible()
    fresh(window, made.stage(24.9), made.stage(25.0))
    assert (
        said["thermal stage"]
        .text()
        .startswith("stage-0: set 25 °C (-50 to 150)   actual 25 °C   output 0.8")
    )
    stage, laser = panel.plots()
    assert panel._view.isVisible()
    assert stage.isVisible()
    assert not laser.isVisible()
    assert stage.getAxis("left").labelText == "stage actual / °C"
    assert list(stage.listDataItems()[0].getData()[1]) == [24.9, 25.0]
    fresh(window, made.laser(0.02))
    assert said["laser"].text().startswith("laser-0: power 0.02 W")
    assert laser.isVisible()
    other = Readings(source="pump", role="chiller", values={"flow": 1.5}, units={"flow": "l/min"})
    fresh(window, other)
    assert said["others"].text().startswith("pump: flow 1.5 l/min")


def test_heaters_are_sorted_by_any_column(open_window: Open) -> None:
    source = whole(ended=False)
    window = open_window(source)
    window.show_panel("heaters")
    told = made.levels(21, 0.02)
    told.levels[1, 5] = 0.049
    told.levels[0, 7] = 0.001
    fresh(window, told)
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
    source = whole()
    window = open_window(Replay(source, 1.0))
    assert window.replay_bar.isVisible()
    qtbot.waitUntil(lambda: window.feed.state.facts.started is not None)
    press(qtbot, window, Qt.Key.Key_Space)
    replay = window.feed.replay
    assert replay is not None
    qtbot.waitUntil(lambda: replay.paused)
    press(qtbot, window, Qt.Key.Key_Plus)
    qtbot.waitUntil(lambda: replay.speed == 2.0)
    window.replay_bar.go(1.0)
    qtbot.waitUntil(lambda: window.feed.state.lifecycle.ended is not None)
    window.tick()
    assert "at its end" in window.replay_bar.speed.text()
    assert not window.banner.off.isEnabled()


def test_a_held_picture_holds_while_the_banner_goes_on(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(whole(ended=False))
    before = window.panels["learning"].headline.text()
    press(qtbot, window, Qt.Key.Key_Space)
    fresh(window, made.step(21, loss=9.0))
    assert window.panels["learning"].headline.text() == before
    assert window.banner.progress.text().startswith("step 21")
    press(qtbot, window, Qt.Key.Key_Space)
    window.tick()
    assert "loss 9.000" in window.panels["learning"].headline.text()


def test_a_single_reading_is_seen_and_its_axis_tells_it(open_window: Open) -> None:
    window = open_window(Scripted(made.stamped([made.started(), made.bench(), made.laser()])))
    window.show_panel("bench")
    panel = window.panels["bench"]
    window.tick()
    laser = panel.plots()[1]
    (curve,) = laser.listDataItems()
    assert curve.opts["symbol"] == "o"
    value = float(curve.getData()[1][-1])
    low, high = laser.viewRange()[1]
    assert low < value < high
    assert high - low < 0.3 * value


def test_bench_time_says_what_it_waits_for_until_there_is_a_bar(open_window: Open) -> None:
    window = open_window(Scripted(made.stamped([made.started(), made.bench(), made.spent(1.0)])))
    window.show_panel("time")
    panel = window.panels["time"]
    window.tick()
    assert panel._stack.currentIndex() == 0
    assert "end of every epoch" in panel._nothing.text()
    fresh(window, made.step(5), made.spent(2.0))
    assert panel._stack.currentIndex() == 1


def test_while_a_long_record_is_read_the_banner_shows_how_far_and_no_old_state(
    open_window: Open,
) -> None:
    window = open_window(whole(ended=False))
    with window.feed.lock:
        window.feed.state.reading = (300, 1000)
    window.tick()
    banner = window.banner
    assert banner.block.text == "READING the record, 30 %"
    assert banner._bar.value() == 300
    assert "LIGHT ?" in banner.light.text()
    assert banner.off.isEnabled()  # whatever is shown, the bench can be driven off
    before = colours(banner.block)
    with window.feed.lock:
        window.feed.state.reading = None
    window.tick()
    assert "STALE" in banner.block.text
    assert colours(banner.block) != before
