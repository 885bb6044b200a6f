"""What every step of a calibration has in common: it measures, fits, gates, and tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.setup import Setup

Array = NDArray[Any]


@dataclass(frozen=True)
class Gate:
    """A figure that a step must reach.

    value and limit in `unit`; `least` says that the limit is a floor, not a ceiling.
    """

    name: str
    value: float
    limit: float
    unit: str
    least: bool = False

    @property
    def passed(self) -> bool:
        """Whether it was reached; NaN never is."""
        return bool(self.value >= self.limit) if self.least else bool(self.value <= self.limit)


@dataclass(frozen=True)
class Outcome:
    """What a step found, beside what it wrote into the knowledge.

    gates : all must pass. faults : what is broken, a line each, naming the thing and the mend.
    notes : what a reader of the record should know. raw : arrays for the file of raw sweeps.
    """

    gates: tuple[Gate, ...]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    raw: Mapping[str, Array] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every gate passed."""
        return all(gate.passed for gate in self.gates)


class Watch(Protocol):
    """Told of a step's progress; keeps finished sweeps, so that a step can be resumed."""

    def progress(self, done: int, total: int, note: str = "") -> None:
        """After each part."""
        ...

    def kept(self, key: str) -> Mapping[str, Array] | None:
        """What an interrupted run of this step kept under `key`, or None."""
        ...

    def keep(self, key: str, **arrays: Array) -> None:
        """Keep a finished sweep, at once and safe from a crash.

        Where the step is resumed, bench time goes on from here.
        """
        ...


class Silent:
    """A watch that tells nobody and keeps nothing."""

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Nothing."""

    def kept(self, key: str) -> Mapping[str, Array] | None:
        """Nothing is kept."""
        return None

    def keep(self, key: str, **arrays: Array) -> None:
        """Nothing."""


class Step(Protocol):
    """One procedure of a calibration: sweep, fit, gate, record.

    It leaves levels at the idle bias, whatever happens.
    """

    @property
    def name(self) -> str:
        """Its word on the command line and in the record."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Steps whose results it stands on."""
        ...

    @property
    def summary(self) -> str:
        """A line for `--help`."""
        ...

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Measure, fit, and write what was found into `knowledge`."""
        ...
