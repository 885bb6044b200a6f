"""Commands over MQTT: who may give them, and what is answered.

A command is obeyed if the run was started with `--remote-control` and its issuer is allowed. `off`
from an allowed issuer is obeyed always, whatever its expiry says: clocks that differ must not keep
a bench on.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, replace

from hil.telemetry.bus import Bus
from hil.telemetry.commands import LONGEST, REMEMBERED, Command, CommandDesk, Verb
from hil.telemetry.events import CommandAnswered, Noted
from hil.telemetry.mqtt.payloads import Malformed, read_command

#: What may be asked beside the verbs of the desk: to write something down.
NOTE = "note"
#: Commands a second that are looked at, and how many at once; `off` of an allowed issuer always.
RATE, BURST = 5.0, 20.0


@dataclass(frozen=True)
class Rights:
    """Who may command.

    allowed : issuers. remote_control : whether they may ask for more than `off`.
    """

    allowed: frozenset[str] = frozenset()
    remote_control: bool = False

    def verbs(self) -> list[str]:
        """What is obeyed."""
        if not self.allowed:
            return []
        return [*Verb, NOTE] if self.remote_control else [Verb.OFF]


class RemoteDesk:
    """Judges what comes on the topics of commands, and gives it to a run's desk.

    counts : of `malformed`, `retained` and `flooding` commands, which nobody answers.
    """

    def __init__(self, desk: CommandDesk, bus: Bus, rights: Rights, counts: Counter[str]) -> None:
        self._desk, self._bus, self._rights, self._counts = desk, bus, rights, counts
        self._notes: OrderedDict[tuple[str, str], CommandAnswered] = OrderedDict()
        self._left, self._at = BURST, time.monotonic()

    def answer(self, levels: list[str], payload: bytes, retain: bool) -> CommandAnswered | None:
        """Obey or refuse what came on `cmd/<levels>`; none: it is not even refused.

        On any one thread; may block as the desk does.
        """
        if retain:
            # It would be obeyed again at each connection.
            self._counts["retained"] += 1
            return None
        try:
            if len(levels) != 2:
                raise Malformed("a command's topic is cmd/<verb>/<issuer>")
            command, text = read_command(payload, *levels)
        except Malformed:
            self._counts["malformed"] += 1
            return None
        allowed = command.issuer in self._rights.allowed
        if allowed and command.verb == Verb.OFF:
            return self._desk.give(replace(command, expires=time.time() + 1.0))
        if not self._may_look():
            self._counts["flooding"] += 1
            return None
        if why := self._why_not(command, allowed):
            return self._desk.refuse(command, why)
        return self._note(command, text) if command.verb == NOTE else self._desk.give(command)

    def _why_not(self, command: Command, allowed: bool) -> str:
        if not allowed:
            return f"{command.issuer} may not command here (the run allows it by --allow)"
        if not self._rights.remote_control:
            return "only off is obeyed: the run was started without --remote-control"
        return ""

    def _note(self, command: Command, text: str) -> CommandAnswered:
        key = (command.issuer, command.id)
        if key in self._notes:
            return self._notes[key]
        left = command.expires - time.time()
        if not 0.0 < left <= LONGEST:
            return self._desk.refuse(command, f"valid for {left:.0f} s: are the clocks right?")
        if not text.strip():
            return self._desk.refuse(command, "nothing is written in it")
        answer = CommandAnswered(
            id=command.id, verb=NOTE, issuer=command.issuer, accepted=True, text="written down"
        )
        self._notes[key] = answer
        while len(self._notes) > REMEMBERED:
            self._notes.popitem(last=False)
        self._bus.publish(Noted(text=text, author=command.issuer))
        return answer

    def _may_look(self) -> bool:
        now = time.monotonic()
        self._left = min(BURST, self._left + RATE * (now - self._at))
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
