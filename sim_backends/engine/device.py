"""What every simulated SCPI instrument has: commands, settings, one error queue, operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from .common import add_common
from .dialect import Dialect
from .errors import ErrorQueue, ScpiError
from .header import CommandTable
from .operations import Operations
from .session import Command, ScpiSession
from .settings import Settings
from .status import PON, Status


class ScpiDevice:
    """An instrument with one error queue and one set of status registers for all its clients.

    A model sets `dialect`, enters its commands and settings in its constructor, and overrides
    `advance` (bring the state up to the present), `reset` and `trigger` as it needs.
    """

    dialect: ClassVar[Dialect] = Dialect()

    def __init__(self, now: Callable[[], float], identity: str) -> None:
        """`now`: bench time, s; `identity`: the reply to *IDN?."""
        self.now = now
        self.identity = identity
        self.commands: CommandTable[Command] = CommandTable()
        self.settings = Settings(self.commands)
        self.errors = ErrorQueue(self.dialect.queue_depth)
        self.status = Status(PON if self.dialect.powers_on else 0)
        self.operations = Operations()
        add_common(
            self.commands, lambda: self.identity, lambda session: self.reset(), self.operations
        )
        self.commands.add("*TRG", self._trigger_command)

    def converse(self, send: Callable[[bytes], None]) -> ScpiSession:
        """A new client."""
        return ScpiSession(
            self.commands,
            self.dialect,
            send,
            self.advance,
            errors=self.errors,
            status=self.status,
            on_trigger=lambda session: self.trigger(),
        )

    def error(self, code: int, text: str | None = None) -> None:
        """Queue an error that no command caused (an interlock, a temperature)."""
        self.errors.push(code, text)
        self.status.error(code)

    def advance(self) -> None:
        """Bring the state up to the present; called before each message is carried out."""

    def reset(self) -> None:
        """*RST: what is under way ends, settings go back to their defaults."""
        self.operations.abort()
        self.settings.reset()

    def trigger(self) -> None:
        """*TRG, or a group execute trigger. Raises `ScpiError` -211 where none is awaited."""
        raise ScpiError(-211)

    def _trigger_command(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        if text.strip():
            raise ScpiError(-108)
        self.trigger()
