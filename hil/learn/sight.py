"""What reference inputs show of a machine, beside what a twin of some parameters expects."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from hil.control.machine import Machine
from hil.control.schedule import Schedule
from hil.learn.actions import Compute
from hil.learn.cusum import Floats
from hil.learn.diagnosis import Diagnosis, believing, diagnose, look_scores
from hil.learn.novelty import what_is_new
from hil.learn.reference import Look, look, reference_inputs
from hil.learn.repairs import square
from hil.learn.sums import Expected, View
from hil.twin.parameters import TwinParameters
from hil.twin.protocol import SlotTwin

PURPOSE = "drift-watch"


@dataclass(frozen=True)
class Sight:
    """Looks at a machine; what is computed of a look runs in `compute`.

    inputs : (samples, ports) in V_pi. powers, in all methods: (n_banks, elements) in units of p_pi,
    at which a look was taken.
    """

    machine: Machine
    schedule: Schedule
    twin: SlotTwin
    compute: Compute
    inputs: Floats = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", reference_inputs(self.machine.ports))

    async def look(self) -> Look:
        """Pass the reference inputs through each bank at the levels that it holds."""
        with self.machine.ledger.purpose(PURPOSE):
            return await look(
                self.machine, self.inputs, self.schedule.n_banks, self.schedule.n_steps
            )

    async def misfit(self, seen: Look, powers: Tensor, parameters: TwinParameters) -> float:
        """Rms of what a look shows less what is expected, signal units."""
        whole = await self.compute(lambda: square(self.twin, seen, powers, parameters))
        return whole**0.5

    async def view(
        self,
        seen: Look,
        powers: Tensor,
        parameters: TwinParameters,
        earlier: list[tuple[Look, Tensor]],
    ) -> View:
        """What a look shows, of the whole and of what is new since earlier ones."""

        def view() -> View:
            with believing(self.twin, parameters):
                new = what_is_new(self.twin, seen, powers, earlier)
                return View(
                    square(self.twin, seen, powers, parameters),
                    square(self.twin, new, powers, parameters) if earlier else None,
                    look_scores(self.twin, new, powers),
                    new,
                )

        return await self.compute(view)

    async def diagnose(
        self, view: View, powers: Tensor, expected: Expected, parameters: TwinParameters
    ) -> Diagnosis:
        """What would explain a view best."""
        usual = expected.whole if view.new is None else expected.new

        def find() -> Diagnosis:
            with believing(self.twin, parameters):
                return diagnose(self.twin, view.look, powers, view.scores, usual)

        return await self.compute(find)
