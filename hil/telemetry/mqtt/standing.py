"""What holds now of a run, made of its events: for who comes late, and after a broker's restart."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from hil.telemetry.event import Event, Severity, Stamped
from hil.telemetry.events import (
    Baselines,
    BenchDescribed,
    EpochEnded,
    Fault,
    Health,
    Readings,
    RunEnded,
    RunStarted,
    Spent,
    StateChanged,
    Watched,
)
from hil.telemetry.mqtt.topics import as_name

#: Kinds of which the last one holds until the next (of readings: the last one of each instrument).
LASTING = (RunStarted, BenchDescribed, StateChanged, Baselines, Spent, Health, RunEnded)
#: Epochs that are kept.
MOST_EPOCHS = 500
#: Alarms of one run, at most.
MOST_ALARMS = 100
#: The alarm that outlives its run: what could not be made safe stays so until somebody looks.
TRIPPED = "tripped"
#: By the alarm of the watch: what tells that it is over.
_OVER_BY = {"watch-gate": "gate", "watch-alarm": "action", "watch-action": "action"}


class Life(StrEnum):
    """The controller's life, in the words of the Homie convention."""

    INIT = "init"
    """Connected; its rights are being verified."""
    READY = "ready"
    """A run is under way."""
    SLEEPING = "sleeping"
    """Connected, and no run is under way."""
    DISCONNECTED = "disconnected"
    """It has left in order."""
    LOST = "lost"
    """Its connection broke: said by the broker."""


@dataclass(frozen=True)
class Alarm:
    """Something wrong that goes on."""

    id: str
    severity: Severity
    text: str
    bench_time: float
    wall_time: float


class Standing:
    """Takes events, and knows what holds.

    Attributes
    ----------
    alarms : by id. changed : whether `events` gives other than it did; cleared by who looks.
    """

    def __init__(self) -> None:
        self.alarms: dict[str, Alarm] = {}
        self.changed = False
        self._last: dict[str, Stamped] = {}
        self._epochs: deque[Stamped] = deque(maxlen=MOST_EPOCHS)

    @property
    def life(self) -> Life:
        """Whether a run is under way."""
        started = RunStarted.KIND in self._last and RunEnded.KIND not in self._last
        return Life.READY if started else Life.SLEEPING

    @property
    def run(self) -> RunStarted | None:
        """How the present or the last run began."""
        stamped = self._last.get(RunStarted.KIND)
        event = None if stamped is None else stamped.event
        return event if isinstance(event, RunStarted) else None

    @property
    def state(self) -> str | None:
        """The bench's state, where it has told one."""
        stamped = self._last.get(StateChanged.KIND)
        event = None if stamped is None else stamped.event
        return event.state if isinstance(event, StateChanged) else None

    def events(self) -> list[Stamped]:
        """Those that hold, oldest first."""
        return sorted((*self._last.values(), *self._epochs), key=lambda one: one.number)

    def take(self, stamped: Stamped) -> None:
        """Learn of an event."""
        event = stamped.event
        if isinstance(event, RunStarted):
            for kind in (RunEnded, Baselines, Spent):
                self._last.pop(kind.KIND, None)
            self._epochs.clear()
        if isinstance(event, LASTING):
            self._last[event.KIND] = stamped
            self.changed = True
        elif isinstance(event, Readings):
            self._last[f"{event.KIND} {event.source}"] = stamped
            self.changed = True
        elif isinstance(event, EpochEnded):
            self._epochs.append(stamped)
            self.changed = True
        self._judge(event, stamped)

    def _judge(self, event: Event, stamped: Stamped) -> None:
        """Which alarm begins, or is over."""
        if isinstance(event, Fault):
            self._raise(f"fault-{as_name(event.source)}", event.severity, event.text, stamped)
        elif isinstance(event, Watched):
            id_ = f"watch-{as_name(event.what)}"
            if event.severity is not Severity.NONE:
                self._raise(id_, event.severity, event.text, stamped)
            else:
                for over in [one for one, by in _OVER_BY.items() if by == event.what]:
                    self.alarms.pop(over, None)
        elif isinstance(event, StateChanged):
            if event.state == TRIPPED:
                text = event.why or "the bench has tripped: see that it is safe"
                self._raise(TRIPPED, Severity.INVALID, text, stamped)
            else:
                self.alarms.pop(TRIPPED, None)
        elif isinstance(event, RunEnded):
            self.alarms = {id_: one for id_, one in self.alarms.items() if id_ == TRIPPED}

    def _raise(self, id_: str, severity: Severity, text: str, stamped: Stamped) -> None:
        if id_ in self.alarms or len(self.alarms) < MOST_ALARMS:
            self.alarms[id_] = Alarm(id_, severity, text, stamped.bench_time, stamped.wall_time)
