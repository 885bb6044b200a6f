"""The server side of HTTP/1.1, just enough for JSON-RPC over POST with kept-alive connections (RFC
9112).
"""

from __future__ import annotations

from collections.abc import Callable

HTTP_PATH = "/json-rpc"
"""Where requests are posted to."""
_HEAD_END = b"\r\n\r\n"
_LARGEST = 1 << 26
_REASONS = {
    200: "OK", 204: "No Content", 400: "Bad Request", 404: "Not Found",
    405: "Method Not Allowed", 413: "Content Too Large",
}  # fmt: skip


class HttpConversation:
    """Parses requests from bytes and sends responses; one object a connection.

    `answer(body)` gives the response body to a POST on `path`. Responses follow the order of
    requests (pipelining).
    """

    def __init__(
        self,
        path: str,
        answer: Callable[[bytes], bytes],
        send: Callable[[bytes], None],
    ) -> None:
        self._path = path
        self._answer = answer
        self._send = send
        self._buffer = b""
        self._closed = False

    def receive(self, data: bytes) -> None:
        """Take bytes; every complete request is answered."""
        self._buffer += data
        while not self._closed:
            head_end = self._buffer.find(_HEAD_END)
            if head_end < 0:
                if len(self._buffer) > 1 << 16:
                    self._refuse(400, b"request head too long")
                return
            lines = self._buffer[:head_end].decode("latin-1").split("\r\n")
            headers = {}
            for line in lines[1:]:
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
            length = headers.get("content-length", "0")
            if not length.isdigit() or "transfer-encoding" in headers:
                self._refuse(400, b"a Content-Length is needed")
                return
            if int(length) > _LARGEST:
                self._refuse(413, b"body too large")
                return
            end = head_end + len(_HEAD_END) + int(length)
            if len(self._buffer) < end:
                return
            body = self._buffer[head_end + len(_HEAD_END) : end]
            self._buffer = self._buffer[end:]
            self._respond(lines[0], headers, body)

    def close(self) -> None:
        """The connection has ended."""
        self._closed = True

    def _respond(self, request_line: str, headers: dict[str, str], body: bytes) -> None:
        words = request_line.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            self._refuse(400, b"not an HTTP/1 request")
            return
        method, target, version = words
        connection = headers.get("connection", "").lower()
        keep = connection != "close" and (version != "HTTP/1.0" or connection == "keep-alive")
        if target.partition("?")[0] != self._path:
            self._write(404, b"not found", "text/plain", keep)
        elif method != "POST":
            self._write(405, b"use POST", "text/plain", keep)
        else:
            reply = self._answer(body)
            self._write(200 if reply else 204, reply, "application/json", keep)

    def _refuse(self, code: int, text: bytes) -> None:
        self._write(code, text, "text/plain", keep=False)
        self._closed = True

    def _write(self, code: int, body: bytes, kind: str, keep: bool) -> None:
        head = (
            f"HTTP/1.1 {code} {_REASONS[code]}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\n"
            f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
        )
        self._send(head.encode("latin-1") + body)
