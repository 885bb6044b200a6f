"""The drift watch: reference inputs now and then, alarms, and what is done about them.

Every `every` batches the reference inputs pass each bank at the levels that training holds just
then, and what they read is compared with what the twin, as it was at the look before, expects. So
the watch does not see the training's own moves, but all that the bench has done since, whether the
refit has followed it already or not: everything together, what is new of it (`novelty`), and each
element beside the others (`sums`). An alarm is diagnosed (`diagnosis`). Where the twin as it is now
is wrong, it is mended (`mending`).

At long intervals the health setting, the one that training began with, is visited as well: its
reading against its own recording tells how far the bench itself has moved, whatever the twin did.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isnan
from typing import Any, ClassVar

from torch import Tensor

from hil.control.machine import Machine
from hil.control.schedule import Schedule
from hil.learn.actions import Actions, Compute, Recalibrate, Refitter
from hil.learn.cusum import Floats
from hil.learn.diagnosis import Diagnosis
from hil.learn.health import Health
from hil.learn.ladder import Ladder
from hil.learn.limits import Limits
from hil.learn.mending import Mending, Occasion
from hil.learn.novelty import REMEMBERED
from hil.learn.reference import Look
from hil.learn.sight import Sight
from hil.learn.sums import Heights, Sums
from hil.learn.trust import Event, WatchSettings
from hil.twin.machine import Twin
from hil.twin.parameters import TwinParameters, copy_parameters
from hil.twin.protocol import SlotTwin

#: Share of a look's samples that must be usable for it to be judged.
ENOUGH_SEEN = 0.5


@dataclass
class DriftWatch:
    """Watches a machine that is being trained on.

    Attributes
    ----------
    machine : holds the levels of the last batch when `after_batch` is called.
    refit : told of every repair; None for a twin that may not change: then alarms are only told.
    events : what happened, in order. alarms : how many. walked : rad a batch that elements walk, by
    the largest change of the health setting; None before it was visited.
    noise : rms read noise, signal units, as the first look found it.
    """

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = (
        "events",
        "alarms",
        "noise",
        "walked",
        "_mending",
        "ladder",
        "_before",
        "_earlier",
        "_sums",
        "_health",
        "_begun",
        "_suspicion",
        "_next_health",
    )

    machine: Machine
    schedule: Schedule
    twin: SlotTwin
    limits: Limits
    settings: WatchSettings
    compute: Compute
    refit: Refitter | None = None
    recalibrate: Recalibrate | None = None
    events: list[Event] = field(default_factory=list)
    alarms: int = 0
    noise: float = float("nan")
    walked: float | None = None

    def __post_init__(self) -> None:
        self.ladder = Ladder(self.settings)
        self._sight = Sight(self.machine, self.schedule, self.twin, self.compute)
        actions = Actions(
            self.machine, self._sight.inputs, self.twin, self.limits, self.compute, self.recalibrate
        )
        self._mending = Mending(
            self._sight, self.settings, self.ladder, actions, self.refit, self.tell
        )
        #: Batch of the last look, and the sums after it.
        self.looked: tuple[int, Heights] | None = None
        self._before = copy_parameters(self.twin.parameters)
        self._earlier: list[tuple[Look, Tensor]] = []
        self._sums: Sums | None = None
        self._health: Health | None = None
        self._begun = 0
        self._suspicion = ""
        self._next_health = self.settings.health

    @property
    def adopted(self) -> int:
        """How often the twin was given other parameters."""
        return self._mending.adopted

    def adopt(self, parameters: TwinParameters) -> None:
        """Give the twin parameters, and its refit too."""
        self._mending.adopt(parameters)
        self._before = copy_parameters(parameters)

    @property
    def ratio(self) -> float:
        """r^2 of the last look: its mean square residual over what was expected."""
        return float("nan") if self._sums is None else self._sums.ratio

    def sums_at(self, batch: int) -> Heights | None:
        """The sums after the look at a batch; None where it did not look."""
        return self.looked[1] if self.looked is not None and self.looked[0] == batch else None

    def suspect(self, why: str) -> None:
        """Treat the next batch as an alarm, for a reason found elsewhere."""
        self._suspicion = why

    async def after_batch(self, batch: int, powers: Tensor) -> bool:
        """Look, if due, after batch number `batch` (from 1) was measured at `powers`.

        Returns
        -------
        Whether a repair of the twin has come to its end.
        """
        settings = self.settings
        if not settings.every:
            return False
        if batch % settings.every and not self._suspicion:
            return False
        changed = await self._judge(batch, powers, await self._sight.look())
        if settings.health and batch >= self._next_health and self._health is not None:
            self._next_health = batch + settings.health
            await self._visit_health(batch, powers, self._health)
        return changed

    async def _judge(self, batch: int, powers: Tensor, seen: Look) -> bool:
        share = float(seen.usable.double().mean())
        if share < ENOUGH_SEEN:
            self.tell(
                batch,
                "look",
                f"of no use: {1.0 - share:.0%} of the reference samples clipped or lost",
                usable=share,
            )
            return False
        # At the first look there is none before: the twin as it is.
        first = self._sums is None
        before = self.twin.parameters if first else self._before
        self._before = copy_parameters(self.twin.parameters)
        found = await self._sight.view(seen, powers, before, self._earlier)
        if first:
            self._begun = batch
            await self._begin(powers, seen, found.scores)
        assert self._sums is not None
        expected, why = self._sums.expected, self._suspicion
        alarm = self._sums.update(found, first=first)
        self.looked = batch, self._sums.heights
        self._suspicion = ""
        if not (alarm or why):
            self._earlier = [*self._earlier, (seen, powers.clone())][-REMEMBERED:]
            return False
        earlier, self._earlier = self._earlier, [(seen, powers.clone())]
        diagnosis = await self._sight.diagnose(found, powers, expected, before)
        self._sums.restart()
        if alarm:
            self.alarms += 1
        self._tell_alarm(batch, why or alarm.text(found), diagnosis)
        if self.refit is None:
            self._sums.accept(found)
            return False
        left = await self._sight.view(seen, powers, self.twin.parameters, earlier)
        if not why and alarm.followed(left, expected):
            told = f"none: the refit has followed, residual {left.whole**0.5:.4f}"
            self.tell(batch, "action", told, action="followed", after=left.whole**0.5)
            return False
        now = Occasion(batch, powers, self._sums, self.noise)
        adopted = self.adopted
        ended = await self._mending.act(now, seen, left, expected)
        if self.adopted != adopted:
            self._before = copy_parameters(self.twin.parameters)
        return ended

    def _tell_alarm(self, batch: int, why: str, found: Diagnosis) -> None:
        assert self._sums is not None
        self.tell(
            batch,
            "alarm",
            f"{why}: {found.text()}",
            ratio=self.ratio,
            ratio_new=float(self._sums.new.ratio),
            score=None if isnan(found.score) else found.score,
            cause=found.kind,
            share=found.share,
            bank=found.worst[0],
            element=found.worst[1],
            moved=found.moved,
        )

    async def _begin(self, powers: Tensor, seen: Look, scores: Floats | None) -> None:
        """The first look is taken twice: its difference is the noise, its mean the recording."""
        again = await self._sight.look()
        both = seen.usable & again.usable
        noise2 = (seen.measured - again.measured).square()[both].mean() / 2
        # A bench without noise still has converters: something must be expected of it.
        self.noise = max(float(noise2.nan_to_num().sqrt()), 1e-5)
        # Sums of single rings alarm falsely 26 times in 10^4 batches (docs/drift.md): as training
        # takes rings over the tops of their resonances, errors of the twin look like steps.
        shape = None if scores is None or not isinstance(self.twin, Twin) else scores.shape
        self._sums = Sums.begin(self.settings, self.noise**2, shape)
        self._health = Health(powers.clone(), 0.5 * (seen.measured + again.measured))

    async def _visit_health(self, batch: int, powers: Tensor, health: Health) -> None:
        twin = self.twin
        try:
            await self.machine.program(health.setting.numpy() * twin.p_pi)
            seen = await self._sight.look()
        finally:
            await self.machine.program(powers.numpy() * twin.p_pi)
        moved, residual = await self.compute(lambda: health.moved(twin, seen, self.noise))
        walk = moved / max(batch - self._begun, 1) ** 0.5
        self.walked = max(walk, 0.0 if self.walked is None else self.walked)
        self.tell(
            batch,
            "health",
            f"elements have moved by {moved:.3f} rms since the first batches; twin residual there "
            f"{residual:.4f}",
            moved=moved,
            residual=residual,
        )

    def tell(self, batch: int, kind: str, text: str, **data: Any) -> None:
        """Enter an event."""
        self.events.append(Event(batch, self.machine.now(), kind, text, data))
