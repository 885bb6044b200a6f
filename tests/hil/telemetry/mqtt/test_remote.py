"""Who may command over MQTT, and what becomes of the rest."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from hil.telemetry.bus import Bus, Outlet
from hil.telemetry.commands import Command, CommandDesk
from hil.telemetry.event import Event
from hil.telemetry.events import CommandAnswered, Noted
from hil.telemetry.mqtt import payloads
from hil.telemetry.mqtt.remote import BURST, RemoteDesk, Rights

FULL = Rights(frozenset({"ann"}), remote_control=True)
ONLY_OFF = Rights(frozenset({"ann"}), remote_control=False)


class Desk:
    """A desk behind MQTT; `say` gives it a command."""

    def __init__(self, rights: Rights) -> None:
        self.bus = Bus()
        self.desk = CommandDesk(self.bus)
        self.offs: list[int] = []
        self.desk.off = lambda: self.offs.append(1)
        self.counts: Counter[str] = Counter()
        self.told: list[Event] = []
        self.bus.add(Outlet("test", lambda events: self.told.extend(e.event for e in events)))
        self.remote = RemoteDesk(self.desk, self.bus, rights, self.counts)

    def say(
        self,
        verb: str,
        issuer: str = "ann",
        id_: str = "1",
        valid: float = 10.0,
        text: str | None = None,
        retain: bool = False,
    ) -> CommandAnswered | None:
        command = Command(id_, verb, issuer, time.time() + valid)
        return self.remote.answer([verb, issuer], payloads.command(command, text), retain)

    def accepted(self, *args: Any, **named: Any) -> bool:
        answer = self.say(*args, **named)
        assert answer is not None
        return answer.accepted

    def all_told(self) -> list[Event]:
        self.bus.close()
        return self.told


def test_an_allowed_issuer_commands_a_run_under_remote_control() -> None:
    one = Desk(FULL)
    assert one.accepted("pause", id_="1")
    assert one.desk.paused
    assert one.accepted("resume", id_="2")
    assert one.accepted("stop", id_="3")
    assert one.desk.end
    assert [type(e) for e in one.all_told()] == [CommandAnswered] * 3


@pytest.mark.parametrize("rights", [FULL, ONLY_OFF, Rights(remote_control=True), Rights()])
def test_nobody_else_does(rights: Rights) -> None:
    one = Desk(rights)
    for verb in ("pause", "stop", "off"):
        answer = one.say(verb, issuer="eve")
        assert answer is not None
        assert not answer.accepted
        assert "--allow" in answer.text
    assert one.offs == []
    assert not one.desk.end
    assert not one.desk.paused


def test_without_remote_control_only_off_is_obeyed() -> None:
    one = Desk(ONLY_OFF)
    answer = one.say("stop")
    assert answer is not None
    assert not answer.accepted
    assert "--remote-control" in answer.text
    assert not one.accepted("note", text="x", id_="2")
    assert one.accepted("off", id_="3")
    assert one.offs == [1]


def test_off_is_obeyed_whatever_the_clocks_say() -> None:
    one = Desk(ONLY_OFF)
    assert one.accepted("off", valid=-3600.0)
    assert one.accepted("off", valid=1e6, id_="2")
    assert one.offs == [1, 1]


def test_what_has_expired_or_came_before_is_not_obeyed() -> None:
    one = Desk(FULL)
    assert not one.accepted("pause", valid=-1.0)
    assert one.accepted("pause", id_="2")
    assert one.accepted("resume", id_="3")
    assert one.accepted("pause", id_="2")
    assert not one.desk.paused


def test_retained_and_malformed_commands_are_counted_and_no_more() -> None:
    one = Desk(FULL)
    assert one.say("off", retain=True) is None
    assert one.remote.answer(["off"], b"{}", False) is None
    assert one.remote.answer(["off", "ann"], b"\xff", False) is None
    other = payloads.command(Command("1", "off", "eve", time.time() + 5.0))
    assert one.remote.answer(["off", "ann"], other, False) is None
    assert one.counts == {"retained": 1, "malformed": 3}
    assert not one.offs
    assert one.all_told() == []


def test_a_flood_is_cut_but_off_gets_through() -> None:
    one = Desk(FULL)
    answers = [one.say("reboot", issuer="eve", id_=str(n)) for n in range(500)]
    assert BURST <= sum(a is not None for a in answers) < BURST + 50
    assert one.counts["flooding"] > 400
    assert one.accepted("off")
    assert len(one.all_told()) < BURST + 60


def test_notes_are_written_down_once() -> None:
    one = Desk(FULL)
    assert one.accepted("note", text="fibre 3 moved", id_="7")
    assert one.accepted("note", text="fibre 3 moved", id_="7")
    assert not one.accepted("note", text="late", id_="8", valid=-1.0)
    assert not one.accepted("note", text=" ", id_="9")
    notes = [e for e in one.all_told() if isinstance(e, Noted)]
    assert notes == [Noted(text="fibre 3 moved", author="ann")]
