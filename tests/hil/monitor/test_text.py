"""The terminal view says what the window says, and lets nobody write into the terminal."""

from __future__ import annotations

import io
import os
import pty
import threading

import pytest
from rich.console import Console
from rich.text import Text

from hil.monitor import text
from hil.monitor.feed import Feed
from hil.monitor.keyboard import Keyboard
from hil.monitor.state.run_state import RunState
from hil.telemetry.commands import Verb
from hil.telemetry.events import Fault, Noted, Readings
from tests.hil.monitor import made
from tests.hil.monitor.hostile import NASTY, STRANGE
from tests.hil.monitor.made import Scripted
from tests.hil.monitor.test_feed import following


def _printed(state: RunState, *, whole: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=120, height=45, force_terminal=False)
    if whole:
        console.print(text.screen(state, "a-run", Text("below"), 10, 120))
    else:
        console.print(text.snapshot(state, "a-run", 120))
    return out.getvalue()


def test_it_says_what_there_is() -> None:
    state = RunState()
    state.take(made.stamped(made.a_run(20)))
    said = " ".join(_printed(state).split())
    for part in (
        "a-run",
        "OFF",
        "LIGHT OFF",
        "finished, test 0.750",
        "step 20 of 20, epoch 4 of 4",
        "logistic regression 0.880",
        "▼ alarms 1",
        "of 0.48 W, least margin 56.0 %",
        "thermal stage",
        "stage-0: set 25 °C (-50 to 150) actual 25.02 °C output 0.8 A",
        "laser-0: power 0.0102 W",
        "write 375.0",
        "finished, test accuracy 0.7500",
        "1 open",
    ):
        assert part in said, part
    assert "below" in _printed(state, whole=True)


def test_taps_stand_beside_laser_and_stage() -> None:
    state = RunState()
    told = Readings(source="meter-0", role="tap", values={"power": 1e-4}, units={"power": "W"})
    state.take(made.stamped([made.started(), told]))
    assert "tap meter-0: power 0.0001 W" in " ".join(_printed(state).split())


def test_nothing_yet_is_said() -> None:
    said = _printed(RunState())
    assert "NO STATE" in said
    assert "NOTHING HEARD" in said
    assert "no step was told yet" in said


def test_the_first_cause_stands_out() -> None:
    state = RunState()
    state.take(made.stamped([made.started(), Fault(source="box-3", text="no reply")]))
    assert "box-3: no reply" in _printed(state)


def test_what_is_written_by_others_moves_no_cursor_and_makes_no_colour() -> None:
    state = RunState()
    state.take(made.stamped([Noted(text=NASTY, author="[bold]me"), *(row[1] for row in STRANGE)]))
    for said in (_printed(state), _printed(state, whole=True)):
        assert "\x1b" not in said
        assert "\x07" not in said
        assert "[red]" in said  # shown as it is, not obeyed


@pytest.mark.parametrize(
    ("values", "curve"),
    [([], ""), ([1.0], "▅"), ([0.0, 1.0], "▁█"), ([float("nan"), 2.0, 1.0], "█▁"), ([3, 3], "▅▅")],
)
def test_small_curves(values: list[float], curve: str) -> None:
    assert text.sparks(values) == curve


def test_a_long_curve_is_as_wide_as_it_may_be() -> None:
    curve = text.sparks(range(1000), width=20)
    assert len(curve) == 20
    assert list(curve) == sorted(curve)


@pytest.mark.parametrize("width", [72, 80, 100, 120, 200])
def test_the_newest_end_of_a_curve_is_never_cut_off(width: int) -> None:
    state = RunState()
    state.take(made.stamped(made.a_run(200)))
    for shown in (
        text.screen(state, "a-run", Text(""), 10, width),
        text.snapshot(state, "a-run", width),
    ):
        out = io.StringIO()
        Console(file=out, width=width, height=45, force_terminal=False).print(shown)
        lines = out.getvalue().splitlines()
        curves = [line for line in lines if any(block in line for block in text.BLOCKS)]
        assert len(curves) >= 3
        assert not any(f"{block}…" in line for line in curves for block in text.BLOCKS)


def test_into_a_pipe_it_is_printed_once() -> None:
    out = io.StringIO()
    with following(lambda: Scripted(made.stamped(made.a_run(20)))) as feed:
        assert text.show(feed, Console(file=out, width=100)) == 0
    assert "step 20 of 20" in out.getvalue()


def test_off_from_a_terminal_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Scripted(made.stamped(made.a_run(5, ended=False)))
    keys = iter(["o", "n", "o", "y", "", "q"])
    seen: list[str] = []
    monkeypatch.setattr(Keyboard, "wait", lambda self, seconds: next(keys))

    def remember(feed: Feed, asking: Verb | None) -> Text:
        seen.append(str(asking))
        return Text("")

    monkeypatch.setattr(text, "_below", remember)
    with following(lambda: source) as feed:
        console = Console(file=io.StringIO(), force_terminal=True, width=100, height=40)
        assert text.show(feed, console) == 0
        end = threading.Event()
        feed.steer(lambda _: None)
        for _ in range(500):
            if source.asked or end.wait(0.01):
                break
    assert source.asked == [Verb.OFF]
    assert seen == ["None", "off", "None", "off", "None", "None"]


def test_keys_come_one_by_one_and_the_terminal_is_given_back() -> None:
    ours, theirs = pty.openpty()
    try:
        with os.fdopen(theirs, encoding="utf-8") as stream:
            before = _mode(stream.fileno())
            with Keyboard(stream) as keyboard:
                assert keyboard.wait(0.0) == ""
                os.write(ours, b"Q")
                assert keyboard.wait(5.0) == "q"
                assert _mode(stream.fileno()) != before
            assert _mode(stream.fileno()) == before
    finally:
        os.close(ours)


def _mode(fd: int) -> list[object]:
    import termios

    return termios.tcgetattr(fd)[:4]
