"""MeCom frames against vectors that were published, and replies of every kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.protocol import mecom

PUBLISHED = [
    (0, 0x15AA, mecom.IDENTIFY, b"#0015AA?IF62AE\r"),
    (0, 0x15AB, mecom.read(100, 1), b"#0015AB?VR0064018000\r"),
    (0, 0x15AB, mecom.read(1000, 1), b"#0015AB?VR03E801C21A\r"),
    (0, 0x15AC, mecom.read(1234, 1), b"#0015AC?VR04D2017BFE\r"),
    (0, 0x15AE, mecom.write(2010, 1, mecom.spell(2)), b"#0015AEVS07DA01000000028F97\r"),
    (0, 0x15B0, mecom.write(3000, 1, mecom.spell(21.75)), b"#0015B0VS0BB80141AE0000C482\r"),
    (0, 1, "SP", b"#000001SP69EE\r"),
    (0, 2, mecom.RESET, b"#000002RS33EC\r"),
]
"""Frames of the vendor's documents and of clients in four languages."""


@pytest.mark.parametrize(("address", "sequence", "payload", "frame"), PUBLISHED)
def test_published_requests(address: int, sequence: int, payload: str, frame: bytes) -> None:
    assert mecom.request(address, sequence, payload) == frame


def test_a_value() -> None:
    reply = mecom.parse_reply(b"!0015AB41CC0000D2BC\r")
    assert (reply.address, reply.sequence, reply.error) == (0, 0x15AB, None)
    assert mecom.parse_values(reply.payload, [float]) == [25.5]


def test_an_acknowledgement_repeats_the_crc_of_its_request() -> None:
    reply = mecom.parse_reply(b"!0015AE8F97\r")
    assert (reply.sequence, reply.payload) == (0x15AE, b"")
    assert reply.crc == mecom.crc_of(PUBLISHED[4][3]) == 0x8F97


def test_a_refusal() -> None:
    reply = mecom.parse_reply(b"!0015AB+05446E\r")
    assert reply.error == 5
    assert mecom.ERRORS[5] == "parameter not available"


def test_noise_before_a_frame_is_skipped() -> None:
    assert mecom.parse_reply(b"\xff\x00!00\xa5?!0015AB+05446E\r").error == 5


def test_numbers_are_big_endian_and_signed() -> None:
    assert mecom.spell(-1) == "FFFFFFFF"
    assert mecom.spell(-1.0) == "BF800000"
    assert mecom.parse_values(b"FFFFFFFFBF800000", [int, float]) == [-1, -1.0]
    assert mecom.read_many([(1000, 1), (1020, 2)]) == "?VX0203E80103FC02"
    assert mecom.read_limits(3000, 1) == "?VL0BB801"
    for value in (2**31, -(2**31) - 1, 1e39):
        with pytest.raises(ValueError, match="32 bits"):
            mecom.spell(value)


@pytest.mark.parametrize(
    "line",
    [
        b"\r", b"!\r", b"!0015AB\r", b"0015AB41CC0000D2BC\r", b"#0015AB41CC0000D2BC\r",
        b"!0015AB41CC0000D2BD\r", b"!0015AB41CC0001D2BC\r", b"!0G15AE8F97\r", b"!0015AE8F9\r",
        b"!0015AB+0544\r", b"!0015AB41CC0\r",
    ],
)  # fmt: skip
def test_broken_frames_are_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"reply frame|hexadecimal|CRC"):
        mecom.parse_reply(line)


@given(st.binary(max_size=60))
def test_any_line_is_read_or_refused(line: bytes) -> None:
    for text in (line, b"!" + line + b"\r"):
        try:
            reply = mecom.parse_reply(text)
        except ValueError:
            continue
        assert 0 <= reply.address < 256
        assert 0 <= reply.sequence < 65536


@given(st.integers(0, 254), st.integers(0, 65535), st.binary(max_size=40), st.data())
def test_one_wrong_bit_is_always_found(
    address: int, sequence: int, data: bytes, draw: st.DataObject
) -> None:
    head = f"!{address:02X}{sequence:04X}{data.hex().upper()}00".encode()
    frame = head + b"%04X\r" % mecom.crc(head)
    assert mecom.parse_reply(frame).payload == head[7:]
    at = draw.draw(st.integers(1, len(frame) - 2))
    bit = draw.draw(st.integers(0, 7))
    garbled = bytearray(frame)
    garbled[at] ^= 1 << bit
    try:
        reply = mecom.parse_reply(bytes(garbled))
    except ValueError:
        return
    # A digit in the other case is the same digit; a digit that became a `!` may leave what looks
    # like an acknowledgement, whose CRC the driver compares with its request's.
    assert bytes(garbled).upper() == frame.upper() or reply.payload == b""


@given(st.floats(width=32, allow_nan=False) | st.integers(-(2**31), 2**31 - 1))
def test_numbers_come_back(value: float | int) -> None:
    assert mecom.parse_values(mecom.spell(value).encode(), [type(value)]) == [value]


@given(st.binary(max_size=40), st.integers(0, 5))
def test_any_payload_is_read_or_refused(payload: bytes, count: int) -> None:
    try:
        values = mecom.parse_values(payload, [float] * count)
    except ValueError:
        return
    assert len(values) == count
