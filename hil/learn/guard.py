"""Drift watch and trust gate together, as the training loop calls them.

The gate checks the gradient on the bench every some hundred batches and after each repair. The twin
that passed last is remembered; one that fails is dropped for it, if that one's gradient predicts
what was measured, and is otherwise put right as after an alarm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import isnan
from typing import Any, ClassVar

from torch import Tensor

from hil.control.electronics import Electronics
from hil.control.machine import Machine
from hil.control.schedule import Schedule
from hil.learn.gate import Check, Verdict, measure_sides, sides
from hil.learn.limits import Limits
from hil.learn.trust import Event, GateSettings
from hil.learn.watch import DriftWatch
from hil.twin.parameters import TwinParameters, copy_parameters
from hil.twin.protocol import SlotTwin

#: Read noise of a sample, signal units, where the watch has not measured it.
USUAL_NOISE = 0.01


@dataclass(frozen=True)
class Batch:
    """A batch that was measured, as the gate needs it.

    powers : (n_banks, elements) it was measured at; electronics, readout : as they were then;
    inputs : (batch, n_steps, ports); labels : (batch,). gradient : of its loss with respect to the
    powers, by a twin of given parameters.
    """

    powers: Tensor
    electronics: Electronics
    readout: Tensor
    inputs: Any
    labels: Tensor
    gradient: Callable[[TwinParameters], Tensor]


@dataclass
class Guard:
    """Watches the bench and checks the twin while a network is trained."""

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = ("verdicts", "watch", "_good", "_repaired")

    machine: Machine
    schedule: Schedule
    twin: SlotTwin
    limits: Limits
    settings: GateSettings
    compute: Callable[[Callable[[], Any]], Awaitable[Any]]
    watch: DriftWatch
    verdicts: Counter[str] = field(default_factory=Counter)
    _good: TwinParameters | None = None
    _repaired: bool = False

    @property
    def events(self) -> list[Event]:
        """What happened, in order."""
        return self.watch.events

    async def measured(self, batch: int, powers: Tensor) -> None:
        """After batch number `batch` (from 1) was measured at `powers`, before it is learnt."""
        adopted = self.watch.adopted
        self._repaired |= await self.watch.after_batch(batch, powers)
        if self.watch.adopted != adopted:
            self._good = None  # of the bench as it was before

    def due(self, batch: int) -> bool:
        """Whether the gate is to check the gradient of this batch."""
        every = self.settings.every
        return bool(every) and (batch % every == 0 or self._repaired)

    async def learnt(self, number: int, batch: Batch) -> None:
        """Check the gradient of batch `number`, before new levels are written."""
        self._repaired = False
        gradient = await self.compute(lambda: batch.gradient(self.twin.parameters))
        up, down = sides(self.settings, self.limits, batch.powers, gradient)
        seen = await measure_sides(
            self.machine,
            self.schedule,
            batch.electronics,
            batch.inputs,
            up,
            down,
            self.twin.p_pi,
        )
        noise = self.watch.noise if self.watch.noise > 0.0 else USUAL_NOISE
        # Each slot adds noise; what it becomes of it on its way to the end is about of one size.
        gain = max(abs(float(g)) for g in batch.electronics.gain)
        noise *= gain * self.schedule.n_steps**0.5

        def judge(slope: Tensor) -> Check:
            return seen.judge(self.settings, slope, batch.readout, batch.labels, noise)

        check = judge(gradient)
        self.verdicts[str(check.verdict)] += 1
        text, data = f"{check.verdict}: ", {}
        if check.verdict is Verdict.PASSED:
            self._good = copy_parameters(self.twin.parameters)
        elif check.verdict is Verdict.FAILED:
            text, data = await self._fall_back(batch, judge)
        text += (
            f"loss changed by {check.measured:+.4f}, predicted {check.predicted:+.4f} "
            f"(+-{check.noise:.4f})"
        )
        self.watch.tell(
            number,
            "gate",
            text,
            verdict=str(check.verdict),
            measured=check.measured,
            predicted=check.predicted,
            noise=check.noise,
            **data,
        )

    async def _fall_back(
        self, batch: Batch, judge: Callable[[Tensor], Check]
    ) -> tuple[str, dict[str, Any]]:
        """After a failed check: the last good twin if it knows better, else as after an alarm."""
        good = self._good
        if self.watch.refit is None:
            return "failed: ", {"fallback": False}
        if good is not None:
            again = judge(await self.compute(lambda: batch.gradient(good)))
            if again.verdict is Verdict.PASSED:
                self.watch.adopt(copy_parameters(good))
                return "failed, back to the last good twin: ", {"fallback": True}
        self.watch.suspect("the gate failed")
        return "failed: ", {"fallback": False}

    def summary(self) -> dict[str, Any]:
        """Counts over the run and all events, for summary.json."""
        return {
            "alarms": self.watch.alarms,
            "actions": {str(k): n for k, n in self.watch.ladder.taken.items() if n},
            "gate": dict(self.verdicts),
            "read_noise": None if isnan(self.watch.noise) else self.watch.noise,
            "events": [event.as_row() for event in self.events],
        }
