"""The status registers of IEEE 488.2 and SCPI: event status, enables, transitions, status byte.

Bits of the event status register: 0 OPC, 2 QYE, 3 DDE, 4 EXE, 5 CME, 7 PON; of the status byte: 2
error queue, 3 questionable, 4 message available, 5 event summary, 6 master summary, 7 operation
(IEEE 488.2-1992, 11; SCPI-1999 volume 1, 9).
"""

from __future__ import annotations

from collections.abc import Callable

OPC, QYE, DDE, EXE, CME, PON = 1, 4, 8, 16, 32, 128
MESSAGE_AVAILABLE = 16
_ERROR_QUEUE, _QUESTIONABLE, _EVENTS, MASTER, _OPERATION = 4, 8, 32, 64, 128
WIDE = 0x7FFF
"""All bits of a SCPI register: bit 15 is never used."""


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
    """A condition with the event register behind it (STATus:OPERation or STATus:QUEStionable).

    A bit of the condition that goes up (down) sets its event where `rising` (`falling`) has it;
    `changed` is called then.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self.condition = 0
        self.event = 0
        self.enable = 0
        self.preset()

    def preset(self) -> None:
        """STATus:PRESet: nothing enabled, events on rising bits."""
        self.enable = 0
        self.rising = WIDE
        self.falling = 0

    def set(self, bits: int, on: bool) -> None:
        """Bits of the condition go up or down."""
        was = self.condition
        self.condition = was | bits if on else was & ~bits
        new = self.condition & ~was & self.rising | was & ~self.condition & self.falling
        if new:
            self.event |= new
            self._changed()

    def read(self) -> int:
        """Event bits; reading clears them."""
        value, self.event = self.event, 0
        return value


class Status:
    """Event status and status byte of an instrument, or of one client's view of it.

    `watchers` are called when an event or an error has come.
    """

    def __init__(self, esr: int = 0) -> None:
        self.watchers: list[Callable[[], None]] = []
        self.esr = esr
        self.ese = 0
        self.sre = 0
        self._registers: list[tuple[int, EventRegister]] = []
        self.questionable = self.register(_QUESTIONABLE)
        self.operation = self.register(_OPERATION)

    def register(self, summary: int) -> EventRegister:
        """A new event register whose enabled events show in this bit of the status byte (2^n); it
        asks for service, and is preset and cleared, with the others. Registers may share a bit.
        """
        made = EventRegister(self.changed)
        self._registers.append((summary, made))
        return made

    def error(self, code: int) -> None:
        """Set the event bit of an error."""
        self.happened(event_bit(code))

    def happened(self, bits: int) -> None:
        """Set bits of the event status register."""
        self.esr |= bits
        self.changed()

    def changed(self) -> None:
        """Tell who watches."""
        for watcher in list(self.watchers):
            watcher()

    def read_esr(self) -> int:
        """Event status; reading clears it."""
        value, self.esr = self.esr, 0
        return value

    def byte(self, errors: int, message_available: bool = False) -> int:
        """The status byte, given how many errors are queued."""
        value = _ERROR_QUEUE if errors else 0
        if message_available:
            value |= MESSAGE_AVAILABLE
        for summary, register in self._registers:
            if register.event & register.enable:
                value |= summary
        if self.esr & self.ese:
            value |= _EVENTS
        if value & self.sre & ~MASTER:
            value |= MASTER
        return value

    def preset(self) -> None:
        """What STATus:PRESet does."""
        for _, register in self._registers:
            register.preset()

    def clear(self) -> None:
        """What *CLS does to the event registers; enables stay."""
        self.esr = 0
        for _, register in self._registers:
            register.event = 0
