"""What drift watch and trust gate told: alarms, what was done, and how far elements have moved."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hil.monitor.state.part import (
    LARGEST_STEP,
    MOST_NAMES,
    Facts,
    Refused,
    number,
    plain,
    sane,
)
from hil.monitor.state.trail import Trail
from hil.telemetry.event import Event, Severity, Stamped
from hil.telemetry.events import Cusum, RunResumed, Watched

#: Events that are kept of each kind.
KEPT = 256


@dataclass(frozen=True)
class Seen:
    """One event of the watch."""

    step: int
    what: str
    text: str
    severity: Severity
    numbers: dict[str, float]
    words: dict[str, str]


NUMBERS = ("ratio", "ratio_new", "score", "share", "moved", "residual", "before", "after", "usable")
GATE = ("measured", "predicted", "noise")
WORDS = ("cause", "action", "verdict")


class Drift:
    """Alarms, actions, looks, health visits and verdicts.

    Attributes
    ----------
    seen : events by kind, the last ones of each. counts : by kind and word, as "gate passed".
    last : the last of all. sums : trail of the watch's sums (whole, what is new, largest of an
    element), as shares of where they alarm; NaN where there is none.
    """

    TAKES: ClassVar[tuple[type[Event], ...]] = (Watched, Cusum, RunResumed)

    def __init__(self, facts: Facts) -> None:
        self.seen: dict[str, deque[Seen]] = {}
        self.counts: Counter[str] = Counter()
        self.last: Seen | None = None
        self.sums = Trail(3)

    def take(self, stamped: Stamped) -> None:
        """Fold an event in."""
        told = stamped.event
        if isinstance(told, Cusum):
            self._sum(told)
        elif isinstance(told, RunResumed):
            self.sums.cut(told.step)
        if not isinstance(told, Watched):
            return
        what = plain(told.what, 20)
        seen = Seen(
            told.step,
            what,
            plain(told.text),
            told.severity,
            {key: number(told.data, key) for key in (*NUMBERS, *GATE) if key in told.data},
            {key: _word(told.data[key]) for key in WORDS if key in told.data},
        )
        if what not in self.seen and len(self.seen) >= MOST_NAMES:
            return
        self.seen.setdefault(what, deque(maxlen=KEPT)).append(seen)
        self.last = seen
        word = seen.words.get("action") or seen.words.get("verdict") or ""
        name = f"{what} {word}".strip()
        if name in self.counts or len(self.counts) < 4 * MOST_NAMES:
            self.counts[name] += 1

    def _sum(self, told: Cusum) -> None:
        if not 0 < told.step < LARGEST_STEP:
            raise Refused(f"step {told.step} is none")
        shares = (told.whole, told.new, told.element)
        self.sums.add(told.step, np.array([sane(one) for one in shares]))

    def of(self, what: str) -> list[Seen]:
        """The last events of a kind, oldest first."""
        return list(self.seen.get(what, ()))


def _word(value: Any) -> str:
    return plain(str(value), 30)
