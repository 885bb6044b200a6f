"""The status registers of IEEE 488.2: event status, enables, status byte.

Bits of the event status register: 0 OPC, 2 QYE, 3 DDE, 4 EXE, 5 CME, 7 PON; of the status byte: 2
error queue, 3 questionable, 4 message available, 5 event summary, 6 master summary, 7 operation
(IEEE 488.2-1992, 11).
"""

from __future__ import annotations

OPC, QYE, DDE, EXE, CME, PON = 1, 4, 8, 16, 32, 128
_ERROR_QUEUE, _QUESTIONABLE, _EVENTS, _MASTER, _OPERATION = 4, 8, 32, 64, 128


def event_bit(code: int) -> int:
    """Bit of the event status register that an error of this number sets."""
    if -200 < code <= -100:
        return CME
    if -300 < code <= -200:
        return EXE
    if -500 < code <= -400:
        return QYE
    return DDE


class EventRegister:
    """An event register with its enable mask (STATus:OPERation or STATus:QUEStionable)."""

    def __init__(self) -> None:
        self.event = 0
        self.enable = 0

    def read(self) -> int:
        """Event bits; reading clears them."""
        value, self.event = self.event, 0
        return value


class Status:
    """Event status and status byte of one client's view of the instrument."""

    def __init__(self) -> None:
        self.esr = 0
        self.ese = 0
        self.sre = 0
        self.operation = EventRegister()
        self.questionable = EventRegister()

    def error(self, code: int) -> None:
        """Set the event bit of an error."""
        self.esr |= event_bit(code)

    def read_esr(self) -> int:
        """Event status; reading clears it."""
        value, self.esr = self.esr, 0
        return value

    def byte(self, errors: int) -> int:
        """The status byte, given how many errors are queued."""
        value = _ERROR_QUEUE if errors else 0
        if self.questionable.event & self.questionable.enable:
            value |= _QUESTIONABLE
        if self.operation.event & self.operation.enable:
            value |= _OPERATION
        if self.esr & self.ese:
            value |= _EVENTS
        if value & self.sre & ~_MASTER:
            value |= _MASTER
        return value

    def clear(self) -> None:
        """What *CLS does to the event registers; enables stay."""
        self.esr = 0
        self.operation.event = 0
        self.questionable.event = 0
