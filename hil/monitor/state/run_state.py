"""All that is known of a run, folded from its events one by one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from hil.monitor.state.asked import Commands
from hil.monitor.state.beside import Beside
from hil.monitor.state.condition import Condition
from hil.monitor.state.drift import Drift
from hil.monitor.state.heaters import Heaters
from hil.monitor.state.learning import Learning
from hil.monitor.state.lifecycle import Lifecycle
from hil.monitor.state.log import Log
from hil.monitor.state.part import Facts, plain
from hil.monitor.state.ports import Ports
from hil.monitor.state.spending import Spending
from hil.monitor.state.twin import TwinView
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import RunStarted

#: s without an event after which what is shown is called stale.
STALE_AFTER = 10.0


class _Part(Protocol):
    TAKES: ClassVar[tuple[type[Event], ...]]

    def take(self, stamped: Stamped) -> None: ...


class RunState:
    """What a window shows.

    Its size does not grow with the run. What makes no sense is counted in `ignored` (by kind, with
    the last reason in `why_ignored`) and changes nothing. `version` grows with every event, and
    `versions` of a part, by its name here, with every event that the part takes.

    `reading` : of a record that is read for the first time, how many events were read and how many
    there are; None: all that was there is known. `trouble` : why nothing can be heard just now;
    empty: it can. `source_counts` : what the source itself threw away, or lost, by name.

    Parameters
    ----------
    wall, clock : wall time in s since 1970, and a clock that never jumps, s.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        stale_after: float = STALE_AFTER,
    ) -> None:
        self._wall, self._clock = wall, clock
        self.stale_after = stale_after
        self.version = self.taken = 0
        self.versions: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.why_ignored = ""
        self.replaying = False
        self.trouble = ""
        self.reading: tuple[int, int] | None = None
        self.source_counts: dict[str, int] = {}
        self._heard: float | None = None
        self._caught_up = False
        self.log = Log(Facts())
        self.commands = Commands()
        self._begin()

    def restart(self) -> None:
        """Forget everything: the run is told again from its beginning."""
        self.log, self.commands = Log(Facts()), Commands()
        self._heard, self._caught_up = None, False
        self._begin()
        self.version += 1

    def _begin(self) -> None:
        self.facts = facts = Facts()
        self.lifecycle = Lifecycle(facts)
        self.learning = Learning(facts)
        self.heaters = Heaters(facts)
        self.ports = Ports(facts)
        self.twin = TwinView(facts)
        self.drift = Drift(facts)
        self.spending = Spending(facts)
        self.condition = Condition(facts)
        self.beside = Beside(facts)
        # Heaters and learning first: they check a bench and a step before the others believe it.
        self._parts: dict[str, _Part] = {
            "heaters": self.heaters,
            "learning": self.learning,
            "lifecycle": self.lifecycle,
            "ports": self.ports,
            "twin": self.twin,
            "drift": self.drift,
            "spending": self.spending,
            "condition": self.condition,
            "beside": self.beside,
            "log": self.log,
            "commands": self.commands,
        }
        self._touch_all()

    def _touch_all(self) -> None:
        self.versions.update(dict.fromkeys(self._parts, 1))

    def version_of(self, parts: Sequence[str]) -> int:
        """Grows whenever one of these parts may have changed; of none: with every event."""
        return sum(self.versions[name] for name in parts) if parts else self.version

    def take(self, events: Sequence[Stamped]) -> None:
        """Fold events in, oldest first; never raises, whatever they are.

        An empty sequence says that nothing is new: from then on, what comes is fresh.
        """
        if not events:
            self._caught_up = True
            return
        for stamped in events:
            self._take_one(stamped)
        # What was there before we came is as old as its stamp says; what comes while we look on is
        # fresh, whatever the other machine's clock may say.
        age = 0.0 if self._caught_up else max(self._wall() - self.lifecycle.wall_time, 0.0)
        self._heard = self._clock() - age

    def _take_one(self, stamped: Stamped) -> None:
        self.version += 1
        try:
            if isinstance(stamped.event, RunStarted):
                self._start(stamped.event)
            for name, part in self._parts.items():
                if isinstance(stamped.event, part.TAKES):
                    self.versions[name] += 1
                    part.take(stamped)
            self.lifecycle.told_at(stamped)
            self.taken += 1
        except Exception as error:  # an event may hold anything: none of it may stop the window
            self.ignore(getattr(stamped.event, "KIND", "?"), str(error) or type(error).__name__)

    def _start(self, started: RunStarted) -> None:
        was, before = self.lifecycle, self.facts.started
        if before is not None and before.run == started.run and before.ports == started.ports:
            self.facts.started = started  # resumed: its curves go on
            was.go_on()
            self._touch_all()
            return
        same = self.facts.started is None and not self.facts.step
        self._begin()
        self.facts.started = started
        if same:  # what was told of the bench before the run began holds still
            self.lifecycle.state, self.lifecycle.light = was.state, was.light
            self.lifecycle.since, self.lifecycle.since_bench = was.since, was.since_bench
            self.lifecycle.why = was.why

    def ignore(self, kind: str, why: str) -> None:
        """Count something that could not be taken."""
        name = plain(kind, 20) or "?"
        if name not in self.ignored and len(self.ignored) >= 40:
            name = "other"
        self.ignored[name] += 1
        self.why_ignored = plain(f"{name}: {why}")

    def hear(self, trouble: str, counts: Mapping[str, int]) -> None:
        """How the source does: why nothing comes, and what it threw away or lost, by name."""
        told = {plain(name, 20): number for name, number in counts.items() if number}
        if (trouble, told) != (self.trouble, self.source_counts):
            self.trouble, self.source_counts = trouble, told
            self.version += 1

    @property
    def age(self) -> float | None:
        """Seconds since something was heard; None: nothing was yet."""
        return None if self._heard is None else max(self._clock() - self._heard, 0.0)

    @property
    def stale(self) -> bool:
        """Whether what is shown may no longer be so: nothing is heard, and the run has no end."""
        if self.replaying or self.lifecycle.ended is not None:
            return False
        if self.reading is not None and not self.trouble:
            return False  # it is known to be old, and `reading` says so
        return bool(self.trouble) or self.age is None or self.age > self.stale_after

    def ask(self, id_: str, verb: Any) -> None:
        """Remember a command that was given."""
        self.commands.ask(id_, verb, self._clock())

    @property
    def asked(self) -> str:
        """How the last command stands, for a person."""
        return self.commands.text(self._clock())
