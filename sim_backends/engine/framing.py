"""Cutting a byte stream into program messages."""

from __future__ import annotations

from .parameters import block_end


class Framer:
    """Collects bytes and gives complete messages, without their terminator, as latin-1 text.

    `terminator` ends a message; with `blocks` a terminator inside a definite-length block or a
    quoted string is data. A message longer than `limit` bytes is dropped and counted in `overruns`.
    """

    def __init__(self, terminator: bytes, *, blocks: bool, limit: int) -> None:
        self._terminator = terminator
        self._end = terminator.decode("latin-1")
        self._blocks = blocks
        self._limit = limit
        self._buffer = b""
        self.overruns = 0

    def feed(self, data: bytes) -> list[str]:
        """Messages completed by `data`."""
        if self._buffer:
            data = self._buffer + data
        if not self._blocks or (b"#" not in data and b'"' not in data and b"'" not in data):
            if data.endswith(self._terminator) and data.count(self._terminator) == 1:
                self._buffer = b""
                messages = [data[: -len(self._terminator)].decode("latin-1")]
            else:
                *whole, self._buffer = data.split(self._terminator)
                messages = [message.decode("latin-1") for message in whole]
        else:
            messages = self._feed_blocks(data.decode("latin-1"))
        if len(self._buffer) > self._limit:
            self._buffer = b""
            self.overruns += 1
        return messages

    def end(self) -> list[str]:
        """The message that END completes without its terminator, if there is one."""
        message, self._buffer = self._buffer.decode("latin-1"), b""
        return [message] if message else []

    def clear(self) -> None:
        """Forget what has come of an incomplete message."""
        self._buffer = b""

    def _feed_blocks(self, text: str) -> list[str]:
        messages: list[str] = []
        begin = position = 0
        quote = ""
        while position < len(text):
            character = text[position]
            if quote:
                quote = "" if character == quote else quote
            elif character in "\"'":
                quote = character
            elif character == "#":
                end = block_end(text, position)
                if end is None:
                    break
                if end > position:
                    position = end
                    continue
            elif text.startswith(self._end, position):
                messages.append(text[begin:position])
                position += len(self._end)
                begin = position
                continue
            position += 1
        self._buffer = text[begin:].encode("latin-1")
        return messages
