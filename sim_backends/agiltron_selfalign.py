"""A simulated Agiltron SelfAlign 1xN: frames of four bytes that begin with 01.

Sources: one driver (ograsdijk/Agiltron-SelfAlign), and a laboratory's of a 1x6, which is answered
by an echo of the selection (option `echo`). Unknown of the real one, and so of this choice: it
answers when it has been told to move, not when it has; homing, an unknown command and a way that
there is not are not answered; bytes before a 01 are passed over.
"""

from __future__ import annotations

from collections.abc import Callable

from .instrument import Door, OptionError, OwnFault, Placement, refuse_unknown

SWITCH_TIME = 0.3
"""s that it moves."""
START, SELECT, HOME = 0x01, 0x35, 0x30
FRAME = 4
SELECTED = bytes([START, SELECT, 0xFF, 0xFF])


class SelfAlign:
    """One switch of `ways`. `now` tells bench time in s."""

    def __init__(self, now: Callable[[], float], *, ways: int = 16, echo: bool = False) -> None:
        self._now = now
        self.ways = ways
        self.echo = echo
        self.position = 1
        self.stuck = False
        self._moved_at = -1.0
        self.before_change: Callable[[], None] = lambda: None
        """Called when the light is about to go another way."""

    @property
    def doors(self) -> tuple[Door, ...]:
        """Its serial port."""
        return (Door("serial", None, self.converse),)

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`stuck=yes` or `no`: it acknowledges and does not move."""
        return {"stuck": self._stuck_fault}

    def _stuck_fault(self, value: str) -> Callable[[], None]:
        if value not in ("yes", "no"):
            raise ValueError("a switch is stuck, yes or no")
        return lambda: setattr(self, "stuck", value == "yes")

    def route(self) -> int | None:
        """Which way the light goes; None while it moves."""
        return None if self._now() < self._moved_at + SWITCH_TIME else self.position

    def converse(self, send: Callable[[bytes], None]) -> PortConversation:
        """A new opening of the port."""
        return PortConversation(self, send)

    def answer(self, frame: bytes) -> bytes:
        """What a frame is answered; nothing for most."""
        _, command, high, low = frame
        if command == HOME and high == low == 0:
            self._move(1)
        elif command == SELECT and high == 0 and low < self.ways:
            self._move(low + 1)
            return frame if self.echo else SELECTED
        return b""

    def _move(self, position: int) -> None:
        if not self.stuck and position != self.position:
            self.before_change()
            self.position = position
            self._moved_at = self._now()


class PortConversation:
    """One opening of the port. The switch's state outlives it."""

    def __init__(self, switch: SelfAlign, send: Callable[[bytes], None]) -> None:
        self._switch = switch
        self._send = send
        self._buffer = bytearray()

    def close(self) -> None:
        """The port has been closed."""
        self._buffer.clear()

    def receive(self, data: bytes) -> None:
        """Take bytes; whole frames are carried out in order."""
        self._buffer += data
        while True:
            start = self._buffer.find(START)
            del self._buffer[: len(self._buffer) if start < 0 else start]
            if len(self._buffer) < FRAME:
                return
            reply = self._switch.answer(bytes(self._buffer[:FRAME]))
            del self._buffer[:FRAME]
            if reply:
                self._send(reply)


def build(placement: Placement) -> SelfAlign:
    """Options: `ways` (1 to 256); `echo` (yes or no): a selection is answered by itself."""
    refuse_unknown("agiltron_selfalign", placement.options, ("ways", "echo"))
    ways = int(placement.options.get("ways", 16))
    if not 1 <= ways <= 256:
        raise OptionError(f"ways {ways} are not between 1 and 256")
    echo = str(placement.options.get("echo", "no"))
    if echo not in ("yes", "no"):
        raise OptionError(f"echo is yes or no, not {echo!r}")
    return SelfAlign(placement.clock.now, ways=ways, echo=echo == "yes")
