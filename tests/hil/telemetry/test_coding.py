"""Events survive the way through bytes; what is no event is refused, whatever it is."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.telemetry.coding import CodingError, as_json, from_fields, pack, unpack
from hil.telemetry.event import Severity, Stamped, fields_of
from hil.telemetry.events import Levels, Noted, RunEnded, Slots, Spent, Step, Watched

STEP = Step(
    step=3,
    epoch=1,
    loss=2.25,
    accuracy=0.5,
    residual=None,
    clamped=0,
    measured_on="bench",
    seconds=0.067,
)
SLOTS = Slots(
    step=3,
    banks=np.array([0, 1, 0]),
    times=np.array([0.0, 0.1, 0.2]),
    sent=np.arange(24.0).reshape(2, 3, 4),
    measured=np.ones((2, 3, 4), np.float32),
    clipped=np.zeros((2, 3, 4), bool),
)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)
    return one == other


def test_events_come_back_as_they_were() -> None:
    watched = Watched(
        step=3, what="alarm", text="moved", severity=Severity.MINOR, data={"share": 0.5, "at": [1]}
    )
    spent = Spent(
        bench_seconds=1.5, seconds={"run": 1.0}, device_passes={"training": 64}, counts={}
    )
    sent = [
        Stamped(n, 0.5 * n, 1e9 + n, event)
        for n, event in enumerate([STEP, SLOTS, watched, spent, RunEnded(outcome="finished")], 1)
    ]
    back = unpack(pack(sent))
    assert [(b.number, b.bench_time, b.wall_time) for b in back] == [
        (s.number, s.bench_time, s.wall_time) for s in sent
    ]
    for b, s in zip(back, sent, strict=True):
        assert type(b.event) is type(s.event)
        for name, value in fields_of(s.event).items():
            assert _same(fields_of(b.event)[name], value), name


def test_big_endian_and_strided_arrays_come_back_in_order() -> None:
    levels = np.arange(12.0).reshape(3, 4).T.astype(">f8")[:, ::-1]
    (back,) = unpack(pack([Stamped(1, 0.0, 0.0, Levels(step=1, levels=levels))]))
    assert isinstance(back.event, Levels)
    np.testing.assert_array_equal(back.event.levels, levels)


def test_json_has_no_arrays_and_no_nan() -> None:
    said = json.loads(as_json(SLOTS))
    assert said == {"step": 3}
    lost = json.loads(as_json(Step(**{**fields_of(STEP), "loss": math.inf})))
    assert lost["loss"] is None
    back = from_fields("step", lost)
    assert isinstance(back, Step)
    assert math.isnan(back.loss)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("no-such", {}, "no kind"),
    ("note", {"text": "hello"}, "lacks author"),
    ("note", {"text": "hello", "author": "me", "more": 1}, "no field 'more'"),
    ("note", {"text": 7, "author": "me"}, "note.text"),
    ("note", {"text": "x" * 200_000, "author": "me"}, "note.text"),
    ("step", {**fields_of(STEP), "step": True}, "step.step"),
    ("step", {**fields_of(STEP), "loss": "low"}, "step.loss"),
    ("levels", {"step": 1, "levels": np.zeros(4)}, "levels.levels"),
    ("levels", {"step": 1, "levels": [[0.0]]}, "levels.levels"),
    ("watched", {"step": 1, "what": "alarm", "text": "", "severity": "fatal", "data": {}}, "sever"),
    ("watched", {"step": 1, "what": "alarm", "text": "", "data": {"x": object()}}, "watched.data"),
]


@pytest.mark.parametrize(("kind", "fields", "why"), BAD)
def test_what_is_no_such_event_is_refused(kind: str, fields: dict[str, Any], why: str) -> None:
    with pytest.raises(CodingError, match=why):
        from_fields(kind, fields)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        msgpack.packb({"a": 1}),
        msgpack.packb([[1, 2]]),
        msgpack.packb([[1, 0.0, 0.0, "note", {1: 2}]]),
        msgpack.packb([[1, "now", 0.0, "note", {}]]),
        msgpack.packb([[1, 0.0, 0.0, "levels", {"step": 1, "levels": msgpack.ExtType(9, b"x")}]]),
        msgpack.packb(
            [
                [
                    1,
                    0.0,
                    0.0,
                    "levels",
                    {
                        "step": 1,
                        "levels": msgpack.ExtType(
                            1, msgpack.packb(["object", [1, 1], b"12345678"]) or b""
                        ),
                    },
                ]
            ]
        ),
        msgpack.packb(
            [
                [
                    1,
                    0.0,
                    0.0,
                    "levels",
                    {
                        "step": 1,
                        "levels": msgpack.ExtType(
                            1, msgpack.packb(["float64", [10**6, 10**6], b"12345678"]) or b""
                        ),
                    },
                ]
            ]
        ),
        b"\xdd\xff\xff\xff\xff",
    ],
)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(CodingError):
        unpack(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_events_or_refused(data: bytes) -> None:
    with suppress(CodingError):
        assert isinstance(unpack(data), list)


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(_PLAIN, _PLAIN)
def test_any_plain_data_is_an_event_or_refused(row: Any, value: Any) -> None:
    note = [1, 0.0, 0.0, "note", {"text": value, "author": "me"}]
    for data in ([row], [note], row):
        with suppress(CodingError, OverflowError):  # the second of packb: beyond 64 bits
            unpack(msgpack.packb(data) or b"")


def test_a_truncated_message_is_refused() -> None:
    whole = pack([Stamped(1, 0.0, 0.0, SLOTS), Stamped(2, 0.0, 0.0, Noted(text="a", author="b"))])
    for length in range(0, len(whole), 7):
        with pytest.raises(CodingError):
            unpack(whole[:length])
