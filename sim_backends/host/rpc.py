"""The server side of ONC RPC over TCP: records, call headers, XDR (RFC 5531, RFC 4506)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_WORD = struct.Struct(">I")
_CALL, _REPLY = 0, 1
_RPC_VERSION = 2
_CREDENTIALS = 400
"""Bytes that credentials have at most."""
_FRAGMENTS = 1 << 10
"""Fragments that a record has at most."""

SUCCESS, PROGRAM_UNAVAILABLE, PROGRAM_MISMATCH, PROCEDURE_UNAVAILABLE, GARBAGE_ARGUMENTS = range(5)
"""How a call was accepted."""


class NoRecord(Exception):
    """The stream holds no RPC: the connection cannot go on."""


class Garbage(Exception):
    """Arguments that cannot be decoded."""


class Records:
    """Cuts a stream into records of at most `largest` bytes."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._buffer = bytearray()
        self._record = bytearray()
        self._fragments = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Records completed by `data`. Raises `NoRecord` for one that is too long."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= 4:
            (mark,) = _WORD.unpack_from(buffer)
            length = mark & 0x7FFFFFFF
            if length + len(self._record) > self._largest or self._fragments == _FRAGMENTS:
                raise NoRecord(f"a record of more than {self._largest} bytes")
            if len(buffer) < 4 + length:
                return
            self._record += buffer[4 : 4 + length]
            self._fragments += 1
            del buffer[: 4 + length]
            if mark >> 31:
                record = bytes(self._record)
                self._record.clear()
                self._fragments = 0
                yield record


class Arguments:
    """Reads XDR values, one after the other. Raises `Garbage` where there is none."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    def unsigned(self) -> int:
        """An unsigned integer."""
        if len(self._data) - self._at < 4:
            raise Garbage
        (value,) = _WORD.unpack_from(self._data, self._at)
        self._at += 4
        return value

    def signed(self) -> int:
        """A signed integer."""
        value = self.unsigned()
        return value - (value >> 31 << 32)

    def opaque(self, most: int) -> bytes:
        """Bytes of variable length, `most` at most."""
        length = self.unsigned()
        end = self._at + length
        if length > most or end > len(self._data):
            raise Garbage
        value = self._data[self._at : end]
        self._at = end + -length % 4
        return value


@dataclass(frozen=True)
class Call:
    """A call, its arguments still to be read."""

    number: int
    program: int
    version: int
    procedure: int
    arguments: Arguments


def read_call(record: bytes) -> Call | bytes:
    """The call in a record, or what to answer where its RPC version is another.

    Raises `NoRecord` where it is no call.
    """
    words = Arguments(record)
    try:
        number = words.unsigned()
        if words.unsigned() != _CALL:
            raise NoRecord("only calls are answered")
        if words.unsigned() != _RPC_VERSION:
            denied = struct.pack(">6I", number, _REPLY, 1, 0, _RPC_VERSION, _RPC_VERSION)
            return marked(denied)
        program, version, procedure = words.unsigned(), words.unsigned(), words.unsigned()
        for _ in range(2):  # credentials and verifier: anybody may call
            words.unsigned()
            words.opaque(_CREDENTIALS)
    except Garbage:
        raise NoRecord("a call's header is cut short") from None
    return Call(number, program, version, procedure, words)


def reply(number: int, accepted: int, result: bytes = b"") -> bytes:
    """The reply to call `number`."""
    return marked(struct.pack(">6I", number, _REPLY, 0, 0, 0, accepted) + result)


def unsigned(*values: int) -> bytes:
    """Integers as XDR."""
    return struct.pack(f">{len(values)}I", *values)


def opaque(data: bytes) -> bytes:
    """Bytes of variable length as XDR."""
    return _WORD.pack(len(data)) + data + bytes(-len(data) % 4)


def marked(record: bytes) -> bytes:
    """A record of one fragment."""
    return _WORD.pack(len(record) | 1 << 31) + record
