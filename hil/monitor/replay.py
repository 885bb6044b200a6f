"""A finished run again, at any speed: with pause, and from any place."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from hil.telemetry.commands import Verb
from hil.telemetry.event import Stamped
from hil.telemetry.source import Source, SourceError

#: s, the longest silence that is waited out: nights pass quickly.
LONGEST_SILENCE = 3.0
#: Slowest and fastest.
SPEEDS = (0.01, 10_000.0)
#: Events that are released at once, at most: a seek goes on in pieces.
AT_ONCE = 200


@runtime_checkable
class Recorded(Source, Protocol):
    """A source of events that are all there, and can be read again from any place.

    position : of the event read last, from 0; set it to go elsewhere. length : where it ends.
    """

    position: int

    @property
    def length(self) -> int: ...


class Replay:
    """Gives the events of a record as they came, faster or slower.

    Parameters
    ----------
    speed : recorded seconds a second. clock : s, never jumps.
    """

    def __init__(
        self, record: Recorded, speed: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._record = record
        self._clock = clock
        self._waiting: deque[tuple[int, Stamped]] = deque()
        self._due = 0.0
        self._before: float | None = None
        self._at = clock()
        self._target = 0
        self._restarted = False
        self._given = 0
        self.paused = False
        self.speed = 1.0
        self.set_speed(speed)

    @property
    def name(self) -> str:
        """What is replayed."""
        return self._record.name

    @property
    def share(self) -> float:
        """How much of the record was given, 0 to 1."""
        return min(self._given / max(self._record.length, 1), 1.0)

    def set_speed(self, speed: float) -> None:
        """Go on at another speed."""
        if not math.isfinite(speed) or speed <= 0.0:
            raise SourceError(f"no speed {speed}; a number above 0 is wanted")
        self.speed = min(max(speed, SPEEDS[0]), SPEEDS[1])

    def pause(self, paused: bool) -> None:
        """Hold, or go on."""
        self.paused = paused

    def seek(self, share: float) -> None:
        """Go to a place, 0 to 1 of the record's events."""
        target = round(min(max(share, 0.0), 1.0) * self._record.length)
        if target < self._given:
            self._record.position = 0
            self._waiting.clear()
            self._given = 0
            self._restarted = True
        self._target = target
        self._before = None

    def take_restart(self) -> bool:
        """Whether it has begun anew since this was last asked."""
        was, self._restarted = self._restarted, False
        return was

    def poll(self) -> Sequence[Stamped]:
        """What is due by now."""
        now = self._clock()
        passed, self._at = now - self._at, now
        found: list[Stamped] = []
        while self._given < self._target and len(found) < AT_ONCE and self._fill():
            found.append(self._next())
        if found:
            return found
        self._target = 0
        if self.paused:
            return found
        self._due += passed * self.speed
        while len(found) < AT_ONCE and self._fill():
            wait = self._silence(self._waiting[0][1])
            if wait > self._due:
                break
            self._due -= wait
            found.append(self._next())
        if not self._waiting or len(found) == AT_ONCE:
            self._due = 0.0  # a slow reader slows the replay, and is not made to catch up
        return found

    def command(self, verb: Verb) -> str:
        """Not possible."""
        raise SourceError(f"this is a replay: there is no run to {verb}")

    def note(self, text: str) -> None:
        """Write into the record that is replayed."""
        self._record.note(text)

    def close(self) -> None:
        """Close the record."""
        self._record.close()

    def _fill(self) -> bool:
        if not self._waiting:
            before = self._record.position
            events = self._record.poll()
            number = len(events)
            span = self._record.position - before
            # Some may have been unreadable: where between the positions one lay does not matter.
            self._waiting.extend(
                (before + round(span * (k + 1) / number), one) for k, one in enumerate(events)
            )
        return bool(self._waiting)

    def _next(self) -> Stamped:
        self._given, stamped = self._waiting.popleft()
        self._before = stamped.wall_time
        return stamped

    def _silence(self, stamped: Stamped) -> float:
        if self._before is None:
            return 0.0
        silence = stamped.wall_time - self._before
        return min(max(silence, 0.0), LONGEST_SILENCE) if math.isfinite(silence) else 0.0
