"""The window asks before it commands, and shows what became of it."""

from __future__ import annotations

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="the live window needs PySide6")
pytest.importorskip("pyqtgraph", reason="the live window needs pyqtgraph")

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from hil.telemetry.commands import Verb
from hil.telemetry.events import CommandAnswered
from tests.hil.monitor import made
from tests.hil.monitor.windows import Open, fresh, press, whole


def test_off_is_one_key_and_enter_away_and_its_answer_is_shown(
    open_window: Open, qtbot: QtBot
) -> None:
    source = whole(ended=False)
    window = open_window(source)
    fresh(window, made.step(21))
    panels = window.docks["learning"]
    place = panels.geometry()
    press(qtbot, window, Qt.Key.Key_O)
    assert window.ask_bar.isVisible()
    assert panels.geometry() == place  # nothing jumps under the mouse
    assert source.asked == []
    press(qtbot, window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: source.asked == [Verb.OFF])
    window.tick()
    assert "waiting for the answer" in window.ask_bar.text.text()
    fresh(
        window,
        CommandAnswered(id="id-1", verb="off", issuer="me", accepted=True, text="bench off"),
    )
    assert window.ask_bar.text.text() == "off taken: bench off"
    assert panels.geometry() == place


def test_an_answer_does_not_stand_for_ever(open_window: Open, qtbot: QtBot) -> None:
    source = whole(ended=False)
    source.refuses = "only started with --remote-control"
    window = open_window(source)
    clock = made.Clock()
    window.ask_bar._clock = clock
    for _ in range(2):  # the same answer to a second question is shown again
        window.banner.stop.click()
        window.ask_bar.yes.click()
        qtbot.waitUntil(lambda: "remote-control" in window.feed.state.asked)
        window.tick()
        assert window.ask_bar.isVisible()
        clock.now += 9.0
        window.tick()
        assert window.ask_bar.isVisible()
        clock.now += 2.0
        window.tick()
        assert not window.ask_bar.isVisible()
        assert window.banner.left.isVisible()


@pytest.mark.parametrize("key", [Qt.Key.Key_P, Qt.Key.Key_S, Qt.Key.Key_O])
def test_a_question_that_is_not_agreed_to_commands_nothing(
    open_window: Open, qtbot: QtBot, key: Qt.Key
) -> None:
    source = whole(ended=False)
    window = open_window(source)
    press(qtbot, window, key)
    assert window.ask_bar.verb is not None
    press(qtbot, window, Qt.Key.Key_Escape)
    assert not window.ask_bar.isVisible()
    window.feed.note("after it")
    qtbot.waitUntil(lambda: source.notes == ["after it"])
    assert source.asked == []


def test_pause_becomes_resume(open_window: Open, qtbot: QtBot) -> None:
    source = whole(ended=False)
    window = open_window(source)
    window.banner.pause.click()
    window.ask_bar.yes.click()
    qtbot.waitUntil(lambda: source.asked == [Verb.PAUSE])
    fresh(
        window, CommandAnswered(id="id-1", verb="pause", issuer="me", accepted=True, text="holds")
    )
    assert window.banner.pause.text().startswith("Resume")
    assert window.banner.left.text() == "paused"
    window.banner.pause.click()
    window.ask_bar.yes.click()
    qtbot.waitUntil(lambda: source.asked == [Verb.PAUSE, Verb.RESUME])


def test_a_refusal_is_shown(open_window: Open, qtbot: QtBot) -> None:
    source = whole(ended=False)
    source.refuses = "only started with --remote-control"
    window = open_window(source)
    window.banner.stop.click()
    window.ask_bar.yes.click()
    qtbot.waitUntil(lambda: "remote-control" in window.feed.state.asked)
    window.tick()
    assert "remote-control" in window.ask_bar.text.text()


def test_a_run_that_is_over_cannot_be_commanded(open_window: Open, qtbot: QtBot) -> None:
    window = open_window(whole())
    assert not window.banner.off.isEnabled()
    press(qtbot, window, Qt.Key.Key_O)
    assert window.ask_bar.verb is None


def test_a_note_is_typed_and_kept(open_window: Open, qtbot: QtBot) -> None:
    source = whole(ended=False)
    window = open_window(source)
    press(qtbot, window, Qt.Key.Key_N)
    qtbot.keyClicks(window.log.note, "stop: oops")  # letters that are keys elsewhere
    assert window.ask_bar.verb is None
    qtbot.keyClick(window.log.note, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: source.notes == ["stop: oops"])
    assert window.log.note.text() == ""
