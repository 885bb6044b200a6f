"""The drift watch: reference inputs now and then, alarms, and what is done about them.

Every `every` batches the reference inputs pass each bank at the levels that training holds just
then, and what they read is compared with what the twin expects. So the watch sees neither the
training's own moves nor drift that refitting follows, but steps, and drift that outruns it
(`cusum`). An alarm is diagnosed (`diagnosis`), and the mildest fitting action taken (`ladder`). An
action proposes new parameters of the twin; they are believed only if they predict a fresh look
better than the old ones do.

At long intervals the health setting, the one that training began with, is visited as well: its
reading against its own recording tells how far the bench itself has moved, whatever the twin did.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor

from hil.control.machine import Machine
from hil.control.schedule import Schedule
from hil.learn.cusum import ResidualCusum
from hil.learn.diagnosis import Diagnosis, diagnose, element_parameter, sensitivities
from hil.learn.ladder import Action, Ladder
from hil.learn.limits import Limits
from hil.learn.reference import Look, look, reference_inputs
from hil.learn.repairs import ElementUpdate, rezero, square
from hil.learn.resweep import fit_place, resweep
from hil.learn.trust import Event, WatchSettings
from hil.twin.parameters import TwinParameters
from hil.twin.protocol import SlotTwin

#: How far an element may have gone in an alarm (rad, or half-widths).
STEP_SIGMA = 0.2
#: By how much more, from one look of a refit to the next.
WALK = 0.01
PURPOSE = "drift-watch"


class Refitter(Protocol):
    """What keeps the twin true between alarms.

    It may have `reset_phases(sigma)`, which makes it doubt all phases by sigma (rad).
    """

    def adopt(self, parameters: TwinParameters) -> None:
        """Go on from these parameters, and forget what was measured before."""
        ...


#: Renews the twin's parameters by a calibration on the bench, or gives None where it cannot.
Recalibrate = Callable[[SlotTwin], Awaitable[TwinParameters | None]]


@dataclass
class DriftWatch:
    """Watches a machine that is being trained on.

    Attributes
    ----------
    machine : holds the levels of the last batch when `look_at` is called.
    refit : told of every repair; None for a twin that may not change: then alarms are only told.
    events : what happened, in order. alarms : how many.
    """

    machine: Machine
    schedule: Schedule
    twin: SlotTwin
    limits: Limits
    settings: WatchSettings
    compute: Callable[[Callable[[], Any]], Awaitable[Any]]
    refit: Refitter | None = None
    recalibrate: Recalibrate | None = None
    events: list[Event] = field(default_factory=list)
    alarms: int = 0
    noise: float = float("nan")

    def __post_init__(self) -> None:
        self.ladder = Ladder(self.settings)
        self._inputs = reference_inputs(self.machine.ports)
        self._cusum: ResidualCusum | None = None
        self._health: tuple[Tensor, Tensor] | None = None
        self._suspicion = ""
        self._following: ElementUpdate | None = None
        self._left = 0
        self._next_health = self.settings.health

    @property
    def ratio(self) -> float:
        """r^2 of the last look: its mean square residual over what was expected."""
        return float("nan") if self._cusum is None else float(self._cusum.ratio)

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
        if self._following is not None:
            return await self._follow(batch, powers, self._following)
        if settings.every and (batch % settings.every == 0 or self._suspicion):
            seen = await self._look()
            changed = await self._judge(batch, powers, seen)
            if settings.health and batch >= self._next_health:
                self._next_health = batch + settings.health
                await self._visit_health(batch, powers)
            return changed
        return False

    async def _follow(self, batch: int, powers: Tensor, update: ElementUpdate) -> bool:
        """One more look of a refit of the elements; tells whether it was the last."""
        seen = await self._look()
        before = await self.compute(lambda: square(self.twin, seen, powers, self.twin.parameters))
        self.adopt(await self.compute(lambda: update.step(seen, powers)))
        self._left -= 1
        if self._left > 0:
            return False
        self._following = None
        told = f"refit followed for {self.settings.follow} batches: residual {before**0.5:.4f}"
        self.tell(batch, "action", told, action="follow", before=before**0.5)
        return True

    async def _look(self) -> Look:
        with self.machine.ledger.purpose(PURPOSE):
            return await look(
                self.machine, self._inputs, self.schedule.n_banks, self.schedule.n_steps
            )

    async def _judge(self, batch: int, powers: Tensor, seen: Look) -> bool:
        now = await self.compute(lambda: square(self.twin, seen, powers, self.twin.parameters))
        if self._cusum is None:
            await self._begin(powers, seen)
        assert self._cusum is not None
        alarm, why = bool(self._cusum.update(now)), self._suspicion
        self._suspicion = ""
        if not (alarm or why):
            return False
        found: Diagnosis = await self.compute(lambda: diagnose(self.twin, seen, powers))
        self._cusum.restart()
        if alarm:
            self.alarms += 1
        self.tell(
            batch,
            "alarm",
            (why or f"r^2 {self.ratio:.3g}") + f": {found.text()}",
            ratio=self.ratio,
            cause=found.kind,
            share=found.share,
            bank=found.worst[0],
            element=found.worst[1],
            moved=found.moved,
        )
        if self.refit is None:
            return False
        return await self._act(batch, powers, seen, found)

    async def _begin(self, powers: Tensor, seen: Look) -> None:
        """The first look is taken twice: its difference is the noise, its mean the recording."""
        again = await self._look()
        both = seen.usable & again.usable
        noise2 = (seen.measured - again.measured).square()[both].mean() / 2
        # A bench without noise still has converters: something must be expected of it.
        self.noise = max(float(noise2.sqrt()), 1e-5)
        self._cusum = ResidualCusum(self.settings.rule, self.noise**2)
        self._health = (powers.clone(), 0.5 * (seen.measured + again.measured))

    async def _act(self, batch: int, powers: Tensor, seen: Look, found: Diagnosis) -> bool:
        if self.ladder.cooling(batch):
            self.tell(batch, "action", "none: the last one is given time", action="wait")
            return False
        action = self.ladder.choose(found, batch)
        if action is None:
            await self._give_up(batch, powers)
            return False
        return await self._take(action, batch, powers, seen, found)

    async def _take(
        self, action: Action, batch: int, powers: Tensor, seen: Look, found: Diagnosis
    ) -> bool:
        self.ladder.took(action, batch)
        proposed, note = await self._propose(action, powers, seen, found)
        if proposed is None:
            self.tell(batch, "action", f"{action}: {note}", action=str(action), adopted=False)
            await self._give_up(batch, powers)
            return False
        fresh = await self._look()
        before, after = await self.compute(
            lambda: tuple(
                square(self.twin, fresh, powers, q) ** 0.5 for q in (self.twin.parameters, proposed)
            )
        )
        adopted = after < before
        if adopted:
            self.adopt(proposed)
        doubt = getattr(self.refit, "reset_phases", None)
        if action is not Action.REZERO and doubt is not None:
            doubt(STEP_SIGMA)
        self.tell(
            batch,
            "action",
            f"{action}: {note}residual {before:.4f} -> {after:.4f}"
            + ("" if adopted else ", not believed"),
            action=str(action),
            before=before,
            after=after,
            adopted=adopted,
        )
        assert self._cusum is not None
        beyond = min(after, before) ** 2 > self._cusum.rule.limit * float(self._cusum.expected)
        if action is Action.REZERO and beyond and self.ladder.next_free(action) is Action.REFIT:
            # What is left would alarm again at once, and the next action costs the bench nothing.
            return await self._take(Action.REFIT, batch, powers, fresh, found)
        return adopted and self._following is None

    def adopt(self, parameters: TwinParameters) -> None:
        """Give the twin parameters, and its refit too."""
        self.twin.parameters = parameters
        if self.refit is not None:
            self.refit.adopt(parameters)

    async def _propose(
        self, action: Action, powers: Tensor, seen: Look, found: Diagnosis
    ) -> tuple[TwinParameters | None, str]:
        twin = self.twin
        match action:
            case Action.REZERO:
                return await self.compute(lambda: rezero(twin, seen, powers, found)), ""
            case Action.REFIT:
                update = ElementUpdate(twin, STEP_SIGMA, WALK, self.noise)
                self._following, self._left = update, self.settings.follow
                return await self.compute(lambda: update.step(seen, powers)), ""
            case Action.RESWEEP:
                return await self._resweep(powers, *found.worst)
            case _:
                renewed = None
                if self.recalibrate is not None:
                    renewed = await self.recalibrate(twin)
                    await self.machine.program(powers.numpy() * twin.p_pi)
                if renewed is None:
                    return None, "not possible in this run: python -m hil.calibrate run, then again"
                return renewed, ""

    async def _resweep(self, powers: Tensor, bank: int, element: int) -> tuple[TwinParameters, str]:
        with self.machine.ledger.purpose("calibration"):
            settings, looks = await resweep(
                self.machine, self._inputs, self.twin, self.limits, powers, bank, element
            )
        by, share = await self.compute(lambda: fit_place(self.twin, settings, looks, bank, element))
        own = element_parameter(self.twin)
        place = self.twin.parameters[own].clone()
        place[bank, element] += by
        told = f"bank {bank}, element {element} by {by:+.3f} (explains {share:.0%}), "
        return {**self.twin.parameters, own: place}, told

    async def _give_up(self, batch: int, powers: Tensor) -> None:
        """Nothing is left to be done: what is seen now is what is expected from now on."""
        fresh = await self._look()
        now = await self.compute(lambda: square(self.twin, fresh, powers, self.twin.parameters))
        assert self._cusum is not None
        self._cusum.accept(now)
        self.tell(
            batch,
            "action",
            f"none left: residual {now**0.5:.4f} is taken for normal",
            action="accept",
        )

    async def _visit_health(self, batch: int, powers: Tensor) -> None:
        assert self._health is not None
        setting, recorded = self._health
        twin = self.twin
        try:
            await self.machine.program(setting.numpy() * twin.p_pi)
            seen = await self._look()
        finally:
            await self.machine.program(powers.numpy() * twin.p_pi)

        def compare() -> tuple[float, float]:
            change = (seen.measured - recorded)[seen.usable].square().mean()
            # The recording is a mean of two looks.
            beyond = (change - 1.5 * self.noise**2).clamp_min(0.0)
            drive2 = twin.modulate(seen.sent).square().mean()
            each = (
                drive2 * sensitivities(twin, setting).square().sum() / (twin.n_banks * twin.ports)
            )
            return float((beyond / each).sqrt()), square(
                twin, seen, setting, twin.parameters
            ) ** 0.5

        moved, residual = await self.compute(compare)
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
