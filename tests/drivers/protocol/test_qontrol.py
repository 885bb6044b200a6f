"""Qontrol frames against the vendor's transcripts and, where installed, its own client."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.protocol import qontrol
from drivers.protocol.qontrol import ChainEntry, Code, Fault


def test_transcribed_frames() -> None:
    """Frames that a Q8iv (firmware 2.4.1) was sent, from the vendor's transcripts."""
    assert qontrol.read_word(Code.V, 0) == bytes.fromhex("88 00 0000 00 0000")
    assert qontrol.read_all(Code.V) == bytes.fromhex("a9 00 000000 0000")
    assert qontrol.read_word(Code.I, 3) == bytes.fromhex("88 01 000003 0000")
    assert qontrol.write_word(Code.V, 0, 0x5970) == bytes.fromhex("81 00 000000 5970")
    words = np.arange(16)
    assert qontrol.write_vector(Code.V, 0, words) == (
        bytes.fromhex("82 00 000000 0010") + words.astype(">u2").tobytes()
    )
    assert qontrol.write_vector(Code.IMAX, 0x0123, np.array([1, 0xFFFF])) == (
        bytes.fromhex("82 03 000123 0002 0001 ffff")
    )


@pytest.mark.parametrize("all_channels", [False, True])
@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize("vector", [False, True])
def test_headers_have_even_parity(all_channels: bool, read: bool, vector: bool) -> None:
    byte = qontrol.header(all_channels=all_channels, read=read, vector=vector)
    assert byte.bit_count() % 2 == 0
    assert byte & 0xFE == 0x80 | 0x20 * all_channels | 0x08 * read | 0x02 * vector


def test_ascii_lines() -> None:
    assert qontrol.ask("V", "ALL") == b"VALL?\n"
    assert qontrol.ask("firmware") == b"firmware?\n"
    assert qontrol.set_value("V", 12, 0.83) == b"V12=0.83000\n"
    assert qontrol.set_vector("V", 8, [0.0, 1.5]) == b"VVEC8=0.00000,1.50000\n"
    assert len(qontrol.set_vector("VMAX", 56, [11.99999] * 8)) < 88  # that length overflowed
    with pytest.raises(ValueError, match="8 channels"):
        qontrol.set_vector("V", 0, [0.0] * 9)


def test_reply_lines() -> None:
    assert qontrol.parse_value(b"+8.2702 V") == pytest.approx(8.2702)
    assert qontrol.parse_value(b"-0.0034 mA") == pytest.approx(-3.4e-6)
    assert qontrol.parse_chain_entry(b"Q8iv-0001: 0") == ChainEntry("Q8iv", 8, "0001", 0)
    assert qontrol.parse_chain_entry(b"Q8iv-****: 1") == ChainEntry("Q8iv", 8, "****", 1)
    assert qontrol.clean(b"\x06OK\n") == b"OK"
    assert qontrol.is_firmware(b"v2.4.1")
    for line in (b"OK", b"8", b"E10:00", b"+1.0 V", b"275376 s", b"v"):
        assert not qontrol.is_firmware(line)
    for parse in (qontrol.parse_value, qontrol.parse_chain_entry):
        for line in (b"", b"OK", b"E01:00", b"+nan V", b"1.2.3 V", b"+1.0 V x"):
            with pytest.raises(ValueError, match="is no"):
                parse(line)


def test_faults() -> None:
    assert qontrol.parse_fault(b"E02:05") == Fault(2, 5)
    assert Fault(2, 5).unasked
    assert str(Fault(2, 5)) == "E02:05 (over-current on channel 5)"
    assert not Fault(11, 3).unasked
    assert str(Fault(77, 0)) == "E77:00 (code not known)"
    for line in (b"OK", b"+1.0 V", b"E01", b"Q8iv-0001: 0", b"1,5: +0.2048 V"):
        assert qontrol.parse_fault(line) is None


@given(st.binary(max_size=40))
def test_any_line_is_read_or_refused(line: bytes) -> None:
    cleaned = qontrol.clean(line)
    qontrol.parse_fault(cleaned)
    for parse in (qontrol.parse_value, qontrol.parse_chain_entry):
        with contextlib.suppress(ValueError):
            parse(cleaned)


@given(
    code=st.sampled_from(list(Code)),
    first=st.integers(0, 0xFFFF),
    words=st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=64),
)
def test_vectors_decode_to_what_was_meant(code: Code, first: int, words: list[int]) -> None:
    frame = qontrol.write_vector(code, first, np.array(words))
    assert frame[1] == code
    assert int.from_bytes(frame[2:5], "big") == first
    assert int.from_bytes(frame[5:7], "big") == len(words)
    assert np.frombuffer(frame[7:], dtype=">u2").tolist() == words


class _Transmitted(Exception):
    """Ends the vendor's call once it has made its bytes."""


@pytest.mark.parametrize("words", [[0x5970], [0, 1, 0xFF, 0x100, 0xFFFF]])
@pytest.mark.parametrize("code", list(Code))
def test_frames_are_those_of_the_vendors_client(code: Code, words: list[int]) -> None:
    with warnings.catch_warnings():  # invalid escapes in its source
        warnings.simplefilter("ignore")
        vendor = pytest.importorskip("qontrol")
    sent: list[bytes] = []

    def transmit(data: bytes, binary_mode: bool = False) -> None:
        sent.append(bytes(data))
        raise _Transmitted

    client = object.__new__(vendor.Qontroller)
    client.transmit = transmit
    vector = len(words) > 1
    with pytest.raises(_Transmitted):
        client.issue_binary_command(
            code.name, ch=261, DEXT=int(vector), value_int=words if vector else words[0]
        )
    if vector:
        ours = qontrol.write_vector(code, 261, np.array(words))
    else:
        ours = qontrol.write_word(code, 261, words[0])
    assert [ours] == sent


@pytest.mark.parametrize("before", [b"", b"\xb4\x9c", b"Q8iv-00", b"+1.2", b"v2.", b"OK"])
def test_an_answer_is_known_behind_the_remains_of_a_line(before: bytes) -> None:
    assert qontrol.ends_in_firmware(before + b"v2.4.1")
    for other in (b"E10:00", b"Q8iv-0001", b"+1.0000 V", b"OK"):
        assert not qontrol.ends_in_firmware(other)
