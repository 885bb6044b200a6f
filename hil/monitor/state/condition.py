"""How the bench's links and the run's outlets do, and what failed: first cause first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import ClassVar

from hil.monitor.state.part import MOST_NAMES, Facts, number, plain
from hil.telemetry.event import Event, Severity, Stamped
from hil.telemetry.events import Fault, Health, StateChanged

#: Faults that are kept, beside the first.
KEPT = 64
#: The path that has no instruments.
SLOT = "slot"


@dataclass(frozen=True)
class Link:
    """An instrument's link. rate : exchanges a bench second; busy : share of bench time."""

    name: str
    is_open: bool
    exchanges: float
    rate: float | None
    busy: float | None


@dataclass(frozen=True)
class Failure:
    """A fault, when, and how bad."""

    wall_time: float
    bench_time: float
    source: str
    text: str
    severity: Severity


class Condition:
    """Links, outlets, faults.

    Attributes
    ----------
    links : as last told. outlets : of each, events waiting, dropped, failed. first : the first
    fault or trip since the bench was last armed, or the run began; followed : what came after it,
    the first ones. faults : the last ones of the run. tripped : why the bench tripped; empty: it
    has not, or is out of it.
    """

    TAKES: ClassVar[tuple[type[Event], ...]] = (Health, Fault, StateChanged)

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.links: list[Link] = []
        self.outlets: dict[str, dict[str, float]] = {}
        self.first: Failure | None = None
        self.followed: list[Failure] = []
        self.faults: deque[Failure] = deque(maxlen=KEPT)
        self.counted = 0
        self.tripped = self._state = ""
        self._before: dict[str, tuple[float, float, float]] = {}

    def take(self, stamped: Stamped) -> None:
        """Fold an event in."""
        match stamped.event:
            case Health() as health:
                self._take_health(stamped.bench_time, health)
            case Fault(source=source, text=text, severity=severity):
                self._fail(stamped, plain(source, 60), plain(text), severity)
            case StateChanged(state=state, why=why):
                self._enter(stamped, state, plain(why))
            case _:
                pass

    def _enter(self, stamped: Stamped, state: str, why: str) -> None:
        before, self._state = self._state, state
        if state == "tripped":
            if before != state:  # the same trip may be told again
                self.tripped = why or "no cause was told"
                self._fail(stamped, "interlock", f"TRIPPED: {self.tripped}", Severity.MAJOR)
            return
        self.tripped = ""
        # What led to a trip is of interest until somebody arms the bench again; who came late
        # may not have been told of that.
        if state == "armed" or (state == "running" and before in ("off", "tripped")):
            self.first, self.followed = None, []

    def _fail(self, stamped: Stamped, source: str, text: str, severity: Severity) -> None:
        failure = Failure(stamped.wall_time, stamped.bench_time, source, text, severity)
        if self.first is None:
            self.first = failure
        elif len(self.followed) < KEPT:
            self.followed.append(failure)
        self.faults.append(failure)
        self.counted += 1

    def _take_health(self, now: float, health: Health) -> None:
        links: list[Link] = []
        for raw, told in list(health.links.items())[:MOST_NAMES]:
            if not isinstance(told, dict):
                continue
            name, exchanges, busy = plain(raw, 40), number(told, "exchanges"), number(told, "busy")
            rate = share = None
            before = self._before.get(name)
            if before is not None and now > before[0]:
                since = now - before[0]
                rate, share = (exchanges - before[1]) / since, (busy - before[2]) / since
            links.append(Link(name, told.get("open") is True, exchanges, rate, share))
            self._before[name] = (now, exchanges, busy)
        self._before = {link.name: self._before[link.name] for link in links}
        self.links = links
        self.outlets = {
            plain(name, 40): {key: number(told, key) for key in ("waiting", "dropped", "failed")}
            for name, told in list(health.outlets.items())[:MOST_NAMES]
            if isinstance(told, dict)
        }

    @property
    def unused(self) -> bool:
        """Whether the run goes past all instruments."""
        return self._facts.started is not None and self._facts.started.path == SLOT

    @property
    def open(self) -> int:
        """How many links are open."""
        return sum(link.is_open for link in self.links)

    @property
    def closed(self) -> list[str]:
        """Links that are not open, of a run that needs them."""
        return [] if self.unused else [link.name for link in self.links if not link.is_open]

    @property
    def dropped(self) -> float:
        """Events that outlets of the run have dropped, in all."""
        return sum(told["dropped"] for told in self.outlets.values() if told["dropped"] > 0)
