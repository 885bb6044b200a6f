"""Trigger and memory of an oscilloscope over time: filling, waiting, triggered, stopped.

Nothing here runs by itself: `advance` brings the state up to the present whenever somebody looks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .inputs import Inputs

State = Literal["STOP", "RUN", "WAIT", "TD", "AUTO"]
"""Stopped; filling what comes before the trigger; waiting for it; filling what comes after it; the
last with nothing that triggered.
"""
AUTO_WAIT = 0.05
"""s after which an automatic sweep triggers by itself."""
CATCH_UP = 4
"""Acquisitions of a running oscilloscope that are gone through at most when somebody looks; of the
others nobody has seen anything.
"""


@dataclass(frozen=True)
class Plan:
    """How to acquire: `points` at `rate` (1/s), `before` of them before the trigger.

    `source`, `level` (V) and `edges` (rising: True, falling: False) are what triggers; `delay` is s
    from the trigger to the point `before`. `count` triggers make an acquisition (averages).
    """

    rate: float
    points: int
    before: int
    source: int
    level: float
    edges: tuple[bool, ...]
    delay: float = 0.0
    automatic: bool = False
    holdoff: float = 0.0
    count: int = 1
    segments: int = 1

    @property
    def length(self) -> float:
        """Seconds of one record."""
        return self.points / self.rate


@dataclass(frozen=True)
class Record:
    """What was acquired: `triggers` are the times of all that is averaged; `number` counts."""

    plan: Plan
    triggers: tuple[float, ...]
    number: int

    def start(self, trigger: float) -> float:
        """Bench time of the first point that belongs to a trigger."""
        return trigger + self.plan.delay - self.plan.before / self.plan.rate


class Acquisition:
    """Runs after a plan, which is asked for whenever it starts."""

    def __init__(self, now: Callable[[], float], inputs: Inputs, plan: Callable[[], Plan]) -> None:
        self._now = now
        self.inputs = inputs
        self._plan = plan
        self.records: list[Record] = []
        """Of the last acquisition; several of segmented memory."""
        self._number = 0
        self._armed = False
        self._triggered = False
        self._stop()

    @property
    def running(self) -> bool:
        """Whether it is not stopped."""
        return self._now_plan is not None

    @property
    def state(self) -> State:
        """At the time of the last `advance`."""
        now = self._now()
        if self._now_plan is None:
            return "STOP"
        if self._trigger is not None:
            return "AUTO" if self._by_itself else "TD"
        return "RUN" if now < self._ready else "WAIT"

    def start(self, *, single: bool) -> None:
        """Begin; what was acquired before is kept until something new is there."""
        self._now_plan = self._plan()
        self.single = single
        self._triggers: list[float] = []
        self._fresh: list[Record] = []
        self._begin_record(self._now())

    def stop(self) -> None:
        """End; segments that are there are kept."""
        if self._fresh:
            self.records = self._fresh
        self._stop()

    @property
    def latest(self) -> tuple[Plan, float] | None:
        """Plan and trigger of what is being filled, or was acquired last."""
        if self._now_plan is not None and self._trigger is not None:
            return self._now_plan, self._trigger
        last = self.records[-1] if self.records else None
        return None if last is None else (last.plan, last.triggers[-1])

    def discard(self) -> None:
        """What was acquired is cleared; what runs goes on."""
        self.records = []

    def force(self) -> None:
        """Trigger now, if a trigger is waited for."""
        self.advance()
        if self._now_plan is not None and self._trigger is None:
            self._trigger, self._by_itself = max(self._now(), self._ready), False
            self._triggered = True

    def was_armed(self) -> bool:
        """Whether a trigger has been waited for since this was last asked."""
        self.advance()
        armed, self._armed = self._armed, False
        return armed

    def was_triggered(self) -> bool:
        """Whether a trigger has come since this was last asked."""
        self.advance()
        triggered, self._triggered = self._triggered, False
        return triggered

    def ends_at(self) -> float | None:
        """When what runs will be complete, as far as known; None where it waits for an edge."""
        self.advance()
        plan = self._now_plan
        if plan is None:
            return self._now()
        if self._trigger is None:
            return self._look(plan)
        return self._end(plan)

    def advance(self) -> None:
        """Bring it up to the present."""
        now = self._now()
        done = 0
        while (plan := self._now_plan) is not None:
            if now < self._ready:
                return
            self._armed, self._announced = self._armed or not self._announced, True
            if self._trigger is None:
                first = self._look(plan)
                if first is None or first > now:  # something else may come before it
                    return
                self._trigger, self._triggered = first, True
            end = self._end(plan)
            if end > now:
                return
            self._complete(plan)
            done += 1
            if self._now_plan is None:
                return
            behind = done >= CATCH_UP and not self.single
            self._begin_record(now - plan.length if behind and end < now - plan.length else end)
            if done > 2 * CATCH_UP and not self.single:
                return

    def _look(self, plan: Plan) -> float | None:
        """When it will be triggered, as far as known."""
        edges = [
            edge
            for rising in plan.edges
            if (edge := self.inputs.next_edge(plan.source, plan.level, rising, self._ready))
            is not None
        ]
        first = min(edges, default=None)
        alone = self._ready + AUTO_WAIT
        self._by_itself = plan.automatic and (first is None or first > alone)
        return alone if self._by_itself else first

    def _end(self, plan: Plan) -> float:
        assert self._trigger is not None
        return self._trigger + plan.delay + (plan.points - plan.before) / plan.rate

    def _begin_record(self, at: float) -> None:
        plan = self._now_plan
        assert plan is not None
        filled = max(0.0, plan.before / plan.rate - plan.delay)
        after = max(filled, plan.holdoff) if self._triggers or self._fresh else filled
        self._ready = at + after
        self._trigger: float | None = None
        self._by_itself = False
        self._announced = False

    def _complete(self, plan: Plan) -> None:
        assert self._trigger is not None
        self._triggers.append(self._trigger)
        if self.single and len(self._triggers) < plan.count:
            return
        self._triggers = self._triggers[-plan.count :]
        self._number += 1
        record = Record(plan, tuple(self._triggers), self._number)
        if plan.segments > 1:
            self._fresh.append(record)
            self._triggers = []
            if len(self._fresh) < plan.segments:
                return
            self.records, self._fresh = self._fresh, []
        else:
            self.records = [record]
        if self.single:
            self._stop()

    def _stop(self) -> None:
        self._now_plan: Plan | None = None
        self.single = False
        self._trigger = None
        self._by_itself = False
        self._announced = False
        self._ready = 0.0
        self._triggers = []
        self._fresh = []

    @property
    def segments_so_far(self) -> int:
        """Segments that are there, of what runs or of what was acquired last."""
        return len(self._fresh) if self.running and self._fresh else len(self.records)
