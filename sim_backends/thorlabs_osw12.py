"""A simulated Thorlabs OSW12 or OSW22: two ways, and the quirks that its users tell of.

Source: qudi's driver (`osw12.py`) and two more clients. The texts of `I?` and `T?` are invented; an
unknown command is not answered (unknown of the real one).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .instrument import Door, OptionError, OwnFault, Placement, refuse_unknown

SWITCH_TIME = 1e-3
"""s that the mirror moves."""
LONGEST = 64


class Osw12:
    """One switch. `now` tells bench time in s.

    `deafness` is the chance that a question goes unanswered, as users report of it.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        model: str = "OSW12",
        seed: int = 0,
        deafness: float = 0.0,
    ) -> None:
        self._now = now
        self.model = model
        self.position = 1
        self.stuck = False
        self.deafness = deafness
        self._chance = np.random.default_rng(seed)
        self._told = 1
        self._moved_at = -1.0
        self.before_change: Callable[[], None] = lambda: None
        """Called when the light is about to go another way."""

    @property
    def doors(self) -> tuple[Door, ...]:
        """Its USB port, which is a serial one."""
        return (Door("serial", None, self.converse),)

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`stuck=yes` or `no`, `deaf=CHANCE` of a question without an answer."""
        return {"stuck": self._stuck_fault, "deaf": self._deaf_fault}

    def _stuck_fault(self, value: str) -> Callable[[], None]:
        if value not in ("yes", "no"):
            raise ValueError("a switch is stuck, yes or no")
        return lambda: setattr(self, "stuck", value == "yes")

    def _deaf_fault(self, value: str) -> Callable[[], None]:
        chance = float(value)
        if not 0.0 <= chance <= 1.0:
            raise ValueError("a chance is 0 to 1")
        return lambda: setattr(self, "deafness", chance)

    def route(self) -> int | None:
        """Which way the light goes; None while the mirror moves."""
        return None if self._now() < self._moved_at + SWITCH_TIME else self.position

    def converse(self, send: Callable[[bytes], None]) -> PortConversation:
        """A new opening of the port."""
        return PortConversation(self, send)

    def switch(self, position: int) -> None:
        """`S 1` or `S 2`."""
        if not self.stuck and position != self.position:
            self.before_change()
            self.position = position
            self._moved_at = self._now()

    def answer(self, line: str) -> str | None:
        """What a line is answered, if anything."""
        words = line.upper().split()
        if words in (["S", "1"], ["S", "2"]):
            self.switch(int(words[1]))
            return None
        if words == ["S?"]:
            told, self._told = self._told, self.position  # the first answer after a change is old
            reply = str(told)
        elif words == ["I?"]:
            reply = f"{self.model}-1310E V1.00"
        elif words == ["T?"]:
            reply = "1" if self.model == "OSW12" else "2"
        else:
            return None
        return None if self._chance.random() < self.deafness else reply


class PortConversation:
    """One opening of the port. The switch's state outlives it."""

    def __init__(self, switch: Osw12, send: Callable[[bytes], None]) -> None:
        self._switch = switch
        self._send = send
        self._buffer = bytearray()

    def close(self) -> None:
        """The port has been closed."""
        self._buffer.clear()

    def receive(self, data: bytes) -> None:
        """Take bytes; whole lines are carried out in order."""
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).decode("latin-1")
            del self._buffer[: end + 1]
            reply = self._switch.answer(line)
            if reply is not None:
                self._send(f"{reply}\r\n".encode("ascii"))
        if len(self._buffer) > LONGEST:
            self._buffer.clear()


def build(placement: Placement) -> Osw12:
    """Options: `deafness`, the chance of a question without an answer. Models OSW12 and OSW22."""
    refuse_unknown("thorlabs_osw12", placement.options, ("deafness",))
    model = placement.identity.get("model", "OSW12").upper()
    deafness = float(placement.options.get("deafness", 0.0))
    if model not in ("OSW12", "OSW22"):
        raise OptionError(f"{model!r} is none of OSW12, OSW22")
    if not 0.0 <= deafness <= 1.0:
        raise OptionError(f"deafness {deafness} is no chance")
    return Osw12(placement.clock.now, model=model, seed=placement.seed, deafness=deafness)
