"""The ledger: what was spent, by purpose, by category and by instrument.

A device pass is one sample through all slots. Passes are entered under the purpose in force
(training, evaluation, refit, …); seconds of bench time under exactly one category at each moment
(of those under way the first in `CATEGORIES`), so that categories add up to the bench time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

#: Categories of bench time, the one charged first when several run at once.
CATEGORIES = ("write", "settle", "upload", "arm", "run", "fetch", "state", "compute", "idle")

#: Purposes of device passes.
PURPOSES = (
    "training",
    "refit",
    "calibration",
    "validation",
    "evaluation",
    "drift-watch",
    "gate",
    "manual",
)


class Ledger:
    """Counts what a machine spends. `clock` returns bench time in s."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[str, int] = dict.fromkeys(CATEGORIES, 0)
        self._since = clock()
        self._begin = self._since
        self._purpose = "manual"
        self.seconds: dict[str, float] = defaultdict(float)
        self.passes: dict[str, int] = defaultdict(int)
        self.digital_passes: dict[str, int] = defaultdict(int)
        self.counts: dict[str, int] = defaultdict(int)

    def carry(self, table: Mapping[str, Any]) -> None:
        """Go on from what was spent before, as `table` gave it (instruments' seconds excepted)."""
        self._begin -= table["bench_seconds"]
        for mine, theirs in (
            (self.seconds, table["seconds"]),
            (self.passes, table["device_passes"]),
            (self.digital_passes, table["digital_passes"]),
            (self.counts, table["counts"]),
        ):
            for name, number in theirs.items():
                mine[name] += number

    @contextmanager
    def span(self, category: str) -> Iterator[None]:
        """Charge the time inside to `category` (unless a category before it runs too)."""
        self._charge()
        self._open[category] += 1
        try:
            yield
        finally:
            self._charge()
            self._open[category] -= 1

    @contextmanager
    def purpose(self, name: str) -> Iterator[None]:
        """Enter passes made inside under `name`.

        Raises
        ------
        ValueError
            When it is none of PURPOSES: a new name would be a column that nobody adds up.
        """
        if name not in PURPOSES:
            raise ValueError(f"no purpose {name!r} of device passes; there are {PURPOSES}")
        outer, self._purpose = self._purpose, name
        try:
            yield
        finally:
            self._purpose = outer

    def count_pass(self, samples: int) -> None:
        """Enter device passes of `samples` samples."""
        self.passes[self._purpose] += samples

    def count_digital(self, what: str, samples: int) -> None:
        """Enter passes of a digital model, kept apart from device passes."""
        self.digital_passes[what] += samples

    def count(self, what: str, number: int = 1) -> None:
        """Enter slow writes, toggles, frames, clipped points, …"""
        self.counts[what] += number

    def _charge(self) -> None:
        now = self._clock()
        elapsed, self._since = now - self._since, now
        if elapsed <= 0.0:
            return
        running = next((c for c in CATEGORIES if self._open[c]), "idle")
        self.seconds[running] += elapsed

    @property
    def bench_seconds(self) -> float:
        """Bench time that was spent, s, what was carried included."""
        self._charge()
        return self._since - self._begin  # to the moment charged: a real clock has gone on since

    def table(self, instruments: Mapping[str, Mapping[str, float]] | None = None) -> dict[str, Any]:
        """The ledger as plain data for summary.json; `instruments` gives their busy seconds."""
        return {
            "bench_seconds": self.bench_seconds,
            "seconds": {c: self.seconds[c] for c in CATEGORIES if self.seconds[c]},
            "device_passes": dict(self.passes),
            "digital_passes": dict(self.digital_passes),
            "counts": dict(self.counts),
            "instruments": {k: dict(v) for k, v in (instruments or {}).items()},
        }
