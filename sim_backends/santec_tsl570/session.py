"""A client of the laser, which ends its messages in CR and in nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sim_backends.engine.session import ScpiSession

if TYPE_CHECKING:
    from .laser import SantecTsl570


class SantecSession(ScpiSession):
    """A message that begins with the line feed of a CR LF before it is garbled.

    It is refused without an answer, and makes the laser deaf to this client where `hangs` is set.
    """

    def __init__(self, laser: SantecTsl570, send: Callable[[bytes], None]) -> None:
        super().__init__(
            laser.commands,
            laser.dialect,
            send,
            laser.advance,
            errors=laser.errors,
            status=laser.status,
            on_trigger=lambda session: laser.trigger(),
        )
        self._laser = laser
        self._deaf = False

    def execute(self, message: str) -> bytes:
        """Run one program message, if it can be understood."""
        if message.startswith("\n"):
            self._deaf |= self._laser.hangs
            self.error(-101)
            return b""
        return b"" if self._deaf else super().execute(message)
