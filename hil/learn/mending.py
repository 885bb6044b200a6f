"""What is done about an alarm: the mildest action that fits, believed only if a fresh look says so.

An action (`ladder`, `actions`) proposes new parameters of the twin. They are adopted if they
predict a look that was not used to find them better than the old ones do. Where nothing is left to
be tried, what is seen is taken for normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from torch import Tensor

from hil.learn.actions import STEP_SIGMA, Actions, Proposal, Refitter
from hil.learn.diagnosis import Diagnosis
from hil.learn.ladder import Action, Ladder
from hil.learn.reference import Look
from hil.learn.sight import Sight
from hil.learn.sums import Expected, Sums, View
from hil.learn.trust import WatchSettings
from hil.twin.parameters import TwinParameters


class Tell(Protocol):
    """Enters an event."""

    def __call__(self, batch: int, kind: str, text: str, **data: Any) -> None:
        """After batch number `batch`."""
        ...


@dataclass(frozen=True)
class Occasion:
    """When something is wrong, and what is usual.

    batch : its number. powers : (n_banks, elements) in units of p_pi. sums : of the looks.
    noise : rms read noise, signal units.
    """

    batch: int
    powers: Tensor
    sums: Sums
    noise: float


@dataclass
class Mending:
    """Puts a twin right again.

    refit : told of every repair; None: it is not. adopted : how often the twin was given other
    parameters.
    """

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = ("adopted",)

    sight: Sight
    settings: WatchSettings
    ladder: Ladder
    actions: Actions
    refit: Refitter | None
    tell: Tell
    adopted: int = 0

    async def act(self, now: Occasion, seen: Look, left: View, expected: Expected) -> bool:
        """Take the mildest action for what is still wrong (`left`), the refit having followed.

        Returns
        -------
        Whether a repair has come to its end.
        """
        if self.ladder.cooling(now.batch):
            self.tell(now.batch, "action", "none: the last one is given time", action="wait")
            return False
        found = await self.sight.diagnose(left, now.powers, expected, self.sight.twin.parameters)
        action = self.ladder.choose(found, now.batch)
        if action is None:
            await self._give_up(now)
            return False
        return await self._take(action, now, seen, found)

    def adopt(self, parameters: TwinParameters) -> None:
        """Give the twin parameters, and its refit too."""
        self.adopted += 1
        self.sight.twin.parameters = parameters
        if self.refit is not None:
            self.refit.adopt(parameters)

    async def _take(self, action: Action, now: Occasion, seen: Look, found: Diagnosis) -> bool:
        self.ladder.took(action, now.batch)
        proposal = await self.actions.propose(action, now.powers, seen, found, now.noise)
        if proposal.parameters is None:
            told = f"{action}: {proposal.note}"
            self.tell(now.batch, "action", told, action=str(action), adopted=False)
            await self._give_up(now)
            return False
        fresh = await self.sight.look()
        after = await self._believe(action, now, fresh, proposal)
        beyond = after**2 > self.settings.rule.limit * now.sums.expected.whole
        if action is Action.REZERO and beyond and self.ladder.next_free(action) is Action.REFIT:
            # What is left would alarm again at once, and the next action costs the bench nothing.
            return await self._take(Action.REFIT, now, fresh, found)
        return True

    async def _believe(
        self, action: Action, now: Occasion, fresh: Look, proposal: Proposal
    ) -> float:
        """Adopt a proposal if it predicts a fresh look better; gives the rms misfit then."""
        assert proposal.parameters is not None
        before = await self.sight.misfit(fresh, now.powers, self.sight.twin.parameters)
        after = await self.sight.misfit(fresh, now.powers, proposal.parameters)
        adopted = after < before
        if adopted:
            self.adopt(proposal.parameters)
        doubt = getattr(self.refit, "reset_phases", None)
        if action is not Action.REZERO and doubt is not None:
            doubt(STEP_SIGMA)
        self.tell(
            now.batch,
            "action",
            f"{action}: {proposal.note}residual {before:.4f} -> {after:.4f}"
            + ("" if adopted else ", not believed"),
            action=str(action),
            before=before,
            after=after,
            adopted=adopted,
        )
        return min(after, before)

    async def _give_up(self, now: Occasion) -> None:
        """Nothing is left to be done: what is seen now is what is expected from now on."""
        seen = await self.sight.look()
        normal = await self.sight.view(seen, now.powers, self.sight.twin.parameters, [])
        now.sums.accept(normal)
        self.tell(
            now.batch,
            "action",
            f"none left: residual {normal.whole**0.5:.4f} is taken for normal",
            action="accept",
        )
