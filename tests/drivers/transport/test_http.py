"""The HTTP client: exact requests, every kind of body, nothing else taken for a response."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.transport import http
from drivers.transport.http import HttpError
from drivers.transport.memory import MemoryNetwork


def test_request_bytes() -> None:
    assert http.encode_request("POST", "/json-rpc", "pulsestreamer:8050", b"{}") == (
        b"POST /json-rpc HTTP/1.1\r\nHost: pulsestreamer:8050\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    with pytest.raises(ValueError, match="line ends"):
        http.encode_request("GET", "/", "host\r\nEvil: 1")
    with pytest.raises(ValueError, match="spaces"):
        http.encode_request("GET", "/a b", "host")


def _answer(virtual, script, reply: bytes, *, close: bool = False):
    request = http.encode_request("GET", "/", "box")

    def say(writer) -> None:
        writer.write(reply)
        if close:
            writer.close()

    async def scenario():
        network = MemoryNetwork()
        network.listen_tcp("box", 80, script([(request, say)]).serve)
        link = await network.tcp("box", 80)
        try:
            return await http.request(link, request, 1.0)
        finally:
            await network.close()

    return virtual(scenario())


def test_content_length_and_keep_alive(virtual, script) -> None:
    reply = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\nX: y\r\n\r\nhello"
    response = _answer(virtual, script, reply)
    assert (response.status, response.reason, response.body) == (200, "OK", b"hello")
    assert response.keep_alive
    assert response.headers["x"] == "y"
    reply = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert not _answer(virtual, script, reply).keep_alive
    assert not _answer(virtual, script, b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive


def test_chunks_continue_and_no_content(virtual, script) -> None:
    reply = (
        b"HTTP/1.1 100 Continue\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5;ext=1\r\nhel\r\n\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
    )
    assert _answer(virtual, script, reply).body == b"hel\r\n0123456789"
    assert _answer(virtual, script, b"HTTP/1.1 204 No Content\r\n\r\n").body == b""


def test_body_up_to_the_end_of_the_connection(virtual, script) -> None:
    response = _answer(virtual, script, b"HTTP/1.1 200 OK\r\n\r\nall of it", close=True)
    assert response.body == b"all of it"
    assert not response.keep_alive


@pytest.mark.parametrize(
    "reply",
    [
        b"SPAM\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
    ],
)
def test_garbage_is_refused(virtual, script, reply: bytes) -> None:
    with pytest.raises(HttpError):
        _answer(virtual, script, reply)


@given(st.binary(max_size=80))
def test_heads_are_read_or_refused(data: bytes) -> None:
    try:
        status, *_ = http.parse_head(data)
    except HttpError:
        return
    assert 0 <= status <= 999


@given(st.binary(max_size=20))
def test_chunk_sizes_are_read_or_refused(data: bytes) -> None:
    try:
        assert http.parse_chunk_size(data) >= 0
    except HttpError:
        return
