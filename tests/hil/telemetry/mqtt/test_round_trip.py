"""A run told over a real broker: to a stranger with a plain client, and to our own reader."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgpack
import numpy as np
import pytest

from hil.telemetry.commands import Verb
from hil.telemetry.event import Severity, Stamped
from hil.telemetry.events import (
    EpochEnded,
    Levels,
    Noted,
    RunEnded,
    StateChanged,
    Step,
    Watched,
)
from hil.telemetry.mqtt.broker import EmbeddedBroker
from hil.telemetry.mqtt.client import LARGEST
from hil.telemetry.mqtt.remote import Rights
from hil.telemetry.mqtt.standing import Life
from hil.telemetry.source import Source, SourceError
from tests.hil.telemetry.made import started

STARTED = started("r1")
OPERATOR = Rights(frozenset({"ann"}), remote_control=True)


def _step(number: int) -> Step:
    return Step(
        step=number,
        epoch=1,
        loss=1.0,
        accuracy=0.5,
        residual=None,
        clamped=0,
        measured_on="bench",
        seconds=0.1,
    )


def _json(message: Any) -> dict[str, Any]:
    return json.loads(message.payload)


def _states(ear: Any) -> list[str]:
    return [_json(m)["state"] for m in ear.all if m.topic.endswith("/state")]


@pytest.fixture
def gather(eventually: Callable[..., Any]) -> Callable[..., list[Stamped]]:
    """`gather(source, number)`: events of a source, until there are so many."""

    def collect(source: Source, number: int) -> list[Stamped]:
        found: list[Stamped] = []

        def enough() -> bool:
            found.extend(source.poll())
            return len(found) >= number

        eventually(enough)
        return found

    return collect


def test_a_stranger_hears_birth_run_and_end(
    broker: EmbeddedBroker, run_at: Callable[..., Any], listen: Callable[..., Any]
) -> None:
    ear = listen(broker.address.port, "hil/v1/life/#")
    run = run_at(broker.address.port, "life")
    assert _json(ear.next("life/meta"))["events"]["step"]["fields"]["loss"]["unit"] == "nat"
    ear.next("/state", lambda payload: b"sleeping" in payload)
    run.bus.publish(STARTED)
    ear.next("/state", lambda payload: b"ready" in payload)
    line = _json(ear.next("/event"))
    assert (line["kind"], line["fields"]["run"]) == ("run_started", "r1")
    for number in range(1, 4):
        run.bus.publish(_step(number))
    packed = msgpack.unpackb(ear.next("/batch", lambda payload: b"accuracy" in payload).payload)
    rows = msgpack.unpackb(packed["events"])
    assert [row[3] for row in rows][-1] == "step"
    run.bus.publish(RunEnded(outcome="finished"))
    assert run.outlet.close()
    ear.next("/state", lambda payload: b"disconnected" in payload)
    assert _states(ear) == ["init", "sleeping", "ready", "sleeping", "disconnected"]
    late = listen(broker.address.port, "hil/v1/life/#")
    kept = {late.next("").topic.rpartition("/")[2] for _ in range(3)}
    assert kept == {"state", "meta", "now"}
    assert _states(late) == ["disconnected"]


def test_alarms_are_retained_while_they_stand(
    broker: EmbeddedBroker, run_at: Callable[..., Any], listen: Callable[..., Any]
) -> None:
    port = broker.address.port
    left = listen(port, "nothing")
    for id_ in ("left", "tripped"):
        left.say(f"hil/v1/alarms/alarm/{id_}", b'{"severity": "major"}', retain=True)
    ear = listen(port, "hil/v1/alarms/alarm/#")
    assert {ear.next("").topic.rpartition("/")[2] for _ in range(2)} == {"left", "tripped"}
    run = run_at(port, "alarms")
    # What a dead controller left is cleared; that a bench is not safe stays until it says it is.
    assert ear.next("alarm/left").payload == b""
    run.bus.publish(StateChanged(state="off", light=False))
    assert ear.next("alarm/tripped").payload == b""
    alarm = Watched(step=1, what="alarm", text="moved", severity=Severity.MINOR, data={})
    run.bus.publish(alarm)
    found = _json(ear.next("alarm/watch-alarm"))
    assert (found["severity"], found["text"]) == ("minor", "moved")
    late = listen(port, "hil/v1/alarms/alarm/#")
    assert late.next("alarm/watch-alarm").retain
    run.bus.publish(Watched(step=2, what="action", text="mended", data={}))
    assert ear.next("alarm/watch-alarm").payload == b""


def test_a_reader_gets_all_events_once_and_arrays_as_they_were(
    broker: EmbeddedBroker,
    run_at: Callable[..., Any],
    follow_at: Callable[..., Any],
    gather: Callable[..., list[Stamped]],
) -> None:
    run = run_at(broker.address.port, "reader")
    source = follow_at(broker.address.port, "reader")
    run.bus.publish(STARTED)
    levels = np.arange(6.0).reshape(2, 3)
    for number in range(1, 301):
        if number == 151:
            run.bus.publish(Levels(step=150, levels=levels))
        run.bus.publish(_step(number))
    run.bus.publish(RunEnded(outcome="finished"))
    found = gather(source, 303)
    assert [one.number for one in found] == list(range(1, 304))
    told = next(one.event for one in found if isinstance(one.event, Levels))
    assert np.array_equal(told.levels, levels)
    assert source.counts["lost_messages"] == 0
    run.outlet.close()
    while source.life is not Life.DISCONNECTED:
        assert source.poll() == []  # an end in order is no trouble, and nothing comes twice


def test_who_comes_late_is_told_what_holds(
    broker: EmbeddedBroker,
    run_at: Callable[..., Any],
    follow_at: Callable[..., Any],
    gather: Callable[..., list[Stamped]],
    listen: Callable[..., Any],
) -> None:
    ear = listen(broker.address.port, "hil/v1/late/#")
    run = run_at(broker.address.port, "late")
    run.bus.publish(STARTED)
    run.bus.publish(_step(1))
    run.bus.publish(StateChanged(state="running", light=True))
    ear.next("/now", lambda payload: b"running" in payload)
    source = follow_at(broker.address.port, "late")
    early = gather(source, 2)
    assert [one.event for one in early] == [STARTED, StateChanged(state="running", light=True)]
    epoch = EpochEnded(
        epoch=1,
        loss=1.0,
        train_accuracy=0.5,
        held_out_accuracy=0.5,
        measured_on="bench",
        residual=None,
        fallbacks=0,
        clamped=0,
        alarms=0,
    )
    run.bus.publish(epoch)
    assert [one.event for one in gather(source, 1)] == [epoch]


def test_commands_are_answered(
    broker: EmbeddedBroker,
    run_at: Callable[..., Any],
    follow_at: Callable[..., Any],
    gather: Callable[..., list[Stamped]],
    listen: Callable[..., Any],
) -> None:
    port = broker.address.port
    run = run_at(port, "commands", rights=OPERATOR)
    ear = listen(port, "hil/v1/commands/#")
    source = follow_at(port, "commands", "ann")
    id_ = source.command(Verb.PAUSE)
    answer = _json(ear.next(f"ack/{id_}"))
    assert answer == {
        "id": id_,
        "verb": "pause",
        "issuer": "ann",
        "accepted": True,
        "text": "holds before the next step; levels stay",
    }
    assert run.desk.paused
    assert [one.event.id for one in gather(source, 1)] == [id_]
    source.note("fibre 3 moved")
    assert [one.event for one in gather(source, 1)] == [Noted(text="fibre 3 moved", author="ann")]
    with pytest.raises(SourceError, match="at most"):
        source.note("x" * 10_000)
    eve = follow_at(port, "commands", "eve")
    refused = _json(ear.next(f"ack/{eve.command(Verb.OFF)}"))
    assert not refused["accepted"]
    expired = {"id": "old", "issuer": "ann", "expires": time.time() - 5.0}
    ear.say("hil/v1/commands/cmd/stop/ann", json.dumps(expired))
    assert "expired" in _json(ear.next("ack/old"))["text"]
    for _ in range(2):  # as a network may deliver it
        expired.update(id="twice", expires=time.time() + 5.0)
        ear.say("hil/v1/commands/cmd/resume/ann", json.dumps(expired))
        assert _json(ear.next("ack/twice"))["text"] == "goes on"
    assert not run.desk.end


def test_commands_that_are_no_commands_are_counted(
    broker: EmbeddedBroker,
    run_at: Callable[..., Any],
    listen: Callable[..., Any],
    eventually: Callable[..., Any],
) -> None:
    port = broker.address.port
    ear = listen(port, "hil/v1/bad/ack/#")
    retained = {"id": "r", "issuer": "ann", "expires": time.time() + 60.0}
    ear.say("hil/v1/bad/cmd/off/ann", json.dumps(retained), retain=True)
    run = run_at(port, "bad", rights=OPERATOR)
    offs: list[int] = []
    run.desk.off = lambda: offs.append(1)
    for topic, payload in (
        ("cmd/off/ann", b"off!"),
        ("cmd/off", json.dumps(retained)),
        ("cmd/off/ann/more", json.dumps(retained)),
        ("cmd/off/ann", b"x" * 100_000),
    ):
        ear.say(f"hil/v1/bad/{topic}", payload)
    eventually(lambda: run.outlet.counts["malformed"] == 4)
    assert run.outlet.counts["retained"] == 1
    assert not offs
    good = {**retained, "id": "good"}
    ear.say("hil/v1/bad/cmd/off/ann", json.dumps(good))
    assert _json(ear.next("ack/good"))["accepted"]
    assert offs == [1]


def test_a_reader_bears_whatever_is_sent(
    broker: EmbeddedBroker,
    run_at: Callable[..., Any],
    follow_at: Callable[..., Any],
    gather: Callable[..., Sequence[Stamped]],
    listen: Callable[..., Any],
    eventually: Callable[..., Any],
) -> None:
    port = broker.address.port
    run = run_at(port, "hostile")
    source = follow_at(port, "hostile")
    ear = listen(port, "nothing")
    rows = [[1, 0.0, 0.0, "levels", {"step": 1, "levels": "none"}]]
    wrong = {"session": "s", "seq": 0, "dropped": 0, "events": msgpack.packb(rows)}
    huge = msgpack.ExtType(1, msgpack.packb(["float64", [2**40, 2**20], b""]) or b"")
    rows = [[1, 0.0, 0.0, "levels", {"step": 1, "levels": huge}]]
    bomb = {**wrong, "events": msgpack.packb(rows)}
    for topic, payload in (
        ("batch", b"\xc1"),
        ("batch", msgpack.packb(wrong)),
        ("arrays", msgpack.packb(bomb)),
        ("now", b"\x93" * 5_000),
        ("state", b'{"state": "on fire", "session": "s"}'),
        ("state", b"[]"),
    ):
        ear.say(f"hil/v1/hostile/{topic}", payload)
    eventually(lambda: source.counts["malformed"] == 6)
    ear.say("hil/v1/hostile/batch", b"\0" * (LARGEST + 1))
    eventually(lambda: source.counts["too_large"] == 1)
    run.bus.publish(Noted(text="still here", author="test"))
    assert [one.event for one in gather(source, 1)] == [Noted(text="still here", author="test")]


def test_a_reader_says_where_nothing_can_come_from(
    broker: EmbeddedBroker,
    follow_at: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    eventually: Callable[..., Any],
) -> None:
    monkeypatch.setattr("hil.telemetry.mqtt.source.SILENCE", 0.0)
    source = follow_at(broker.address.port, "nobody")
    with pytest.raises(SourceError, match="nothing is told below hil/v1/nobody"):
        eventually(source.poll)
    with pytest.raises(SourceError, match="which bench"):
        follow_at(broker.address.port, "")


def test_a_frozen_reader_keeps_the_newest_in_little_memory(
    broker: EmbeddedBroker,
    run_at: Callable[..., Any],
    follow_at: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    eventually: Callable[..., Any],
) -> None:
    monkeypatch.setattr("hil.telemetry.mqtt.source.MOST_WAITING", 10)
    run = run_at(broker.address.port, "frozen")
    source = follow_at(broker.address.port, "frozen")
    for number in range(1, 101):
        run.bus.publish(_step(number))
    eventually(lambda: source.counts["overrun"] == 90)
    assert [one.number for one in source.poll()] == list(range(91, 101))


def test_a_taken_port_is_told(broker: EmbeddedBroker) -> None:
    with pytest.raises(Exception, match=f"port {broker.address.port} of this machine is in use"):
        EmbeddedBroker(broker.address.port)


def test_the_broker_is_not_there_for_other_machines(broker: EmbeddedBroker) -> None:
    hexport = f":{broker.address.port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        bound = [line.split()[1] for line in table if hexport in line and " 0A " in line]
    assert bound == [f"0100007F{hexport}"]
