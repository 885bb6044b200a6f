"""How well it learns: loss and accuracy over the steps, epochs, and the references beside them."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from hil.monitor.state.part import LARGEST_STEP, MOST_NAMES, Facts, Refused, numbers, sane
from hil.monitor.state.trail import Trail
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import Baselines, EpochEnded, RunEnded, RunResumed, Step


class Learning:
    """Loss, accuracy and the twin's residual over steps.

    Attributes
    ----------
    steps : trail of (loss in nat, accuracy). residual : of the twin, signal units.
    epochs : trail over the step at an epoch's end of (held-out accuracy, loss). baselines :
    accuracy by reference. tested : accuracy on the test items, at the end.
    """

    TAKES: ClassVar[tuple[type[Event], ...]] = (
        Step,
        EpochEnded,
        Baselines,
        RunResumed,
        RunEnded,
    )

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.steps, self.residual, self.seconds = Trail(2), Trail(), Trail()
        self.epochs = Trail(2, most=1024)
        self.baselines: dict[str, float] = {}
        self.tested: float | None = None
        self.last: Step | None = None
        self.last_epoch: EpochEnded | None = None
        self.clamped = 0

    def take(self, stamped: Stamped) -> None:
        """Fold an event in."""
        match stamped.event:
            case Step() as step:
                self._step(step)
            case EpochEnded() as epoch:
                reached = np.array([sane(epoch.held_out_accuracy), sane(epoch.loss)])
                self.epochs.add(self._ended_at(epoch), reached)
                self.last_epoch = epoch
            case Baselines(accuracy=accuracy):
                self.baselines = numbers(accuracy, MOST_NAMES // 4)
            case RunResumed(step=step):
                self._facts.step = max(step, 0)
                for trail in (self.steps, self.residual, self.seconds, self.epochs):
                    trail.cut(step)
            case RunEnded(accuracy=accuracy):
                self.tested = None if accuracy is None else sane(accuracy)
            case _:
                pass

    def _ended_at(self, epoch: EpochEnded) -> int:
        """The step at which an epoch ended; who came late has been told of epochs, not of steps."""
        started = self._facts.started
        if self.last is not None or started is None:
            return self._facts.step
        if not 0 < epoch.epoch * started.batches < LARGEST_STEP:
            raise Refused(f"epoch {epoch.epoch} is none")
        return epoch.epoch * started.batches

    def _step(self, step: Step) -> None:
        if not 0 < step.step < LARGEST_STEP:
            raise Refused(f"step {step.step} is none")
        self._facts.step = step.step
        self.last = step
        self.clamped += step.clamped
        self.steps.add(step.step, np.array([sane(step.loss), sane(step.accuracy)]))
        self.seconds.add(step.step, sane(step.seconds))
        if not math.isnan(residual := sane(step.residual)):
            self.residual.add(step.step, residual)
