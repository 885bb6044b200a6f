"""A client's connection: lines, commands joined by `;`, replies ended by CR LF."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .commands import carry_out
from .errors import OVERRUN, Refusal

if TYPE_CHECKING:
    from .generator import Dg645

LONGEST = 1024
"""Characters of a line that the input buffer holds."""
COMMAND_ERROR, EXECUTION_ERROR, OPERATION_COMPLETE = 32, 16, 1
"""Bits of the standard event register (IEEE 488.2)."""
INSTRUMENT, BUSY, EVENTS, MASTER = 1, 2, 32, 64
"""Bits of the status byte, as the maker's package srsinst.dg645 names them."""


class PortConversation:
    """One connection. Settings and errors are the instrument's; the event register is its own."""

    def __init__(self, device: Dg645, send: Callable[[bytes], None]) -> None:
        self.device = device
        self.events = 0
        self.event_mask = 0
        self.service_mask = 0
        self.instrument_mask = 0
        self._send = send
        self._buffer = bytearray()

    def close(self) -> None:
        """The connection has ended."""
        self._buffer.clear()

    def receive(self, data: bytes) -> None:
        """Take bytes; whole lines are carried out in order."""
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).decode("latin-1").strip("\r \t")
            del self._buffer[: end + 1]
            for text in line.split(";"):
                if text.strip():
                    self._serve(text.strip())
        if len(self._buffer) > LONGEST:
            self._buffer.clear()
            self._fail(OVERRUN)

    def status(self) -> int:
        """The status byte."""
        value = INSTRUMENT * bool(self.device.events() & self.instrument_mask)
        value |= BUSY * self.device.busy | EVENTS * bool(self.events & self.event_mask)
        return value | MASTER * bool(value & self.service_mask & ~MASTER)

    def _serve(self, text: str) -> None:
        self.device.advance()
        try:
            reply = carry_out(self, text)
        except Refusal as refusal:
            self._fail(refusal.code)
            return
        if reply is not None:
            self._send(f"{reply}\r\n".encode("latin-1"))

    def _fail(self, code: int) -> None:
        self.device.errors.put(code)
        self.events |= COMMAND_ERROR if code >= 100 else EXECUTION_ERROR
