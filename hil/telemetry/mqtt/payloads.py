"""Payloads: JSON for what people and other programs read, msgpack for batches of events.

What comes in may come from anybody: it is bounded, checked field by field, and refused by
`Malformed`, whatever it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgpack

from hil.telemetry.coding import CodingError, as_json, pack, unpack
from hil.telemetry.commands import Command
from hil.telemetry.event import Stamped
from hil.telemetry.events import CommandAnswered, describe
from hil.telemetry.mqtt.standing import Alarm, Life
from hil.telemetry.mqtt.topics import Topics, is_name

#: Bytes of a command, and characters of a note, at most.
LONGEST_COMMAND, LONGEST_NOTE = 16_384, 4_000
SCHEMA, VERSION = "hil-mqtt", 1


class Malformed(ValueError):
    """A payload that is not what its topic says."""


@dataclass(frozen=True)
class Envelope:
    """Events as they travel.

    session : of the controller, new each time it starts. seq : counts the messages of the topic
    from 0: what is missing was lost. dropped : events that the controller has dropped so far.
    """

    session: str
    seq: int
    dropped: int
    events: Sequence[Stamped]


def envelope(one: Envelope) -> bytes:
    """A map of session, seq, dropped, and events as `hil.telemetry.coding` packs them."""
    fields = {
        "session": one.session,
        "seq": one.seq,
        "dropped": one.dropped,
        "events": pack(one.events),
    }
    return msgpack.packb(fields) or b""


def read_envelope(payload: bytes) -> Envelope:
    """What `envelope` gave.

    Raises
    ------
    Malformed
    """
    try:
        found = msgpack.unpackb(payload, max_map_len=16, max_array_len=16)
    except Exception as error:
        raise Malformed(f"no msgpack: {error}") from None
    if not isinstance(found, dict):
        raise Malformed("no map")
    session, events = found.get("session"), found.get("events")
    if not (isinstance(session, str) and is_name(session) and isinstance(events, bytes)):
        raise Malformed("session or events are of a wrong type")
    try:
        return Envelope(session, _count(found, "seq"), _count(found, "dropped"), unpack(events))
    except CodingError as error:
        raise Malformed(str(error)) from None


def state(life: Life, session: str) -> bytes:
    """The controller's life."""
    return _json({"state": str(life), "session": session})


def read_state(payload: bytes) -> tuple[Life, str]:
    """Life and session; raises `Malformed`."""
    found = _read_json(payload, 1000)
    word, session = found.get("state"), found.get("session")
    if not (word in tuple(Life) and isinstance(session, str) and is_name(session)):
        raise Malformed("no state, or no session")
    return Life(word), session


def meta(topics: Topics, session: str, program: str, verbs: Sequence[str]) -> bytes:
    """The self-description: topics, kinds of events, units; all that a stranger needs."""
    root = topics.root
    return _json(
        {
            "schema": SCHEMA,
            "version": VERSION,
            "program": program,
            "bench": topics.bench,
            "session": session,
            "topics": {
                topics.state: "JSON, retained: state (init, ready, sleeping, disconnected, lost)",
                topics.now: "msgpack envelope, retained: events that still hold",
                topics.batch: "msgpack envelope: all other events, numbered by seq",
                topics.arrays: "msgpack envelope: levels and slots of some steps",
                topics.event: "JSON: what happens now and then",
                f"{root}/alarm/<id>": "JSON, retained while it stands: severity, text",
                f"{root}/cmd/<verb>/<issuer>": "JSON: id, issuer, expires (s since 1970, UTC)",
                f"{root}/ack/<id>": "JSON: accepted, text",
            },
            "envelope": "map of session, seq, dropped, events (bin: msgpack list of [number, "
            "bench_time s, wall_time s since 1970, kind, fields]; an array is extension 1: "
            "msgpack of [dtype, shape, bytes in C order, little-endian])",
            "verbs": list(verbs),
            "events": describe(),
        }
    )


def readable(stamped: Stamped, session: str) -> bytes:
    """An event with its fields that are no arrays."""
    return _json(
        {
            "kind": stamped.event.KIND,
            "number": stamped.number,
            "bench_time": stamped.bench_time,
            "wall_time": stamped.wall_time,
            "session": session,
            "fields": json.loads(as_json(stamped.event)),
        }
    )


def alarm(one: Alarm, session: str) -> bytes:
    """An alarm that stands."""
    return _json({**asdict(one), "session": session})


def command(one: Command, text: str | None = None) -> bytes:
    """A command, or a note of some text; its verb stands in the topic."""
    found: dict[str, Any] = {"id": one.id, "issuer": one.issuer, "expires": one.expires}
    return _json(found if text is None else {**found, "text": text})


def read_command(payload: bytes, verb: str, issuer: str) -> tuple[Command, str]:
    """Command and text (of a note), sent on the topic of a verb and an issuer.

    Raises
    ------
    Malformed
        Where something is missing, is too much, or says other than the topic.
    """
    found = _read_json(payload, LONGEST_COMMAND)
    if unknown := [str(name)[:40] for name in found if name not in _OF_COMMANDS]:
        raise Malformed(f"a command has no {unknown[0]!r}")
    id_, expires, text = found.get("id"), found.get("expires"), found.get("text", "")
    if not (isinstance(id_, str) and is_name(id_)):
        raise Malformed("no id of letters, digits, `.`, `_`, `-`, at most 64")
    if found.get("issuer") != issuer or not is_name(issuer):
        raise Malformed("the issuer is not the one of the topic")
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise Malformed("expires is no number")
    if abs(expires) > 1e12 or not math.isfinite(expires):
        raise Malformed("expires is no time")
    if not (isinstance(text, str) and len(text) <= LONGEST_NOTE):
        raise Malformed(f"text is no text of at most {LONGEST_NOTE} characters")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Malformed("text has half a letter in it")
    if not is_name(verb):
        raise Malformed("no verb")
    return Command(id=id_, verb=verb, issuer=issuer, expires=float(expires)), text


def ack(answer: CommandAnswered) -> bytes:
    """The answer to a command."""
    return _json(
        {
            "id": answer.id,
            "verb": answer.verb,
            "issuer": answer.issuer,
            "accepted": answer.accepted,
            "text": answer.text,
        }
    )


_OF_COMMANDS = ("id", "issuer", "expires", "text")


def _count(found: Mapping[Any, Any], name: str) -> int:
    value = found.get(name)
    if type(value) is not int or not 0 <= value < 2**63:
        raise Malformed(f"{name} is no whole number from 0 on")
    return value


def _json(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def _read_json(payload: bytes, longest: int) -> dict[str, Any]:
    if len(payload) > longest:
        raise Malformed(f"{len(payload)} bytes; at most {longest} are taken")
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Malformed("no JSON object")
    return found
