"""What controller and guardian say to each other, over a pair of sockets: heartbeats and words.

A line of JSON is a word, an empty line a heartbeat. Nothing here waits.
"""

from __future__ import annotations

import json
import socket
from typing import Any

#: Bytes of one word at most: the bench file of 64 ports and some banks is a tenth of this.
LONGEST = 2**25
_BEAT = b"\n"


class Line:
    """One end. `gone`: the other end has closed, or said what cannot be read."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._unsent = bytearray()
        self._unread = bytearray()
        self.gone = False

    def fileno(self) -> int:
        """Of the socket: readable when something has come."""
        return self._end.fileno()

    def beat(self) -> None:
        """Give a sign of life; where the other end reads nothing, it has not missed anything."""
        if not self._unsent:
            self._unsent += _BEAT
        self.push()

    def say(self, **words: Any) -> None:
        """Say something; what does not leave at once leaves with the next `push` or `beat`."""
        self._unsent += json.dumps(words).encode() + b"\n"
        self.push()

    def push(self) -> bool:
        """Send what waits; gives whether nothing is left."""
        try:
            while self._unsent and not self.gone:
                del self._unsent[: self._end.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self.gone = True
        return not self._unsent

    def hear(self) -> list[dict[str, Any]]:
        """All that has come, in order; a heartbeat is an empty table."""
        try:
            while data := self._end.recv(2**16):
                self._unread += data
                if len(self._unread) > LONGEST:
                    break
            self.gone = True
        except BlockingIOError:
            pass
        except OSError:
            self.gone = True
        *lines, rest = self._unread.split(b"\n")
        self._unread = rest
        said: list[dict[str, Any]] = []
        for line in lines:
            try:
                word = json.loads(line) if line else {}
            except ValueError:
                word = None
            if not isinstance(word, dict):
                self.gone = True
                break
            said.append(word)
        return said

    def close(self) -> None:
        """Close this end."""
        self._end.close()
