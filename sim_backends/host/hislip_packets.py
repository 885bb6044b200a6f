"""HiSLIP on the wire: packets with a header of 16 bytes, big-endian (IVI-6.1, 2.4 and table 4).

"HS", message type u8, control code u8, parameter u32, payload length u64, payload.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct(">2sBBIQ")
MAX_PAYLOAD = 1 << 20
"""Bytes of the largest message that is taken, and of the largest that is sent unless told."""
_SKIPPED = 1 << 26
"""Payloads up to here are skipped where they are too large; a longer one is taken for nonsense."""


class Kind(IntEnum):
    """Message types."""

    INITIALIZE = 0
    INITIALIZE_RESPONSE = 1
    FATAL_ERROR = 2
    ERROR = 3
    ASYNC_LOCK = 4
    ASYNC_LOCK_RESPONSE = 5
    DATA = 6
    DATA_END = 7
    DEVICE_CLEAR_COMPLETE = 8
    DEVICE_CLEAR_ACKNOWLEDGE = 9
    ASYNC_REMOTE_LOCAL = 10
    ASYNC_REMOTE_LOCAL_RESPONSE = 11
    TRIGGER = 12
    INTERRUPTED = 13
    ASYNC_INTERRUPTED = 14
    ASYNC_MAX_SIZE = 15
    ASYNC_MAX_SIZE_RESPONSE = 16
    ASYNC_INITIALIZE = 17
    ASYNC_INITIALIZE_RESPONSE = 18
    ASYNC_DEVICE_CLEAR = 19
    ASYNC_SERVICE_REQUEST = 20
    ASYNC_STATUS_QUERY = 21
    ASYNC_STATUS_RESPONSE = 22
    ASYNC_DEVICE_CLEAR_ACKNOWLEDGE = 23
    ASYNC_LOCK_INFO = 24
    ASYNC_LOCK_INFO_RESPONSE = 25


VENDOR = 128
"""The first message type that is a vendor's own."""


class Fatal(Exception):
    """The connection cannot go on (IVI-6.1, table 14): `code`, with a reason for people."""

    MALFORMED = 1
    NOT_ESTABLISHED = 2
    SEQUENCE = 3
    TOO_MANY = 4

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Refused(Exception):
    """One message is ignored (IVI-6.1, table 16): `code`, with a reason for people."""

    MESSAGE_TYPE = 1
    CONTROL_CODE = 2
    VENDOR_MESSAGE = 3
    TOO_LARGE = 4

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Packet:
    """One message; `kind` may be a number that is no `Kind`."""

    kind: int
    control: int = 0
    parameter: int = 0
    payload: bytes = b""
    too_large: bool = False
    """The payload was longer than is taken, and has been skipped."""


def packed(kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    """A message's bytes."""
    return HEADER.pack(b"HS", kind, control, parameter, len(payload)) + payload


class PacketReader:
    """Cuts a stream into packets. Keeps `MAX_PAYLOAD` bytes and one chunk at most."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._header: tuple[int, int, int, int] | None = None
        self._skip = 0

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Packets completed by `data`. Raises `Fatal` where a header is none."""
        buffer = self._buffer
        buffer += data
        while True:
            if self._skip:
                skipped = min(self._skip, len(buffer))
                del buffer[:skipped]
                self._skip -= skipped
            if self._header is None:
                if bytes(buffer[:2]) not in (b"", b"H", b"HS"):
                    raise Fatal(Fatal.MALFORMED, "a message begins with HS")
                if len(buffer) < HEADER.size:
                    return
                _, kind, control, parameter, length = HEADER.unpack_from(buffer)
                del buffer[: HEADER.size]
                if length > _SKIPPED:
                    raise Fatal(Fatal.MALFORMED, f"a payload of {length} bytes")
                if length > MAX_PAYLOAD:
                    self._skip = length
                    yield Packet(kind, control, parameter, too_large=True)
                    continue
                self._header = kind, control, parameter, length
            kind, control, parameter, length = self._header
            if len(buffer) < length:
                return
            payload = bytes(buffer[:length])
            del buffer[:length]
            self._header = None
            yield Packet(kind, control, parameter, payload)
