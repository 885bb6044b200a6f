"""The dialect of Qontrol's drivers: ASCII lines, binary frames, error lines.

Replies are ASCII lines in both modes. A set is acknowledged by `OK` from every module addressed.
Errors (`E<code>:<detail>`) come in place of a reply, or unasked when an output trips. Sources:
Qontrol API 1.1.20 (`issue_command`, `issue_binary_command`) and the transcripts of its
`virtual-module` branch (Q8iv, firmware 2.4.1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

WORD_MAX = 0xFFFF
"""The word of full scale on the binary bus."""


class Code(IntEnum):
    """Command codes of binary frames."""

    V = 0x00
    I = 0x01  # noqa: E741 - the vendor's name
    VMAX = 0x02
    IMAX = 0x03


_BINARY, _ALLCH, _READ, _DEXT = 0x80, 0x20, 0x08, 0x02

_MEANINGS = {
    0: "unknown error",
    1: "over-voltage on channel {detail}",
    2: "over-current on channel {detail}",
    3: "power error",
    4: "calibration error",
    5: "output error",
    10: "unrecognised command",
    11: "unrecognised input parameter",
    12: "unrecognised channel {detail}",
    13: "operation forbidden",
    14: "serial buffer overflow",
    15: "serial communication error",
    16: "command timed out",
    17: "SPI error",
    18: "ADC error",
    19: "I2C error",
    30: "too many errors, some were suppressed",
    31: "firmware trap",
    90: "powered up",
}

_FAULT = re.compile(rb"[A-Za-z]{1,3}(\d+):(\d+)")
_VALUE = re.compile(rb"([+-]?\d+(?:\.\d+)?)\s*(V|mA)")
_CHAIN = re.compile(rb"([A-Za-z]+(\d+)\w*)-([0-9A-Fa-f*]+)\s*:\s*(\d+)")
_FIRMWARE = re.compile(rb"v\d+(?:\.\d+)*\S*")


@dataclass(frozen=True)
class Fault:
    """An error line: code and detail (a channel, counted within its module, or a sub-code)."""

    code: int
    detail: int

    @property
    def unasked(self) -> bool:
        """True for faults of an output, which come beside the reply and not in its place."""
        return 1 <= self.code <= 5 or self.code in (30, 31, 90)

    def __str__(self) -> str:
        meaning = _MEANINGS.get(self.code, "code not known").format(detail=self.detail)
        return f"E{self.code:02d}:{self.detail:02d} ({meaning})"


@dataclass(frozen=True)
class ChainEntry:
    """A module of the daisy chain, as `NUPALL?` lists it."""

    model: str
    channels: int
    serial: str
    index: int


def header(*, all_channels: bool = False, read: bool = False, vector: bool = False) -> int:
    """Header byte of a binary frame; its lowest bit gives it even parity."""
    byte = _BINARY | _ALLCH * all_channels | _READ * read | _DEXT * vector
    return byte | (byte.bit_count() & 1)


def write_word(code: Code, channel: int, word: int) -> bytes:
    """Frame of 7 bytes that sets one channel."""
    return bytes((header(), code, 0)) + channel.to_bytes(2, "big") + word.to_bytes(2, "big")


def write_vector(code: Code, first: int, words: NDArray[np.integer]) -> bytes:
    """Frame of 7 + 2n bytes that sets the n channels from `first` on, over module borders."""
    head = bytes((header(vector=True), code, 0)) + first.to_bytes(2, "big")
    return head + len(words).to_bytes(2, "big") + words.astype(">u2").tobytes()


def read_word(code: Code, channel: int) -> bytes:
    """Frame that asks for one channel; the answer is one line."""
    return bytes((header(read=True), code, 0)) + channel.to_bytes(2, "big") + b"\0\0"


def read_all(code: Code) -> bytes:
    """Frame that asks for all channels of the chain; the answer is a line a channel."""
    return bytes((header(read=True, all_channels=True), code, 0, 0, 0, 0, 0))


def ask(command: str, channel: int | str = "") -> bytes:
    """ASCII question: `V0?`, `VALL?`, `firmware?`."""
    return f"{command}{channel}?\n".encode("ascii")


def set_value(command: str, channel: int, value: float) -> bytes:
    """ASCII setting of one channel, in V or mA to five decimals (a word is 183 uV or 366 nA)."""
    return f"{command}{channel}={value:.5f}\n".encode("ascii")


def set_vector(command: str, first: int, values: Sequence[float]) -> bytes:
    """ASCII setting of the channels of one module from `first` on: `VVEC0=v0,v1,...`.

    Raises `ValueError` for more than 8 values: longer lines overflow the instruction buffer.
    """
    if len(values) > 8:
        raise ValueError(f"an ASCII vector holds the 8 channels of a module, not {len(values)}")
    text = ",".join(f"{value:.5f}" for value in values)
    return f"{command}VEC{first}={text}\n".encode("ascii")


def clean(line: bytes) -> bytes:
    """A reply line without its end and without the ACK or NUL bytes that may head it."""
    return line.strip(b"\x00\x06\r\n ")


def parse_fault(line: bytes) -> Fault | None:
    """The fault that a cleaned line reports, or None when it is no error line."""
    match = _FAULT.fullmatch(line)
    return None if match is None else Fault(int(match[1]), int(match[2]))


def parse_value(line: bytes, unit: str = "") -> float:
    """A cleaned line `+8.2702 V` or `-0.0034 mA` in V or A. Raises `ValueError`.

    Where a `unit` is given (V or A), a value of the other one is refused too.
    """
    match = _VALUE.fullmatch(line)
    if match is None or (unit and not match[2].decode().endswith(unit)):
        raise ValueError(f"{line!r} is no value in {unit or 'V or mA'}")
    return float(match[1]) * (1e-3 if match[2] == b"mA" else 1.0)


def parse_chain_entry(line: bytes) -> ChainEntry:
    """A cleaned line `Q8iv-0001: 0`. Raises `ValueError`."""
    match = _CHAIN.fullmatch(line)
    if match is None:
        raise ValueError(f"{line!r} is no entry of a daisy chain")
    return ChainEntry(match[1].decode(), int(match[2]), match[3].decode(), int(match[4]))


def is_firmware(line: bytes) -> bool:
    """True for an answer to `firmware?`: `v2.4.1`."""
    return _FIRMWARE.fullmatch(line) is not None


def ends_in_firmware(line: bytes) -> bool:
    """True for an answer to `firmware?` behind the remains of another line."""
    return any(is_firmware(line[at.start() :]) for at in re.finditer(rb"v", line))
