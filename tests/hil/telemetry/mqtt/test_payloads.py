"""Payloads come back as they were; whatever else comes is malformed, and nothing worse."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.telemetry.commands import Command
from hil.telemetry.event import Stamped
from hil.telemetry.events import Levels, Noted, StateChanged
from hil.telemetry.mqtt import payloads
from hil.telemetry.mqtt.payloads import Envelope, Malformed
from hil.telemetry.mqtt.standing import Life
from hil.telemetry.mqtt.topics import Topics

READERS = (
    payloads.read_envelope,
    payloads.read_state,
    lambda payload: payloads.read_command(payload, "pause", "me"),
)
PLAIN: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_envelopes_come_back() -> None:
    events = [
        Stamped(7, 1.5, 2.5, StateChanged(state="idle", light=True)),
        Stamped(8, 1.6, 2.6, Levels(step=1, levels=np.ones((2, 3)))),
    ]
    found = payloads.read_envelope(payloads.envelope(Envelope("abc", 3, 4, events)))
    assert (found.session, found.seq, found.dropped) == ("abc", 3, 4)
    assert found.events[0] == events[0]
    assert isinstance(found.events[1].event, Levels)
    assert np.array_equal(found.events[1].event.levels, np.ones((2, 3)))


def test_states_and_commands_come_back() -> None:
    assert payloads.read_state(payloads.state(Life.READY, "s")) == (Life.READY, "s")
    command = Command("7", "pause", "me", 123.0)
    assert payloads.read_command(payloads.command(command), "pause", "me") == (command, "")
    noted = payloads.command(command, "a note: µ")
    assert payloads.read_command(noted, "pause", "me")[1] == "a note: µ"


@given(st.binary() | PLAIN.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_read_or_malformed(payload: bytes) -> None:
    for read in READERS:
        with suppress(Malformed):
            read(payload)


@given(
    st.fixed_dictionaries(
        {"session": st.just("s") | PLAIN, "seq": st.just(0) | PLAIN, "dropped": st.just(0) | PLAIN},
        optional={"events": st.binary() | PLAIN, "more": PLAIN},
    ).filter(lambda fields: all(not isinstance(v, int) or abs(v) < 2**63 for v in fields.values()))
)
def test_envelopes_of_wrong_types_are_malformed(fields: dict[str, Any]) -> None:
    try:
        packed = msgpack.packb(fields)
    except (OverflowError, UnicodeEncodeError):
        return
    with suppress(Malformed):
        payloads.read_envelope(packed or b"")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.just("1") | PLAIN,
            "issuer": st.just("me") | PLAIN,
            "expires": st.just(1.0) | PLAIN,
            "text": PLAIN,
        },
    )
)
def test_commands_are_whole_and_plain_or_malformed(fields: dict[str, Any]) -> None:
    try:
        command, text = payloads.read_command(json.dumps(fields).encode(), "pause", "me")
    except Malformed:
        return
    assert command == Command(fields["id"], "pause", "me", float(fields["expires"]))
    text.encode()


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "no JSON"),
        (b"[]", "no JSON object"),
        (b"[" * 15_000, "no JSON"),
        (b'{"id":"1","issuer":"me","expires":NaN}', "no time"),
        (b'{"id":"1","issuer":"me","expires":1e99}', "no time"),
        (b'{"id":"1","issuer":"me","expires":true}', "no number"),
        (b'{"id":"a/b","issuer":"me","expires":1}', "no id"),
        (b'{"id":"1","issuer":"you","expires":1}', "not the one of the topic"),
        (b'{"id":"1","issuer":"me","expires":1,"force":true}', "no 'force'"),
        (b'{"id":"1","issuer":"me","expires":1,"text":"\\ud800"}', "half a letter"),
        (b'{"id":"1","issuer":"me","expires":1,"text":"' + b"x" * 5_000 + b'"}', "no text"),
        (b" " * 20_000, "at most"),
    ],
)
def test_commands_that_are_malformed(payload: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        payloads.read_command(payload, "pause", "me")


def test_what_a_stranger_reads_is_json() -> None:
    topics = Topics("b")
    meta = json.loads(payloads.meta(topics, "s", "0.1.0", ["off"]))
    assert meta["events"]["step"]["fields"]["loss"]["unit"] == "nat"
    assert topics.state in meta["topics"]
    line = json.loads(payloads.readable(Stamped(1, 2.0, 3.0, Noted(text="x", author="y")), "s"))
    assert line["fields"] == {"text": "x", "author": "y"}
    assert (line["kind"], line["bench_time"]) == ("note", 2.0)
