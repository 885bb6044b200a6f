"""Runs the steps of a calibration on an open bench, and writes the record after each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from calibration.knowledge import Knowledge
from calibration.procedures import steps_of
from calibration.record import CalibrationRecord
from calibration.step import Outcome, Step
from calibration.tomography import NotPossibleError
from calibration.writing import record_document, write_record
from drivers.errors import InstrumentError
from hil.bench.calibration_setup import BenchSetup
from hil.bench.opening import OpenBench
from hil.bench.states import BenchError
from hil.calibrating.folder import CalibrationFolder
from hil.calibrating.showing import step_lines
from hil.calibrating.validity import bench_table
from hil.calibrating.watching import StepWatch
from hil.record.versions import versions

Tell = Callable[[str], None]
Row = dict[str, Any]


def begin_time(
    core: OpenBench, record: CalibrationRecord | None, resumed: CalibrationFolder | None
) -> float:
    """Bench time, s, at which a bench goes on from a record, and from sweeps kept since.

    A simulated bench goes on where they were left, as a real one would have. A real one's clock is
    set so where sweeps are gone on with, and by as much later as the wall clock has gone on.
    """
    last = None if resumed is None else resumed.last_kept()
    if last is not None:
        finished, written = last
        return finished if core.all_simulated else finished + max(0.0, time.time() - written)
    return record.bench_time if record is not None and record.steps and core.all_simulated else 0.0


@dataclass
class Calibration:
    """What a calibration has so far: knowledge, and the table of steps behind it.

    steps : plain data of each step, as the record has them; renewed when a step is run again.
    """

    knowledge: Knowledge
    steps: list[Row]
    method: str

    def state_of(self, name: str) -> str:
        """`passed`, `failed`, `skipped`, or `` where a step has not been run."""
        return next((str(row["state"]) for row in self.steps if row["name"] == name), "")

    def failed_below(self, name: str, needs: Mapping[str, Sequence[str]]) -> list[str]:
        """Steps that failed, of those that a step stands on directly or through skipped ones.

        needs : what each step stands on directly.
        """
        found: list[str] = []
        for need in needs[name]:
            state = self.state_of(need)
            if state == "failed":
                found.append(need)
            elif state == "skipped":
                found += self.failed_below(need, needs)
        return list(dict.fromkeys(found))

    def withdraw(self, names: Iterable[str]) -> None:
        """Take the rows of some steps out."""
        gone = set(names)
        self.steps = [row for row in self.steps if row["name"] not in gone]

    def enter(self, row: Row) -> None:
        """Put a step's row in, in place of an older one."""
        self.steps = [old for old in self.steps if old["name"] != row["name"]]
        self.steps.append(row)


class Runner:
    """Runs steps one after the other.

    keep_going : run what stands on a step that failed, too.
    """

    def __init__(
        self,
        core: OpenBench,
        folder: CalibrationFolder,
        calibration: Calibration,
        tell: Tell,
        *,
        keep_going: bool = False,
    ) -> None:
        self._core = core
        self._folder = folder
        self._calibration = calibration
        self._tell = tell
        self._keep_going = keep_going

    async def run(self, steps: Sequence[Step]) -> bool:
        """Run steps; gives whether all passed or were skipped. The record is written after each."""
        setup = BenchSetup(self._core)
        needs = {step.name: step.needs for step in steps_of(self._core.file.core)}
        # Before a sweep is kept, whose it is: only there may it be gone on with. What is to be
        # run again is not done, whatever the record says that was begun with.
        self._calibration.withdraw(step.name for step in steps)
        self.write(setup, complete=False)
        good = True
        for number, step in enumerate(steps):
            broken = self._calibration.failed_below(step.name, needs)
            if broken and not self._keep_going:
                row = _skipped(step.name, f"stands on {', '.join(broken)}, which failed")
                good = False
            else:
                row = await self._step(setup, step, self._folder)
                good = good and row["state"] != "failed"
            self._calibration.enter(row)
            for line in step_lines(row):
                self._tell(line)
            self.write(setup, complete=number + 1 == len(steps))
        return good

    async def look(self, step: Step) -> Row:
        """Run a step and keep nothing of it."""
        return await self._step(BenchSetup(self._core), step, None)

    async def _step(self, setup: BenchSetup, step: Step, folder: CalibrationFolder | None) -> Row:
        counts, passes = self._core.ledger.counts, self._core.ledger.passes
        before = (counts["frames"], counts["slow writes"], passes["calibration"], setup.now())
        began = time.perf_counter()
        with StepWatch(step.name, folder, setup.now) as watch:
            try:
                outcome = await step.run(setup, self._calibration.knowledge, watch)
                await self._core.check_beside()  # before what was found is believed
            except (NotPossibleError, NotImplementedError) as error:
                return _skipped(step.name, str(error))
            except (InstrumentError, BenchError):
                if folder is not None and self._core.doubtful_since is not None:
                    folder.forget_since(step.name, self._core.doubtful_since)
                raise
        if folder is not None:
            folder.finish(step.name, outcome.raw)
        after = (counts["frames"], counts["slow writes"], passes["calibration"], setup.now())
        frames, writes, samples, seconds = (b - a for a, b in zip(before, after, strict=True))
        return {
            "name": step.name,
            "state": "passed" if outcome.passed else "failed",
            "created": _now(),
            "bench_seconds": round(float(seconds), 6),
            "wall_seconds": round(time.perf_counter() - began, 3),
            "frames": int(frames),
            "samples": int(samples),
            "writes": int(writes),
            "resumed_sweeps": watch.resumed,
            **_found(outcome),
        }

    def write(self, setup: BenchSetup, *, complete: bool) -> None:
        """Write the record as it stands."""
        document = record_document(
            self._calibration.knowledge,
            bench=bench_table(self._core),
            created=_now(),
            method=self._calibration.method,
            code_version=versions()["hil-photonics"],
            serials=setup.serials,
            steps=self._calibration.steps,
            complete=complete,
            bench_time=setup.now(),
        )
        write_record(self._folder.record, document)


def _found(outcome: Outcome) -> Row:
    gates = [
        {
            "name": gate.name,
            "value": float(gate.value) if math.isfinite(gate.value) else None,
            "limit": float(gate.limit),
            "unit": gate.unit,
            "least": gate.least,
            "passed": gate.passed,
        }
        for gate in outcome.gates
    ]
    return {"gates": gates, "faults": list(outcome.faults), "notes": list(outcome.notes)}


def _skipped(name: str, why: str) -> Row:
    return {
        "name": name,
        "state": "skipped",
        "created": _now(),
        "gates": [],
        "faults": [],
        "notes": [why],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
