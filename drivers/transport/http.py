"""A minimal HTTP/1.1 client over any byte link: one request, one response, connection kept.

The encoding and parsing do no I/O; `request` joins them to a link. Bodies by Content-Length,
chunked, or up to the end of the connection (RFC 9112, sections 6 and 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.transport.link import NOISE, ByteLink, LinkClosed, LinkError

MAX_BODY = 64 * 2**20
"""Longest body that is accepted, in bytes."""


class HttpError(LinkError):
    """What came is no HTTP/1.1 response; the connection is of no more use."""

    mend = NOISE


@dataclass(frozen=True)
class HttpResponse:
    """Status, headers (names in lower case) and body of a response."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    keep_alive: bool
    """False when the other end closes the connection after this response."""


def encode_request(
    method: str, path: str, host: str, body: bytes = b"", content_type: str = "application/json"
) -> bytes:
    """A request with its body. Raises `ValueError` for a line end or a space in a header part."""
    for part in (method, path, host, content_type):
        if any(character in part for character in "\r\n"):
            raise ValueError(f"a request header holds no line ends: {part!r}")
    if " " in method or " " in path:
        raise ValueError(f"a request line is separated by spaces: {method!r} {path!r}")
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def parse_head(data: bytes) -> tuple[int, str, dict[str, str], bool]:
    """Status, reason, headers and keep-alive of a response head up to its empty line.

    Raises `HttpError`.
    """
    lines = data.decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    code, _, reason = rest.partition(" ")
    if not version.startswith("HTTP/1.") or not (len(code) == 3 and code.isdecimal()):
        raise HttpError(f"{lines[0]!r} is no HTTP/1.1 status line")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        if line:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise HttpError(f"{line!r} is no header line")
            headers[name.lower()] = value.strip()
    token = headers.get("connection", "").lower()
    keep_alive = token != "close" if version == "HTTP/1.1" else token == "keep-alive"
    return int(code), reason, headers, keep_alive


def parse_chunk_size(line: bytes) -> int:
    """Size at the head of a chunk, its extensions dropped. Raises `HttpError`."""
    text = line.split(b";")[0].strip()
    try:
        size = int(text.decode("ascii"), 16) if text.isalnum() else -1
    except ValueError:
        size = -1
    if not 0 <= size <= MAX_BODY:
        raise HttpError(f"{line!r} is no size of a chunk")
    return size


async def request(link: ByteLink, data: bytes, timeout: float) -> HttpResponse:
    """Send an encoded request and read its response.

    Raises `HttpError`, `LinkTimeout`, `LinkClosed`; after any of them the link must be closed.
    """
    await link.write(data)
    return await read_response(link, timeout)


async def read_response(link: ByteLink, timeout: float) -> HttpResponse:
    """Read a response, or the next one. Raises as `request`."""
    while True:
        head = await link.read_until(b"\r\n\r\n", timeout)
        status, reason, headers, keep_alive = parse_head(head)
        if status >= 200:
            break  # 1xx are announcements only
    if status in (204, 304):
        return HttpResponse(status, reason, headers, b"", keep_alive)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(link, timeout)
    elif "content-length" in headers:
        length = headers["content-length"]
        if not length.isdecimal() or int(length) > MAX_BODY:
            raise HttpError(f"Content-Length {length!r} is no acceptable length")
        body = await link.read_exactly(int(length), timeout)
    else:
        body, keep_alive = await _read_to_end(link, timeout), False
    return HttpResponse(status, reason, headers, body, keep_alive)


async def _read_chunks(link: ByteLink, timeout: float) -> bytes:
    body = bytearray()
    while size := parse_chunk_size(await link.read_until(b"\r\n", timeout)):
        body += await link.read_exactly(size, timeout)
        if len(body) > MAX_BODY:
            raise HttpError(f"a body of more than {MAX_BODY} bytes")
        if await link.read_exactly(2, timeout) != b"\r\n":
            raise HttpError("a chunk does not end where its size says")
    while await link.read_until(b"\r\n", timeout) != b"\r\n":
        pass  # trailer fields are of no interest
    return bytes(body)


async def _read_to_end(link: ByteLink, timeout: float) -> bytes:
    body = bytearray()
    while len(body) <= MAX_BODY:
        try:
            body += await link.read_exactly(1, timeout)
        except LinkClosed:
            return bytes(body)
        body += await link.drain_input()
    raise HttpError(f"a body of more than {MAX_BODY} bytes")
