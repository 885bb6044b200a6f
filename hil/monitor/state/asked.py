"""Commands that this window gave, and what became of them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import ClassVar

from hil.monitor.state.part import plain
from hil.telemetry.commands import Verb
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import CommandAnswered

#: Commands that are remembered.
KEPT = 20
#: s after which a missing answer is told of.
PATIENCE = 3.0


@dataclass(frozen=True)
class Asked:
    """A command of ours. at : s of the clock that the window goes by; answer : once there."""

    id: str
    verb: Verb
    at: float
    answer: CommandAnswered | None = None

    def text(self, now: float) -> str:
        """How it stands, for a person."""
        if self.answer is not None:
            taken = "taken" if self.answer.accepted else "REFUSED"
            return f"{self.verb} {taken}: {plain(self.answer.text, 160)}"
        waited = max(now - self.at, 0.0)
        if waited < PATIENCE:
            return f"{self.verb} asked for; waiting for the answer"
        return f"{self.verb}: NO ANSWER for {waited:.0f} s; nothing is known to have happened"


class Commands:
    """Ours, by id; those of others are in the log."""

    TAKES: ClassVar[tuple[type[Event], ...]] = (CommandAnswered,)

    def __init__(self) -> None:
        self._asked: OrderedDict[str, Asked] = OrderedDict()
        self.failed = ""

    def ask(self, id_: str, verb: Verb, now: float) -> None:
        """Remember a command that was given."""
        self.failed = ""
        self._asked[id_] = Asked(id_, verb, now)
        while len(self._asked) > KEPT:
            self._asked.popitem(last=False)

    def fail(self, why: str) -> None:
        """Remember that a command could not be given."""
        self.failed = plain(why, 200)

    def take(self, stamped: Stamped) -> None:
        """Find the answer's question."""
        answer = stamped.event
        if isinstance(answer, CommandAnswered) and answer.id in self._asked:
            self._asked[answer.id] = replace(self._asked[answer.id], answer=answer)

    @property
    def last(self) -> Asked | None:
        """The last one given."""
        return next(reversed(self._asked.values()), None)

    def text(self, now: float) -> str:
        """How the last one stands."""
        if self.failed:
            return f"could not be asked: {self.failed}"
        return "" if self.last is None else self.last.text(now)
