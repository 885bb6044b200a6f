"""What each action does: it proposes new parameters of the twin, and may make the refit doubt.

`repairs` has the numerics of those that cost the bench nothing, `resweep` the sweep of an element;
the full calibration is the caller's (`hil.learn.recalibration` in a training job).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hil.control.machine import Machine
from hil.learn.diagnosis import Diagnosis, element_parameter
from hil.learn.ladder import Action
from hil.learn.limits import Limits
from hil.learn.reference import Look
from hil.learn.repairs import place_elements, rezero
from hil.learn.resweep import fit_place, resweep
from hil.twin.parameters import TwinParameters
from hil.twin.protocol import SlotTwin

#: How far an element may have gone in an alarm (rad, or half-widths).
STEP_SIGMA = 0.2


class Refitter(Protocol):
    """What keeps the twin true between alarms.

    residual : rms one-slot error of the last batch, before it was fitted. It may have
    `reset_phases(sigma)`, which makes it doubt all phases by sigma (rad).
    """

    residual: float

    def adopt(self, parameters: TwinParameters) -> None:
        """Go on from these parameters, and forget what was measured before."""
        ...


Compute = Callable[[Callable[[], Any]], Awaitable[Any]]


@dataclass(frozen=True)
class Proposal:
    """What an action makes of the twin. parameters : None where it could not be taken."""

    parameters: TwinParameters | None
    note: str = ""


#: Renews the twin's parameters by a calibration on the bench, which ends at the levels that it
#: found. The twin itself stays as it is.
Recalibrate = Callable[[SlotTwin], Awaitable[Proposal]]


@dataclass(frozen=True)
class Actions:
    """Takes actions on a bench that holds the levels of the last batch.

    inputs : reference inputs (samples, ports) in V_pi.
    """

    machine: Machine
    inputs: NDArray[np.float64]
    twin: SlotTwin
    limits: Limits
    compute: Compute
    recalibrate: Recalibrate | None

    async def propose(
        self, action: Action, powers: Tensor, seen: Look, found: Diagnosis, noise: float
    ) -> Proposal:
        """Take an action; levels end at powers (n_banks, elements), in p_pi.

        noise : rms read noise, signal units.
        """
        twin = self.twin
        match action:
            case Action.REZERO:
                return Proposal(await self.compute(lambda: rezero(twin, seen, powers, found)))
            case Action.REFIT:
                place = partial(place_elements, twin, seen, powers, STEP_SIGMA, noise)
                return Proposal(await self.compute(place))
            case Action.RESWEEP:
                return await self._resweep(powers, *found.worst)
            case _:
                return await self._recalibrate()

    async def _resweep(self, powers: Tensor, bank: int, element: int) -> Proposal:
        with self.machine.ledger.purpose("calibration"):
            settings, looks = await resweep(
                self.machine, self.inputs, self.twin, self.limits, powers, bank, element
            )
        by, share = await self.compute(lambda: fit_place(self.twin, settings, looks, bank, element))
        own = element_parameter(self.twin)
        place = self.twin.parameters[own].clone()
        place[bank, element] += by
        told = f"bank {bank}, element {element} by {by:+.3f} (explains {share:.0%}), "
        return Proposal({**self.twin.parameters, own: place}, told)

    async def _recalibrate(self) -> Proposal:
        if self.recalibrate is None:
            return Proposal(None, "not possible in this run")
        return await self.recalibrate(self.twin)
