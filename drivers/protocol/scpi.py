"""SCPI and IEEE 488.2 over a byte link: messages, blocks by count, joined replies, error queue.

The units of one message are joined by `;`, and so are their answers, which may be binary blocks
(`#<digits><length><bytes>`, any byte inside) as well as text. A message that ends in the question
for the error queue always has an answer, even where the instrument answers nothing to a query that
fails. Sources: SCPI-99 syntax as the j123b567/scpi-parser library implements and tests it; entries
of error queues as the manuals of Keithley (2400, 2450), Keysight (33500, N7744A) and Santec
(TSL-570) give them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from drivers.transport.link import NOISE, ByteLink, LinkError

ERROR_QUERY = "SYST:ERR?"
MAX_ERRORS = 64
"""Entries read from an error queue before it is taken to be endless."""

_TEXT_UNIT = re.compile(rb'(?:[^;"\']|"[^"]*"|\'[^\']*\')*')
_ERROR = re.compile(
    r"""\s*([+-]?[0-9]{1,9})\s*,\s*("(?P<quoted>.*)"|'(?P<single>.*)'|(?P<bare>[^\W\d_][^"]*))\s*""",
    re.DOTALL,
)
_PADDING = b" \t\r"


class ScpiSyntaxError(LinkError):
    """An answer that is no SCPI response; the link is out of step and must be resynchronised."""

    mend = NOISE


@dataclass(frozen=True)
class ScpiError:
    """An entry of the error queue; code 0 means that the queue is empty."""

    code: int
    text: str

    def __str__(self) -> str:
        return f'{self.code},"{self.text}"'


def message(*units: str | bytes, end: bytes) -> bytes:
    """Program message of these units, each from the root of the command tree, ended by `end`.

    Common commands (`*…`) take no colon. A unit of bytes goes as it is: it may hold a block. Raises
    `ValueError` for a unit of text with a line end in it.
    """
    parts: list[bytes] = []
    for unit in units:
        if isinstance(unit, str):
            if "\n" in unit or "\r" in unit:
                raise ValueError(f"a SCPI message holds no line ends: {unit!r}")
            unit = unit.encode("ascii")
        if parts:
            parts.append(b";" if unit.startswith((b"*", b":")) else b";:")
        parts.append(unit)
    return b"".join((*parts, end))


def definite_block(data: bytes) -> bytes:
    """Arbitrary block of definite length: `#<digits><length><bytes>`."""
    length = str(len(data))
    return f"#{len(length)}{length}".encode("ascii") + data


def block_unit(header: str, data: bytes) -> bytes:
    """A unit that sends `data` as a definite block: header (and parameters before it), block.

    Raises `ValueError` for a header with a line end in it, or more bytes than a block can count.
    """
    if "\n" in header or "\r" in header:
        raise ValueError(f"a SCPI message holds no line ends: {header!r}")
    if len(data) > 999_999_999:
        raise ValueError(f"{header}: a block holds 999999999 bytes at most, not {len(data)}")
    length = str(len(data))
    space = "" if header.endswith(",") else " "
    return b"".join((f"{header}{space}#{len(length)}{length}".encode("ascii"), data))


def scan_reply(
    data: bytes, end: bytes, *, size: int | None = None, joined: bool = False
) -> tuple[list[bytes], int, int]:
    """Units of a response message, blocks as their payload; start of a cut block, bytes missing.

    `data` ends in `end`, which may be the message's or may lie inside a block. The last result is
    -1 for a complete message. Otherwise the message goes on: the payload of its last block starts
    at the second result, and at least so many bytes (0 or more) of it are missing, then there is
    more up to the next `end`. `size` is the length of blocks that do not tell theirs (`#0`), and
    `joined` is true where `data` follows a unit. Raises `ScpiSyntaxError`.
    """
    units: list[bytes] = []
    at = 0
    last = len(data) - len(end)
    while True:
        if joined:
            while at < last and data[at] in _PADDING:
                at += 1  # some end in CR LF where their manual says LF
            if at == last:
                return units, at, -1
            if data[at : at + 1] != b";":
                raise ScpiSyntaxError(f"{_shorten(data)} is no response message at byte {at}")
            at += 1
            while at < last and data[at] in _PADDING:
                at += 1  # Keithley answers `0; 1`
        if data[at : at + 1] == b"#":
            start, stop = _block_span(data, at, last, size)
            if last < stop < len(data):
                raise ScpiSyntaxError(f"{_shorten(data)} has a block that runs into its end")
            if stop > last:
                return units, start, max(0, stop - len(data))
            units.append(data[start:stop])
            at = stop
        else:
            match = _TEXT_UNIT.match(data, at, last)
            stop = match.end() if match else at
            units.append(data[at:stop].strip())
            at = stop
        joined = True


async def read_reply(
    link: ByteLink, end: bytes, timeout: float, size: int | None = None, *, long: bool = False
) -> list[bytes]:
    """Read one response message and return its units, blocks as their payload.

    `size`: bytes of a block that does not tell them (`#0`); without it such a block ends at the
    first `end`. `long`: a long block is likely, and is read by its count from its first byte on;
    any reply is understood either way. Raises `LinkTimeout`, `LinkClosed`, `ScpiSyntaxError`.
    """
    units: list[bytes] = []
    if long:
        block, data = await _read_head(link, end, timeout, size)
        if block is not None:
            units.append(block)
            data = await link.read_until(end, timeout)
    else:
        data = await link.read_until(end, timeout)
    joined = bool(units)
    while True:
        found, start, missing = scan_reply(data, end, size=size, joined=joined)
        units += found
        if missing < 0:
            return units
        # The rest of a long block is fetched by its count, and copied once.
        rest = await link.read_exactly(missing, timeout) if missing else b""
        units.append(b"".join((data[start:], rest)))
        data = await link.read_until(end, timeout)
        joined = True


async def _read_head(
    link: ByteLink, end: bytes, timeout: float, size: int | None
) -> tuple[bytes | None, bytes]:
    """The block that a reply begins with; if it begins with none, all up to the first `end`."""
    data = await link.read_exactly(1, timeout)
    if data == end[:1]:  # nothing was answered
        return None, data + await link.read_exactly(len(end) - 1, timeout)
    if data != b"#":
        return None, data + await link.read_until(end, timeout)
    digits = await link.read_exactly(1, timeout)
    if digits == b"0" and size is not None:
        return await link.read_exactly(size, timeout), b""
    if not digits.isdigit() or digits == b"0":
        return None, data + digits + await link.read_until(end, timeout)
    length = await link.read_exactly(int(digits), timeout)
    if not length.isdigit():
        raise ScpiSyntaxError(f"a block has a broken length {length!r}")
    return await link.read_exactly(int(length), timeout), b""


def parse_error(reply: bytes) -> ScpiError:
    """Read an entry of an error queue, its code first: `-113,"Undefined header"`.

    Makers differ in the rest: `+0,"No error"` (Keysight), `0,No error` (Santec), and
    `code,"text;type;time"` (Keithley 2450), so the text is kept as it is, without its quotes.
    Raises `ScpiSyntaxError`.
    """
    match = _ERROR.fullmatch(reply.decode("latin-1"))
    if match is None:
        raise ScpiSyntaxError(f"{_shorten(reply)} is no entry of an error queue")
    text = next(
        part for part in (match["quoted"], match["single"], match["bare"]) if part is not None
    )
    return ScpiError(int(match[1]), text.strip())


async def drain_errors(
    link: ByteLink,
    end: bytes,
    timeout: float,
    *,
    query: str = ERROR_QUERY,
    end_out: bytes | None = None,
    parse: Callable[[bytes], ScpiError] = parse_error,
) -> list[ScpiError]:
    """Read the error queue until it is empty; returns what was in it.

    `end` ends answers, and questions too unless `end_out` is given. Raises `ScpiSyntaxError` when
    the queue does not become empty, or when something comes that was not asked for.
    """
    errors: list[ScpiError] = []
    question = message(query, end=end if end_out is None else end_out)
    for _ in range(MAX_ERRORS):
        if link.stream and (stray := await link.drain_input()):
            raise ScpiSyntaxError(f"{link.name}: {_shorten(stray)} came unasked")
        await link.write(question)
        error = parse((await link.read_until(end, timeout)).strip())
        if error.code == 0:
            return errors
        errors.append(error)
    raise ScpiSyntaxError(f"{link.name}: the error queue does not become empty")


def bare_block(data: bytes, at: int) -> tuple[bytes, int]:
    """The payload of the block that begins at `at`, and where it ends; what follows is not looked
    at. Raises `ScpiSyntaxError` for a block without a length, or that is longer than `data`.
    """
    start, stop = _block_span(data, at, len(data), None)
    if stop > len(data):
        raise ScpiSyntaxError(f"{_shorten(data[at:])} has a block longer than what came")
    return data[start:stop], stop


def _block_span(data: bytes, at: int, last: int, size: int | None) -> tuple[int, int]:
    """Where the payload of the block at `at` starts and stops."""
    digits = data[at + 1 : at + 2]
    if digits == b"0":
        # Indefinite: so many bytes if that is known, else all up to the end of the message.
        return at + 2, last if size is None else at + 2 + size
    if not digits.isdigit():
        raise ScpiSyntaxError(f"{_shorten(data)} has a block without a length")
    start = at + 2 + int(digits)
    length = data[at + 2 : start]
    if len(length) != int(digits) or not length.isdigit():
        raise ScpiSyntaxError(f"{_shorten(data)} has a block with a broken length {length!r}")
    return start, start + int(length)


def _shorten(data: bytes) -> str:
    return repr(data if len(data) <= 60 else data[:57] + b"...")
