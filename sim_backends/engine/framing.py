"""Cutting a byte stream into program messages."""

from __future__ import annotations

import re

from .parameters import block_end


class Framer:
    """Collects bytes and gives complete messages, without their terminator, as latin-1 text.

    `terminator` ends a message; with `blocks` a terminator inside a definite-length block or a
    quoted string is data; an indefinite block ends with the message. A message longer than `limit`
    bytes is dropped, up to the next terminator, and counted in `overruns`.

    `has_end` is set on links that tell where a message ends (END): there a terminator inside an
    indefinite block is data, too.
    """

    def __init__(self, terminator: bytes, *, blocks: bool, limit: int) -> None:
        self._terminator = terminator
        self._end = terminator.decode("latin-1")
        self._blocks = blocks
        self._marks = re.compile("[\"'#]|" + re.escape(self._end))
        self._limit = limit
        self._buffer = b""
        self._more: list[bytes] = []
        self._missing = 0
        """Bytes that the block at the end of the buffer still lacks; they are only collected."""
        self._dropping = False
        """Whether the rest of a message that was too long is still to come."""
        self.asked = False
        """Whether what was dropped last had a query in it."""
        self._endless = False
        """Whether an indefinite block goes on up to END."""
        self.has_end = False
        self.overruns = 0

    def feed(self, data: bytes) -> list[str]:
        """Messages completed by `data`."""
        if self._missing > len(data):
            self._more.append(data)
            self._missing -= len(data)
            return []
        if self._more:
            data = b"".join((*self._more, data))
            self._more.clear()
        if self._buffer:
            data = self._buffer + data
        self._missing = 0
        if self._dropping:
            dropped, end, data = data.partition(self._terminator)
            if not end:
                self._buffer = dropped[len(dropped) - len(self._terminator) + 1 :]
                return []
            self._dropping = False
        if not self._blocks or (b"#" not in data and b'"' not in data and b"'" not in data):
            if data.endswith(self._terminator) and data.count(self._terminator) == 1:
                self._buffer = b""
                messages = [data[: -len(self._terminator)].decode("latin-1")]
            else:
                *whole, self._buffer = data.split(self._terminator)
                messages = [message.decode("latin-1") for message in whole]
        else:
            messages = self._feed_blocks(data.decode("latin-1"))
        if len(self._buffer) + self._missing > self._limit:
            self.asked = b"?" in self._buffer
            tail = self._buffer[len(self._buffer) - len(self._terminator) + 1 :]
            self.clear()
            self._buffer, self._dropping = tail, True
            self.overruns += 1
        return messages

    def end(self) -> list[str]:
        """The message that END completes without its terminator, if there is one."""
        data = b"".join((self._buffer, *self._more))
        if self._endless:
            data = data.removesuffix(self._terminator)
        message = data.decode("latin-1")
        dropped = self._dropping
        self.clear()
        return [message] if message and not dropped else []

    def clear(self) -> None:
        """Forget what has come of an incomplete message."""
        self._buffer = b""
        self._more.clear()
        self._missing = 0
        self._dropping = self._endless = False

    def _feed_blocks(self, text: str) -> list[str]:
        messages: list[str] = []
        begin = position = 0
        while (mark := self._marks.search(text, position)) is not None:
            character, at = mark[0], mark.start()
            position = mark.end()
            if character in ("'", '"'):
                end = text.find(character, position)
                if end < 0:
                    break
                position = end + 1
                continue
            if character == "#":
                if text.startswith("0", position):
                    if self.has_end:
                        self._endless = True
                        break
                    position = text.find(self._end, position)
                    if position < 0:
                        break
                    continue
                end = block_end(text, at)
                if end is None:
                    self._missing = _missing(text, at)
                    break
                position = max(position, end)
                continue
            messages.append(text[begin:at])
            begin = position
        self._buffer = text[begin:].encode("latin-1")
        return messages


def _missing(text: str, start: int) -> int:
    """Bytes that the incomplete block at `start` lacks; 0 while its length is not known."""
    data = start + 2 + int(text[start + 1]) if start + 1 < len(text) else len(text) + 1
    return data + int(text[start + 2 : data]) - len(text) if data <= len(text) else 0
