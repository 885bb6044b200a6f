"""The serial port of a chain: ASCII lines and binary requests on one stream, faults reported when
they happen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from . import ascii as text
from . import binary
from .chain import PER_MODULE, Fault, QontrolChain
from .commands import Answer, Commands, Refusal, error_line

FAULT_DELAY = 4e-3
"""s from a set request's OK to the error line of the fault it caused (0 to 16 ms were recorded)."""

_REPEATED = 3
"""Overflows in a row from which on some are suppressed (how many it takes was not recorded)."""
_BURST = 8
"""Fault lines of one request beyond which the rest is suppressed (E30)."""


class PortConversation:
    """One opening of the port. The chain's state outlives it."""

    def __init__(self, chain: QontrolChain, send: Callable[[bytes], None]) -> None:
        self._chain = chain
        self._send = send
        self._commands = Commands(chain)
        self._buffer = bytearray()
        self._overflows = 0
        self._open = True
        chain.listeners.add(self._hear)

    def close(self) -> None:
        """The port has been closed."""
        self._open = False
        self._chain.listeners.discard(self._hear)

    def _hear(self, code: int, detail: int) -> None:
        self._lines([error_line(code, detail)])

    def receive(self, data: bytes) -> None:
        """Take bytes; whole requests are carried out in order."""
        self._buffer += data
        buffer = self._buffer
        while buffer:
            if buffer[0] >= 0x80:
                length = binary.request_length(buffer)
                if length is None or len(buffer) < length:
                    return
                request = bytes(buffer[:length])
                del buffer[:length]
                self._serve(lambda r=request: binary.respond(self._commands, self._chain, r))
                continue
            end = buffer.find(b"\n")
            if end < 0:
                if len(buffer) > text.LONGEST:
                    self._overflow()
                    buffer.clear()
                return
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            if len(line) > text.LONGEST:
                self._overflow()
            elif line.strip():
                decoded = line.decode("latin-1")
                self._serve(lambda t=decoded: text.respond(self._commands, t))

    def _serve(self, respond: Callable[[], Answer]) -> None:
        try:
            answer = respond()
        except Refusal as refusal:
            self._chain.record(refusal.code, refusal.detail)
            self._lines([error_line(refusal.code, refusal.detail)])
            return
        self._overflows = 0
        self._lines(list(answer.lines))
        if answer.faults:
            loop = asyncio.get_running_loop()
            loop.call_later(FAULT_DELAY, self._report, list(answer.faults))

    def _lines(self, lines: list[str]) -> None:
        self._send("".join(line + "\n" for line in lines).encode("latin-1"))

    def _report(self, faults: list[Fault]) -> None:
        if not self._open:
            return
        # The channel in these lines is counted within its module.
        lines = [error_line(fault.code, fault.channel % PER_MODULE) for fault in faults[:_BURST]]
        if len(faults) > _BURST:
            lines.append(error_line(30, 0))
        self._lines(lines)

    def _overflow(self) -> None:
        """The instruction buffer is full; of repeated ones not all are told."""
        self._overflows += 1
        second = (15, 0) if self._overflows < _REPEATED else (30, 0)
        for code, detail in ((14, 0), second):
            self._chain.record(code, detail)
        self._lines([error_line(14, 0), error_line(*second)])
