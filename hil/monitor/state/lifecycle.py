"""Where a run is: its bench's state, light, how far it is, and how old all this is."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from hil.monitor.state.part import LARGEST_STEP, Facts, plain
from hil.telemetry.commands import Verb
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import CommandAnswered, RunEnded, RunStarted, StateChanged, Step

STATES = ("off", "idle", "armed", "running", "tripped")
#: Steps that the pace is taken from.
PACE_STEPS = 200


class Lifecycle:
    """State of the bench and of the run.

    Attributes
    ----------
    state : of the bench; empty: not told yet. light : whether it is on; None: not told.
    since, since_bench : wall and bench time of the last change of state. why : of that change.
    wall_time, bench_time : of the last event. paused, stopping : as commanded.
    """

    TAKES: ClassVar[tuple[type[Event], ...]] = (
        RunStarted,
        StateChanged,
        Step,
        CommandAnswered,
        RunEnded,
    )

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.state = ""
        self.light: bool | None = None
        self.since = self.since_bench = 0.0
        self.why = ""
        self.wall_time = self.bench_time = 0.0
        self.paused = self.stopping = False
        self.ended: RunEnded | None = None
        self._since_pause = 0
        self._steps: deque[tuple[int, float]] = deque(maxlen=PACE_STEPS)

    def take(self, stamped: Stamped) -> None:
        """Fold an event in."""
        match stamped.event:
            case StateChanged(state=state, light=light, why=why):
                self.state, self.light, self.why = plain(state, 20), light, plain(why)
                self.since, self.since_bench = stamped.wall_time, stamped.bench_time
            case Step(step=step):
                self._since_pause += 1
                if self._since_pause > 1:  # the one that was under way when it was asked for
                    self.paused = False
                self._steps.append((step, stamped.wall_time))
            case CommandAnswered(accepted=True, verb=verb):
                if verb in (Verb.PAUSE, Verb.RESUME):
                    self.paused = verb == Verb.PAUSE
                    self._since_pause = 0
                    self._steps.clear()  # the pause is no part of the pace
                else:
                    self.stopping = True
            case RunEnded() as ended:
                self.ended = ended
            case _:
                pass

    def go_on(self) -> None:
        """The run was resumed."""
        self.ended, self.paused, self.stopping = None, False, False
        self._steps.clear()

    def told_at(self, stamped: Stamped) -> None:
        """Remember when the last event of all was."""
        self.wall_time, self.bench_time = stamped.wall_time, stamped.bench_time

    @property
    def steps(self) -> int:
        """Steps that are planned; 0: not told."""
        started = self._facts.started
        planned = 0 if started is None else started.epochs * started.batches
        return planned if 0 < planned <= LARGEST_STEP else 0

    @property
    def pace(self) -> float | None:
        """Seconds of wall time a step, over the last steps; None before there are two."""
        if len(self._steps) < 2:
            return None
        (first, began), (last, now) = self._steps[0], self._steps[-1]
        return (now - began) / (last - first) if last > first and now > began else None

    @property
    def left(self) -> float | None:
        """Seconds of wall time until the last step at this pace; None: not known."""
        if self.ended is not None or not self.steps or self.pace is None:
            return None
        return max(self.steps - self._facts.step, 0) * self.pace
