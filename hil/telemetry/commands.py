"""Commands to a run from outside: what may be asked, and how training comes to hear of it.

Whoever carries commands (a record's folder, MQTT) gives them to the run's desk; training comes by
between two steps. `off` does not wait for that: it ends the run at once, as Ctrl-C does.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from hil.telemetry.bus import Bus
from hil.telemetry.events import CommandAnswered

#: Ids of commands that are remembered, so that none is obeyed twice.
REMEMBERED = 1000
#: s, the longest that a command may be valid.
LONGEST = 3600.0
DRIVEN_OFF = "driven off by a command"


class Verb(StrEnum):
    """What may be asked of a run."""

    PAUSE = "pause"
    """Hold before the next step; levels stay."""
    RESUME = "resume"
    """Go on."""
    STOP = "stop"
    """End after this step, in order: keep the weights, drive the bench off."""
    OFF = "off"
    """Drive the bench off now."""


@dataclass(frozen=True)
class Command:
    """A command. id : of its issuer's choice, never used twice; expires : s since 1970, UTC."""

    id: str
    verb: str
    issuer: str
    expires: float


class Stopped(Exception):
    """Training was asked to stop."""


@contextmanager
def obeying(desk: CommandDesk) -> Iterator[None]:
    """Let `off` end the task that runs this, as Ctrl-C would; then `Stopped` is raised."""
    loop, task, asked = asyncio.get_running_loop(), asyncio.current_task(), threading.Event()
    assert task is not None

    def off() -> None:
        asked.set()
        loop.call_soon_threadsafe(task.cancel)

    desk.off = off
    try:
        yield
    except asyncio.CancelledError:
        if not asked.is_set():
            raise
        raise Stopped(DRIVEN_OFF) from None
    finally:
        desk.off = lambda: None


class CommandDesk:
    """Takes commands on any thread; training asks it between steps.

    off : called, on the thread of whoever commands, to end the run at once.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, str], CommandAnswered] = OrderedDict()
        self._paused = False
        self._end = ""
        self.off: Callable[[], None] = lambda: None

    @property
    def paused(self) -> bool:
        """Whether training is to hold before its next step."""
        return self._paused and not self._end

    @property
    def end(self) -> str:
        """Why training is to end after its present step; empty: it is not."""
        return self._end

    def give(self, command: Command) -> CommandAnswered:
        """Obey or refuse a command, publish the answer, and return it.

        A command that came before (same issuer and id) is answered as it was then, and not obeyed
        again. Refused: unknown verbs, commands that have expired or are valid for over an hour.
        Whether the issuer may command is for the carrier to know.
        """
        with self._lock:
            key = (command.issuer, command.id)
            if key in self._seen:
                return self._seen[key]
            accepted, text = self._judge(command)
            answer = CommandAnswered(
                id=command.id,
                verb=command.verb,
                issuer=command.issuer,
                accepted=accepted,
                text=text,
            )
            self._seen[key] = answer
            while len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        self._bus.publish(answer)
        if accepted and command.verb == Verb.OFF:
            self.off()
        return answer

    def refuse(self, command: Command, why: str) -> CommandAnswered:
        """Refuse a command whose issuer may not give it, and publish that."""
        answer = CommandAnswered(
            id=command.id, verb=command.verb, issuer=command.issuer, accepted=False, text=why
        )
        self._bus.publish(answer)
        return answer

    def _judge(self, command: Command) -> tuple[bool, str]:
        left = command.expires - time.time()
        if command.verb not in tuple(Verb):
            return False, f"no command {command.verb[:40]!r}; there are {', '.join(Verb)}"
        if not left > 0.0:
            return False, f"expired {-left:.1f} s ago: are the clocks right?"
        if left > LONGEST:
            return False, f"valid for {left:.0f} s; at most {LONGEST:.0f} are allowed"
        match Verb(command.verb):
            case Verb.PAUSE:
                self._paused = True
                return True, "holds before the next step; levels stay"
            case Verb.RESUME:
                was, self._paused = self._paused, False
                return True, "goes on" if was else "was not paused"
            case Verb.STOP:
                self._end = "stopped by a command"
                return True, "ends after this step, keeps its weights and drives the bench off"
            case Verb.OFF:
                self._end = DRIVEN_OFF
                return True, "the bench is driven off"
