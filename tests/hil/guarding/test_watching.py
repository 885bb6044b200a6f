"""What a guardian makes of its controller's words, silence and end: in made-up time."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from hil.guarding import watching
from hil.guarding.vigil import BEAT
from hil.guarding.watching import BURIAL, GRACE, WINDING_DOWN, Watch

PID, PATIENCE, RAMP = 4711, 10.0, 2.0


class Controller:
    """A controller of a script: what it says when, and what becomes of it under signals."""

    def __init__(self) -> None:
        self.now = 0.0
        self.words: list[tuple[float, dict[str, Any]]] = []
        self.beats_until = 0.0
        self.alive = True
        self.ends_by: set[signal.Signals] = {signal.SIGKILL}
        self.signals: list[tuple[float, signal.Signals]] = []
        self.heard: list[dict[str, Any]] = []
        self.told: list[str] = []
        self.gone = False
        self.obeys = False

    # As a line.
    def fileno(self) -> int:
        return 0

    def hear(self) -> list[dict[str, Any]]:
        due = [word for at, word in self.words if at <= self.now]
        self.words = [(at, word) for at, word in self.words if at > self.now]
        return due + ([{}] if self.now <= self.beats_until else [])

    def beat(self) -> None:
        pass

    def say(self, **words: Any) -> None:
        self.heard.append(words)
        if self.obeys:
            self.words.append((self.now + RAMP, {"done": True}))

    # As a poll, a clock and a process.
    def register(self, *_: Any) -> None:
        pass

    def poll(self, milliseconds: float) -> list[Any]:
        if self.now + BEAT <= self.beats_until:
            self.now += BEAT
            return [0]
        self.now += 1e-3 * milliseconds
        return [0] if any(at <= self.now for at, _ in self.words) or self.gone else []

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        return self.now

    def getppid(self) -> int:
        return PID if self.alive else 1

    def kill(self, pid: int, number: signal.Signals) -> None:
        assert pid == PID
        self.signals.append((self.now, number))
        if number in self.ends_by:
            self.alive = False


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch) -> Controller:
    one = Controller()
    monkeypatch.setattr(watching, "time", one)
    monkeypatch.setattr(watching, "os", one)
    monkeypatch.setattr(watching.select, "poll", lambda: one)
    return one


def watch(controller: Controller) -> Watch:
    line: Any = controller
    return Watch(line, PID, PATIENCE, RAMP, controller.told.append)


def test_a_controller_that_is_done_is_let_be(controller: Controller) -> None:
    controller.beats_until = 3600.0
    controller.words = [(5.0, {"folder": "/runs/a"}), (3000.0, {"done": True})]
    one = watch(controller)
    assert one.until_due() == ""
    assert str(one.folder) == "/runs/a"
    assert controller.signals == []
    assert controller.told == []


def test_a_controller_that_hands_over_is_not_killed(controller: Controller) -> None:
    controller.words = [(1.0, {"identities": {"a": ["m", "n", "s", ""]}, "take": True})]
    one = watch(controller)
    assert one.until_due() == "its controller could not drive it off"
    assert one.identities == {"a": ["m", "n", "s", ""]}
    assert controller.signals == []


def test_a_controller_that_is_gone_is_acted_upon_at_once(controller: Controller) -> None:
    controller.alive, controller.gone = False, True
    assert "is gone (killed, or crashed)" in watch(controller).until_due()
    assert controller.now <= 1.1


def test_a_controller_that_is_gone_is_noticed_where_another_holds_its_line(
    controller: Controller,
) -> None:
    """A process that it forked has the socket still."""
    controller.alive = False
    assert "is gone" in watch(controller).until_due()


def test_a_line_let_go_is_as_bad_as_a_hang(controller: Controller) -> None:
    controller.gone = True
    assert "has let go of its guardian" in watch(controller).until_due()
    assert [number for _, number in controller.signals][-1] is signal.SIGKILL


def test_a_hang_is_waited_for_then_asked_then_killed(controller: Controller) -> None:
    controller.beats_until = 100.0
    assert "no heartbeat of its loop for 10 s" in watch(controller).until_due()
    (awake, cont), (asked, term), (killed, kill) = controller.signals
    assert (cont, term, kill) == (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL)
    assert 100.0 + PATIENCE - BEAT <= awake <= asked <= 100.0 + PATIENCE + 2.0
    assert GRACE <= killed - asked <= GRACE + 2.0
    assert any("is killed" in line for line in controller.told)


def test_a_hang_that_ends_at_sigterm_is_not_killed(controller: Controller) -> None:
    controller.ends_by = {signal.SIGTERM}
    assert "hangs" in watch(controller).until_due()
    assert [number for _, number in controller.signals] == [signal.SIGCONT, signal.SIGTERM]


def test_a_controller_that_finds_its_own_way_is_given_its_time(controller: Controller) -> None:
    """As after Ctrl-Z: it beats again, goes off by its ramp, and is done."""

    def wakes(pid: int, number: signal.Signals) -> None:
        controller.signals.append((controller.now, number))
        controller.beats_until = controller.now + RAMP + WINDING_DOWN - 5.0
        controller.words = [(controller.beats_until - 1.0, {"done": True})]

    controller.kill = wakes  # type: ignore[method-assign]
    assert watch(controller).until_due() == ""
    assert signal.SIGKILL not in [number for _, number in controller.signals]


def test_a_way_that_takes_too_long_is_cut_short(controller: Controller) -> None:
    controller.ends_by = {signal.SIGKILL}

    def wakes(pid: int, number: signal.Signals) -> None:
        Controller.kill(controller, pid, number)
        controller.beats_until = 1e9

    controller.kill = wakes  # type: ignore[method-assign]
    assert "hangs" in watch(controller).until_due()
    (asked, _), (killed, number) = controller.signals[-2:]
    assert number is signal.SIGKILL
    assert killed - asked == pytest.approx(RAMP + WINDING_DOWN, abs=2.0)


def test_what_cannot_be_killed_keeps_nobody_from_trying(controller: Controller) -> None:
    controller.ends_by = set()
    assert "hangs" in watch(controller).until_due()
    assert controller.now <= PATIENCE + GRACE + BURIAL + 6.0
    assert any("may hold its links" in line for line in controller.told)


@pytest.mark.parametrize("obeys", [True, False])
def test_asked_to_end_it_has_the_controller_go_first(obeys: bool, controller: Controller) -> None:
    controller.beats_until = 1e9
    controller.obeys = obeys
    one = watch(controller)
    one.asked = True
    why = one.until_due()
    assert controller.heard == [{"end": "SIGTERM"}]
    if obeys:
        assert why == ""
        assert controller.signals == []
    else:
        assert "was asked to end, and its controller went on" in why
        assert controller.now <= 2 * (RAMP + WINDING_DOWN) + 5.0
