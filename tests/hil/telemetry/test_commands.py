"""Commands are obeyed once, or refused with the reason; each is answered on the bus."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from hil.telemetry.bus import Bus, Outlet
from hil.telemetry.commands import Command, CommandDesk
from hil.telemetry.event import Stamped
from hil.telemetry.events import CommandAnswered


def _command(verb: str, id_: str = "1", valid: float = 10.0) -> Command:
    return Command(id=id_, verb=verb, issuer="me", expires=time.time() + valid)


def test_pause_resume_and_stop() -> None:
    desk = CommandDesk(Bus())
    assert desk.give(_command("pause", "1")).accepted
    assert desk.paused
    assert desk.give(_command("resume", "2")).text == "goes on"
    assert not desk.paused
    assert desk.give(_command("resume", "3")).text == "was not paused"
    assert desk.give(_command("pause", "4")).accepted
    assert desk.give(_command("stop", "5")).accepted
    assert desk.end == "stopped by a command"
    assert not desk.paused  # what is to end does not wait


def test_off_ends_the_run_at_once_and_only_once() -> None:
    called: list[int] = []
    desk = CommandDesk(Bus())
    desk.off = lambda: called.append(1)
    command = _command("off")
    assert desk.give(command).accepted
    assert desk.give(command).accepted
    assert called == [1]


@pytest.mark.parametrize(
    ("verb", "valid", "why"),
    [
        ("reboot", 10.0, "no command 'reboot'"),
        ("pause", -5.0, "expired"),
        ("pause", 1e9, "at most"),
    ],
)
def test_what_is_not_valid_is_refused(verb: str, valid: float, why: str) -> None:
    desk = CommandDesk(Bus())
    answer = desk.give(_command(verb, valid=valid))
    assert not answer.accepted
    assert why in answer.text
    assert not desk.paused


def test_a_repeated_command_is_not_obeyed_again() -> None:
    desk = CommandDesk(Bus())
    pause = _command("pause", "1")
    desk.give(pause)
    desk.give(_command("resume", "2"))
    assert desk.give(pause).accepted
    assert not desk.paused


def test_each_answer_is_published() -> None:
    heard: list[CommandAnswered] = []

    def take(events: Sequence[Stamped]) -> None:
        heard.extend(e.event for e in events if isinstance(e.event, CommandAnswered))

    bus = Bus()
    outlet = bus.add(Outlet("test", take))
    desk = CommandDesk(bus)
    desk.give(_command("pause", "1"))
    desk.refuse(_command("stop", "2"), "you may not")
    assert outlet.close()
    assert [(one.id, one.accepted, one.text) for one in heard] == [
        ("1", True, "holds before the next step; levels stay"),
        ("2", False, "you may not"),
    ]
