"""A simulated Agiltron FF switch (1x4, 1x8, up to 1x16) on its board: address, code, two bytes.

Sources: a driver of FF 1x4 and 1x8 that cites the maker's command list, one of the SW-DR-5 board
for two ways, scripts for switches of 2 and 16 ways. Told by one source each: serial number in two
halves (03, 04), module address (01), temperature (22), homing (20). That these but the last answer
is told, what they answer is not: the two bytes that follow the code are invented here. Unknown of
the real one, and so of this choice: it answers when it has been told to move, not when it has, and
tells where it was told to go; homing goes to way 1 and is not answered; nor is an unknown code, a
way that there is not, or a frame to another address.
"""

from __future__ import annotations

from collections.abc import Callable

from .instrument import Door, OptionError, OwnFault, Placement, refuse_unknown

SWITCH_TIME = 5e-3
"""s that it moves: a builder of switch boxes with them tells of a few ms."""
ADDRESS = 1
LENGTH = 4
MOST_WAYS = 16
SERIAL_NUMBER = 0x00041537
WARM = 25


class FfBoard:
    """One switch of `ways`, counted from 1. `now` tells bench time in s."""

    def __init__(self, now: Callable[[], float], *, ways: int = 4) -> None:
        self._now = now
        self.ways = ways
        self.position = 1
        self.stuck = False
        self._arrives = -1.0
        self.before_change: Callable[[], None] = lambda: None
        """Called when the light is about to go another way."""
        self._asked: dict[int, Callable[[], int]] = {
            0x01: lambda: ADDRESS,
            0x03: lambda: SERIAL_NUMBER >> 16,
            0x04: lambda: SERIAL_NUMBER & 0xFFFF,
            0x11: lambda: self.position,
            0x22: lambda: WARM,
        }

    @property
    def doors(self) -> tuple[Door, ...]:
        """Its USB port, which is a serial one."""
        return (Door("serial", None, self.converse),)

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`stuck=yes` or `no`: it echoes a selection and does not move."""
        return {"stuck": self._get_stuck}

    def _get_stuck(self, value: str) -> Callable[[], None]:
        if value not in ("yes", "no"):
            raise ValueError("a switch is stuck, yes or no")
        return lambda: setattr(self, "stuck", value == "yes")

    def route(self) -> int | None:
        """Which way the light goes; None while it moves."""
        return self.position if self._now() >= self._arrives else None

    def converse(self, send: Callable[[bytes], None]) -> BoardConversation:
        """A new opening of the port."""
        return BoardConversation(self, send)

    def obey(self, code: int, number: int) -> int | None:
        """Carry out a code with its number; the number of the answer, if there is one."""
        if code == 0x12 and 1 <= number <= self.ways:
            self._go(number)
            return number
        if code == 0x20 and number == 0:
            self._go(1)
            return None
        asked = self._asked.get(code)
        return asked() if asked is not None and number == 0 else None

    def _go(self, way: int) -> None:
        if way == self.position or self.stuck:
            return
        self.before_change()
        self.position = way
        self._arrives = self._now() + SWITCH_TIME


class BoardConversation:
    """One opening of the port. The switch's state outlives it."""

    def __init__(self, board: FfBoard, send: Callable[[bytes], None]) -> None:
        self._board = board
        self._send = send
        self._held = b""

    def close(self) -> None:
        """The port has been closed."""
        self._held = b""

    def receive(self, data: bytes) -> None:
        """Take bytes. What does not begin with the address is passed over, byte by byte."""
        self._held += data
        while len(self._held) >= LENGTH:
            address, code = self._held[0], self._held[1]
            if address != ADDRESS:
                self._held = self._held[1:]
                continue
            number = int.from_bytes(self._held[2:LENGTH], "big")
            self._held = self._held[LENGTH:]
            answer = self._board.obey(code, number)
            if answer is not None:
                self._send(bytes([ADDRESS, code]) + answer.to_bytes(2, "big"))


def build(placement: Placement) -> FfBoard:
    """Options: `ways` (1 to 16)."""
    refuse_unknown("agiltron_ff", placement.options, ("ways",))
    ways = int(placement.options.get("ways", 4))
    if not 1 <= ways <= MOST_WAYS:
        raise OptionError(f"ways {ways} are not between 1 and {MOST_WAYS}")
    return FfBoard(placement.clock.now, ways=ways)
