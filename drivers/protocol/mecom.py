"""MeCom, the dialect of Meerstetter's controllers: ASCII frames with address, sequence, CRC.

A request is `#<address:2><sequence:4><payload><crc:4>` and a carriage return, all numbers in
upper-case hexadecimal. A reply begins with `!` and repeats address and sequence number, so that a
late one is known for what it is. A setting is acknowledged by the CRC of the request itself.
Sources: Meerstetter's MeComAPI (`MeFrame.c`, `MeInt.c`, `MeCom.c`) and pyMeCom (`mecom.py`).
"""

from __future__ import annotations

import binascii
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

END = b"\r"
ANY = 0
"""Address that whichever device is connected answers to."""
BROADCAST = 255
"""Address that every device obeys and none answers."""
IDENTIFY = "?IF"
RESET = "RS"

ERRORS = {
    1: "command not available",
    2: "device busy",
    3: "general communication error",
    4: "format error",
    5: "parameter not available",
    6: "parameter is read only",
    7: "value out of range",
    8: "instance not available",
    9: "parameter general failure",
}
"""Errors of a refusal, from the vendor's protocol."""

_HEX = re.compile(rb"[0-9A-Fa-f]+")
_ACKNOWLEDGED = 11
"""Bytes of an acknowledgement without its carriage return: no payload."""


@dataclass(frozen=True)
class Reply:
    """A reply frame. `payload` is empty for an acknowledgement, whose `crc` is the request's."""

    address: int
    sequence: int
    payload: bytes
    crc: int

    @property
    def error(self) -> int | None:
        """The error of a refusal (`+` and two digits), or None."""
        if self.payload[:1] == b"+" and len(self.payload) == 3:
            return int(self.payload[1:], 16)
        return None


def crc(data: bytes) -> int:
    """CRC-16 with polynomial 0x1021 from 0 (XMODEM) over the bytes of a frame before its CRC."""
    return binascii.crc_hqx(data, 0)


def request(address: int, sequence: int, payload: str) -> bytes:
    """The frame that asks or sets, its carriage return included."""
    head = f"#{address:02X}{sequence:04X}{payload}".encode("ascii")
    return head + b"%04X" % crc(head) + END


def crc_of(frame: bytes) -> int:
    """The CRC that a request carries: what its acknowledgement repeats."""
    return int(frame[-5:-1], 16)


def parse_reply(line: bytes) -> Reply:
    """Read a line up to its carriage return; noise before the last `!` is skipped, as devices do.

    Raises `ValueError` for a frame that is cut, garbled, or whose CRC is wrong.
    """
    start = line.rfind(b"!")
    frame = line[max(start, 0) :].removesuffix(END)
    if start < 0 or len(frame) < _ACKNOWLEDGED:
        raise ValueError(f"{line!r} is no reply frame")
    head, payload, check = frame[1:7], frame[7:-4], frame[-4:]
    if not _HEX.fullmatch(head) or not _HEX.fullmatch(check):
        raise ValueError(f"{line!r} has digits that are not hexadecimal")
    if len(frame) > _ACKNOWLEDGED and crc(frame[:-4]) != int(check, 16):
        raise ValueError(f"{line!r} has a wrong CRC: {crc(frame[:-4]):04X} was computed")
    if payload[:1] == b"+" and (len(payload) != 3 or not _HEX.fullmatch(payload[1:])):
        raise ValueError(f"{line!r} is a refusal without a code")
    return Reply(int(head[:2], 16), int(head[2:], 16), payload, int(check, 16))


def read(parameter: int, instance: int) -> str:
    """Payload that asks for a value."""
    return f"?VR{parameter:04X}{instance:02X}"


def read_limits(parameter: int, instance: int) -> str:
    """Payload that asks for the least and the largest value."""
    return f"?VL{parameter:04X}{instance:02X}"


def read_many(places: Sequence[tuple[int, int]]) -> str:
    """Payload that asks for several (parameter, instance); the values come without a separator."""
    return f"?VX{len(places):02X}" + "".join(f"{par:04X}{inst:02X}" for par, inst in places)


def write(parameter: int, instance: int, digits: str) -> str:
    """Payload that sets a value, spelled by `spell`."""
    return f"VS{parameter:04X}{instance:02X}{digits}"


def spell(value: float | int) -> str:
    """Eight digits: a two's complement INT32 for an int, a big-endian FLOAT32 for a float.

    Raises `ValueError` for what does not fit.
    """
    try:
        return struct.pack(">i" if isinstance(value, int) else ">f", value).hex().upper()
    except (struct.error, OverflowError):
        raise ValueError(f"{value!r} does not fit into 32 bits") from None


def parse_values(payload: bytes, kinds: Sequence[type[int] | type[float]]) -> list[int | float]:
    """Read the values of a reply, INT32 or FLOAT32 as `kinds` says.

    Raises `ValueError` when the payload has not eight digits for each.
    """
    if len(payload) != 8 * len(kinds) or not _HEX.fullmatch(payload):
        raise ValueError(f"{payload!r} has not 8 digits for each of {len(kinds)} values")
    form = "".join("i" if kind is int else "f" for kind in kinds)
    return list(struct.unpack(">" + form, bytes.fromhex(payload.decode("ascii"))))
