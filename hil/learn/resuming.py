"""Keeping a run so that it can be gone on with, and going on with it.

What a resumed run needs stands in its checkpoints: the state of the trainer with all that belongs
to it (network, optimiser, random generators, twin, refit, watch), and what was spent. Checkpoints
of single steps leave out the covariance of the refit and its replay: those of the last epoch serve.
"""

from __future__ import annotations

import time
from typing import Any

from hil.bench.opening import OpenBench
from hil.control.ledger import Ledger
from hil.learn.cusum import ElementRule, ElementSums, ResidualCusum, Rule
from hil.learn.health import Health
from hil.learn.ladder import Action
from hil.learn.loop import Trainer
from hil.learn.reference import Look
from hil.learn.sums import Sums
from hil.learn.trust import Event
from hil.record.checkpoints import EPOCH, STEP, Checkpoint, Checkpoints, read_checkpoints
from hil.record.folder import RunFolder, RunFolderError
from hil.record.state import StateError, give, take
from hil.twin.bank_filter import Innovation
from hil.twin.replay import Remembered

#: Classes of which a checkpoint may make objects.
VALUES = (
    Action,
    ElementRule,
    ElementSums,
    Event,
    Health,
    Innovation,
    Look,
    Remembered,
    ResidualCusum,
    Rule,
    Sums,
)


class CheckpointKeeper:
    """Keeps a trainer's state in a run folder. stage : which of a method's trainers it is."""

    def __init__(self, checkpoints: Checkpoints, bench: OpenBench, stage: int) -> None:
        self._checkpoints = checkpoints
        self._bench = bench
        self._stage = stage

    def step(self, trainer: Trainer) -> None:
        """After a step."""
        self._put(STEP, trainer, heavy=False)

    def epoch(self, trainer: Trainer) -> None:
        """After an epoch."""
        self._put(EPOCH, trainer, heavy=True)

    def _put(self, name: str, trainer: Trainer, *, heavy: bool) -> None:
        notes: dict[str, Any] = {
            "stage": self._stage,
            "number": trainer.position.number,
            # An epoch's end comes after its last step.
            "epochs": trainer.position.reports,
            "bench_time": self._bench.now(),
            "wall_time": time.time(),
            "ledger": self._bench.ledger_table(),
            "machine": trainer.machine.ledger.table(),
        }
        self._checkpoints.put(name, Checkpoint(take(trainer, heavy=heavy), notes))


class LeftOff:
    """Where a run was left.

    Attributes
    ----------
    stage : of the method; number : of the last step; epochs : of this stage that were reported;
    bench_time : s, when it was left; ledger : what had been spent; machine : the same of the
    machine that was trained on, a twin or the bench.
    """

    def __init__(self, folder: RunFolder) -> None:
        """Read a run's checkpoints.

        Raises
        ------
        RunFolderError
            Where there are none, or they are damaged.
        """
        found = read_checkpoints(folder)
        self._folder = folder
        self._states = [one for one in found if one.notes["stage"] == found[-1].notes["stage"]]
        notes = max((one.notes for one in self._states), key=_order)
        self._states.sort(key=lambda one: _order(one.notes))
        self.stage: int = notes["stage"]
        self.number: int = notes["number"]
        self.epochs: int = notes["epochs"]
        self.bench_time: float = notes["bench_time"]
        self._wall_time: float = notes["wall_time"]
        self.ledger: dict[str, Any] = notes["ledger"]
        self.machine: dict[str, Any] = notes.get("machine", Ledger(lambda: 0.0).table())

    def bench_time_now(self, *, simulated: bool) -> float:
        """Bench time to go on at, s: for a real bench time has gone on, for a simulated one not."""
        return self.bench_time + (0.0 if simulated else max(time.time() - self._wall_time, 0.0))

    def put(self, trainer: Trainer) -> None:
        """Put a fresh trainer of that stage where the run was left.

        Raises
        ------
        RunFolderError
            Where the checkpoint is not of this program.
        """
        try:
            for one in self._states:
                give(trainer, one.state, VALUES)
        except (StateError, RuntimeError, TypeError, ValueError) as error:
            raise RunFolderError(
                f"the checkpoint of {self._folder.path} does not fit this program: {error}; "
                "start a new run"
            ) from error


def _order(notes: Any) -> tuple[int, int]:
    return notes["epochs"], notes["number"]
