"""The drift watch: reference inputs now and then, alarms, and what is done about them.

Every `every` batches the reference inputs pass each bank at the levels that training holds just
then, and what they read is compared with what the twin, as it was at the look before, expects. So
the watch does not see the training's own moves, but all that the bench has done since, whether the
refit has followed it already or not: everything together, what is new of it (`novelty`), and each
element beside the others (`sums`). An alarm is diagnosed (`diagnosis`). Where the twin as it is now
is wrong, the mildest fitting action is taken (`ladder`, `actions`): it proposes new parameters of
the twin, which are believed only if they predict a fresh look better than the old ones do.

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
from hil.learn.actions import STEP_SIGMA, Actions, Compute, Proposal, Recalibrate, Refitter
from hil.learn.cusum import Floats
from hil.learn.diagnosis import Diagnosis, believing, diagnose, look_scores
from hil.learn.health import Health
from hil.learn.ladder import Action, Ladder
from hil.learn.limits import Limits
from hil.learn.novelty import REMEMBERED, what_is_new
from hil.learn.reference import Look, look, reference_inputs
from hil.learn.repairs import square
from hil.learn.sums import Expected, Heights, Sums, View
from hil.learn.trust import Event, WatchSettings
from hil.twin.machine import Twin
from hil.twin.parameters import TwinParameters, copy_parameters
from hil.twin.protocol import SlotTwin

PURPOSE = "drift-watch"
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
    noise : rms read noise, signal units, as the first look found it. adopted : how often the twin
    was given other parameters.
    """

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = (
        "events",
        "alarms",
        "noise",
        "walked",
        "adopted",
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
    adopted: int = 0

    def __post_init__(self) -> None:
        self.ladder = Ladder(self.settings)
        self._inputs = reference_inputs(self.machine.ports)
        self._actions = Actions(
            self.machine, self._inputs, self.twin, self.limits, self.compute, self.recalibrate
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
        changed = await self._judge(batch, powers, await self._look())
        if settings.health and batch >= self._next_health and self._health is not None:
            self._next_health = batch + settings.health
            await self._visit_health(batch, powers, self._health)
        return changed

    async def _look(self) -> Look:
        with self.machine.ledger.purpose(PURPOSE):
            return await look(
                self.machine, self._inputs, self.schedule.n_banks, self.schedule.n_steps
            )

    async def _misfit(self, seen: Look, powers: Tensor, parameters: TwinParameters) -> float:
        return await self.compute(lambda: square(self.twin, seen, powers, parameters))

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
        before = self.twin.parameters if self._sums is None else self._before
        self._before = copy_parameters(self.twin.parameters)
        found = await self._view(seen, powers, before)
        if self._sums is None:
            self._begun = batch
            await self._begin(powers, seen, found.scores)
        assert self._sums is not None
        expected, why = self._sums.expected, self._suspicion
        alarm = self._sums.update(found)
        self.looked = batch, self._sums.heights
        self._suspicion = ""
        if not (alarm or why):
            self._earlier = [*self._earlier, (seen, powers.clone())][-REMEMBERED:]
            return False
        earlier, self._earlier = self._earlier, [(seen, powers.clone())]
        diagnosis = await self._diagnose(found, powers, expected, before)
        self._sums.restart()
        if alarm:
            self.alarms += 1
        self._tell_alarm(batch, why or alarm.text(found), diagnosis)
        if self.refit is None:
            self._sums.accept(found)
            return False
        left = await self._view(seen, powers, self.twin.parameters, earlier)
        if not why and alarm.followed(left, expected):
            told = f"none: the refit has followed, residual {left.whole**0.5:.4f}"
            self.tell(batch, "action", told, action="followed", after=left.whole**0.5)
            return False
        return await self._act(batch, powers, seen, left, expected)

    async def _view(
        self,
        seen: Look,
        powers: Tensor,
        parameters: TwinParameters,
        earlier: list[tuple[Look, Tensor]] | None = None,
    ) -> View:
        """What a look shows beside what a twin of these parameters expects."""
        looks = self._earlier if earlier is None else earlier

        def view() -> View:
            with believing(self.twin, parameters):
                new = what_is_new(self.twin, seen, powers, looks)
                return View(
                    square(self.twin, seen, powers, parameters),
                    square(self.twin, new, powers, parameters) if looks else None,
                    look_scores(self.twin, new, powers),
                    new,
                )

        return await self.compute(view)

    async def _diagnose(
        self, view: View, powers: Tensor, expected: Expected, parameters: TwinParameters
    ) -> Diagnosis:
        usual = expected.whole if view.new is None else expected.new

        def find() -> Diagnosis:
            with believing(self.twin, parameters):
                return diagnose(self.twin, view.look, powers, view.scores, usual)

        return await self.compute(find)

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
        again = await self._look()
        both = seen.usable & again.usable
        noise2 = (seen.measured - again.measured).square()[both].mean() / 2
        # A bench without noise still has converters: something must be expected of it.
        self.noise = max(float(noise2.nan_to_num().sqrt()), 1e-5)
        # Sums of single rings alarm falsely 26 times in 10^4 batches (docs/drift.md): as training
        # takes rings over the tops of their resonances, errors of the twin look like steps.
        shape = None if scores is None or not isinstance(self.twin, Twin) else scores.shape
        self._sums = Sums.begin(self.settings, self.noise**2, shape)
        self._health = Health(powers.clone(), 0.5 * (seen.measured + again.measured))

    async def _act(
        self, batch: int, powers: Tensor, seen: Look, left: View, expected: Expected
    ) -> bool:
        """Take the mildest action for what is still wrong (`left`), the refit having followed."""
        if self.ladder.cooling(batch):
            self.tell(batch, "action", "none: the last one is given time", action="wait")
            return False
        found = await self._diagnose(left, powers, expected, self.twin.parameters)
        action = self.ladder.choose(found, batch)
        if action is None:
            await self._give_up(batch, powers)
            return False
        return await self._take(action, batch, powers, seen, found)

    async def _take(
        self, action: Action, batch: int, powers: Tensor, seen: Look, found: Diagnosis
    ) -> bool:
        self.ladder.took(action, batch)
        proposal = await self._actions.propose(action, powers, seen, found, self.noise)
        if proposal.parameters is None:
            told = f"{action}: {proposal.note}"
            self.tell(batch, "action", told, action=str(action), adopted=False)
            await self._give_up(batch, powers)
            return False
        fresh = await self._look()
        after = await self._believe(action, batch, powers, fresh, proposal)
        assert self._sums is not None
        beyond = after**2 > self.settings.rule.limit * self._sums.expected.whole
        if action is Action.REZERO and beyond and self.ladder.next_free(action) is Action.REFIT:
            # What is left would alarm again at once, and the next action costs the bench nothing.
            return await self._take(Action.REFIT, batch, powers, fresh, found)
        return True

    async def _believe(
        self, action: Action, batch: int, powers: Tensor, fresh: Look, proposal: Proposal
    ) -> float:
        """Adopt a proposal if it predicts a fresh look better; gives the rms misfit then."""
        assert proposal.parameters is not None
        before = (await self._misfit(fresh, powers, self.twin.parameters)) ** 0.5
        after = (await self._misfit(fresh, powers, proposal.parameters)) ** 0.5
        adopted = after < before
        if adopted:
            self.adopt(proposal.parameters)
        doubt = getattr(self.refit, "reset_phases", None)
        if action is not Action.REZERO and doubt is not None:
            doubt(STEP_SIGMA)
        self.tell(
            batch,
            "action",
            f"{action}: {proposal.note}residual {before:.4f} -> {after:.4f}"
            + ("" if adopted else ", not believed"),
            action=str(action),
            before=before,
            after=after,
            adopted=adopted,
        )
        return min(after, before)

    def adopt(self, parameters: TwinParameters) -> None:
        """Give the twin parameters, and its refit too."""
        self.adopted += 1
        self.twin.parameters = parameters
        self._before = copy_parameters(parameters)
        if self.refit is not None:
            self.refit.adopt(parameters)

    async def _give_up(self, batch: int, powers: Tensor) -> None:
        """Nothing is left to be done: what is seen now is what is expected from now on."""
        now = await self._view(await self._look(), powers, self.twin.parameters)
        assert self._sums is not None
        self._sums.accept(now)
        self.tell(
            batch,
            "action",
            f"none left: residual {now.whole**0.5:.4f} is taken for normal",
            action="accept",
        )

    async def _visit_health(self, batch: int, powers: Tensor, health: Health) -> None:
        twin = self.twin
        try:
            await self.machine.program(health.setting.numpy() * twin.p_pi)
            seen = await self._look()
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
