"""SCPI and IEEE 488.2 over a byte link: messages, blocks by count, joined replies, error queue.

The units of one message are joined by `;`, and so are their answers, which may be binary blocks
(`#<digits><length><bytes>`, any byte inside) as well as text. A message that ends in the question
for the error queue always has an answer, even where the instrument answers nothing to a query that
fails. Sources: SCPI-99 syntax as the j123b567/scpi-parser library implements and tests it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.transport.link import ByteLink, LinkError

ERROR_QUERY = "SYST:ERR?"
MAX_ERRORS = 64
"""Entries read from an error queue before it is taken to be endless."""

_TEXT_UNIT = re.compile(rb'(?:[^;"\']|"[^"]*"|\'[^\']*\')*')
_ERROR = re.compile(r'\s*([+-]?\d+)\s*,\s*"(.*)"\s*', re.DOTALL)


class ScpiSyntaxError(LinkError):
    """An answer that is no SCPI response; the link is out of step and must be resynchronised."""


@dataclass(frozen=True)
class ScpiError:
    """An entry of the error queue; code 0 means that the queue is empty."""

    code: int
    text: str

    def __str__(self) -> str:
        return f'{self.code},"{self.text}"'


def message(*units: str, end: bytes) -> bytes:
    """Program message of these units, each from the root of the command tree, ended by `end`.

    Common commands (`*…`) take no colon. Raises `ValueError` for a unit with a line end in it.
    """
    parts = [units[0]]
    parts += [unit if unit.startswith("*") else f":{unit}" for unit in units[1:]]
    text = ";".join(parts)
    if "\n" in text or "\r" in text:
        raise ValueError(f"a SCPI message holds no line ends: {text!r}")
    return text.encode("ascii") + end


def definite_block(data: bytes) -> bytes:
    """Arbitrary block of definite length: `#<digits><length><bytes>`."""
    length = str(len(data))
    return f"#{len(length)}{length}".encode("ascii") + data


def scan_reply(data: bytes, end: bytes) -> tuple[list[bytes], int]:
    """Units of a response message, blocks as their payload, and what is still missing.

    `data` ends in `end`, which may be the message's or may lie inside a block. The second result is
    -1 for a complete message; otherwise the message goes on, by at least that many bytes (0 or
    more) and then up to the next `end`. Raises `ScpiSyntaxError`.
    """
    units: list[bytes] = []
    at = 0
    last = len(data) - len(end)
    while True:
        if data[at : at + 1] == b"#":
            start, stop = _block_span(data, at, last)
            if stop > last:
                return units, max(0, stop - len(data))
            units.append(data[start:stop])
            at = stop
        else:
            match = _TEXT_UNIT.match(data, at, last)
            stop = match.end() if match else at
            units.append(data[at:stop].strip())
            at = stop
        if at == last:
            return units, -1
        if data[at : at + 1] != b";":
            raise ScpiSyntaxError(f"{_shorten(data)} is no response message at byte {at}")
        at += 1


async def read_reply(link: ByteLink, end: bytes, timeout: float) -> list[bytes]:
    """Read one response message and return its units, blocks as their payload.

    Raises `LinkTimeout`, `LinkClosed`, `ScpiSyntaxError`.
    """
    data = await link.read_until(end, timeout)
    while True:
        units, missing = scan_reply(data, end)
        if missing < 0:
            return units
        if missing:
            data += await link.read_exactly(missing, timeout)
        data += await link.read_until(end, timeout)


def parse_error(unit: bytes) -> ScpiError:
    """Read an answer to `SYST:ERR?`: `-113,"Undefined header"`. Raises `ScpiSyntaxError`."""
    match = _ERROR.fullmatch(unit.decode("latin-1"))
    if match is None:
        raise ScpiSyntaxError(f"{_shorten(unit)} is no entry of an error queue")
    return ScpiError(int(match[1]), match[2])


async def drain_errors(link: ByteLink, end: bytes, timeout: float) -> list[ScpiError]:
    """Read the error queue until it is empty; returns what was in it.

    Raises `ScpiSyntaxError` when it does not become empty.
    """
    errors: list[ScpiError] = []
    for _ in range(MAX_ERRORS):
        await link.write(message(ERROR_QUERY, end=end))
        units = await read_reply(link, end, timeout)
        error = parse_error(units[-1])
        if error.code == 0:
            return errors
        errors.append(error)
    raise ScpiSyntaxError(f"{link.name}: the error queue does not become empty")


def _block_span(data: bytes, at: int, last: int) -> tuple[int, int]:
    """Where the payload of the block at `at` starts and stops."""
    digits = data[at + 1 : at + 2]
    if digits == b"0":
        return at + 2, last  # indefinite: all up to the end of the message
    if not digits.isdigit():
        raise ScpiSyntaxError(f"{_shorten(data)} has a block without a length")
    start = at + 2 + int(digits)
    length = data[at + 2 : start]
    if len(length) != int(digits) or not length.isdigit():
        raise ScpiSyntaxError(f"{_shorten(data)} has a block with a broken length {length!r}")
    return start, start + int(length)


def _shorten(data: bytes) -> str:
    return repr(data if len(data) <= 60 else data[:57] + b"...")
