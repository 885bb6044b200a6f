"""Whatever bytes come: every parser of every driver gives a value of its kind, or a typed error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.instrument import Identity
from drivers.protocol import json_rpc, sips
from drivers.protocol.json_rpc import RpcMismatch, RpcRefused
from drivers.protocol.scpi import ScpiError, ScpiSyntaxError
from drivers.quantity import Quantity
from drivers.registry import BUILT_IN, load
from drivers.scpi_instrument import ScpiInstrument

DRIVERS = [load(name) for name in sorted(BUILT_IN)]
SCPI: list[type[ScpiInstrument]] = [one for one in DRIVERS if issubclass(one, ScpiInstrument)]
QUANTITIES = [(one.__name__, quantity) for one in DRIVERS for quantity in one.quantities]
NUMBERLIKE = st.text("0123456789+-.eEnaifINF,;\"' #ONF\xa0\x85²٣", max_size=12)
TEXT = st.one_of(st.text(max_size=30), NUMBERLIKE)
BYTES = st.one_of(st.binary(max_size=60), NUMBERLIKE.map(lambda text: text.encode("utf-8")))
LATIN = BYTES.map(lambda data: data.decode("latin-1"))


def holds(quantity: Quantity, value: Any) -> bool:
    """Whether a value is of the quantity's kind."""
    if quantity.kind is float:
        return isinstance(value, float)
    if quantity.kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if quantity.kind is bool:
        return isinstance(value, bool)
    return value in quantity.choices if quantity.choices else value.isascii()


@given(st.sampled_from(QUANTITIES), st.one_of(TEXT, LATIN))
def test_quantities(declared: tuple[str, Quantity], text: str) -> None:
    _, quantity = declared
    try:
        value = quantity.parse(text)
    except ValueError:
        return
    assert holds(quantity, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert text.isascii() or text.strip().isascii()  # no digit of another script is a number


@given(st.sampled_from(QUANTITIES), st.binary(min_size=1, max_size=8), st.data())
def test_noise_before_a_value_is_never_read_over(
    declared: tuple[str, Quantity], noise: bytes, data: st.DataObject
) -> None:
    _, quantity = declared
    noisy = bytes(byte | 0x80 for byte in noise).decode("latin-1").strip()
    text = data.draw(st.sampled_from(["1", "ON", "1.5E-6", "+2", "VOLT", *quantity.choices]))
    if noisy:
        with pytest.raises(ValueError, match=r".+"):
            quantity.parse(noisy + text)


@given(st.sampled_from(SCPI), LATIN)
def test_identities(driver: type[ScpiInstrument], text: str) -> None:
    try:
        identity = driver.parse_identity(text)
    except ValueError:
        return
    assert isinstance(identity, Identity)


@given(st.sampled_from(SCPI), BYTES)
def test_entries_of_error_queues(driver: type[ScpiInstrument], reply: bytes) -> None:
    try:
        entry = driver.parse_error(reply)
    except ScpiSyntaxError:
        return
    assert isinstance(entry, ScpiError)
    assert str(entry.code) in str(entry)


RESULTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
ANSWERS = st.fixed_dictionaries(
    {}, optional={"jsonrpc": RESULTS, "id": RESULTS, "error": RESULTS, "result": RESULTS}
)


@given(st.one_of(st.binary(max_size=60), ANSWERS.map(lambda a: json.dumps(a).encode())))
def test_json_rpc(body: bytes) -> None:
    try:
        result = json_rpc.parse_result(body, 7)
    except (RpcMismatch, RpcRefused):
        return
    answer = json.loads(body)
    assert type(answer["id"]) is int
    assert answer["id"] == 7
    assert result == answer["result"]


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"id":' * 50_000, b"1" * 10_000, b"\xff\xfe"])
def test_json_that_is_meant_to_break_its_reader(body: bytes) -> None:
    with pytest.raises(RpcMismatch):
        json_rpc.parse_result(body, 7)


@pytest.mark.parametrize("told", [True, 1.0, "1", [1], None])
def test_an_id_is_a_whole_number(told: object) -> None:
    with pytest.raises(RpcMismatch, match="under id"):
        json_rpc.parse_result(json.dumps({"id": told, "result": 5}).encode(), 1)


@given(st.one_of(st.binary(max_size=40), st.binary(min_size=32, max_size=32)), st.booleans())
def test_answers_to_uploads(data: bytes, good: bool) -> None:
    if good:
        data = sips.MAGIC.to_bytes(4, "little") + data[4:]
    try:
        reply = sips.parse_reply(data)
    except ValueError:
        assert len(data) != sips.REPLY_BYTES or not good
        return
    assert good
    assert reply.command_id == int.from_bytes(data[4:8], "little")
    assert reply.error == int.from_bytes(data[8:12], "little")
