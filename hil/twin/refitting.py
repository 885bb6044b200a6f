"""What training asks of a refit, and which refit a twin gets."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from hil.control.trace import Trace
from hil.twin.layered import LayeredRefit
from hil.twin.machine import Twin
from hil.twin.parameters import TwinParameters
from hil.twin.protocol import SlotTwin
from hil.twin.refit import PRIOR_SIGMA, OnlineRefit, RefitSettings


class Refit(Protocol):
    """Keeps a twin true to the bench from what each batch measured.

    residual : rms of believed minus measured over one slot of the last batch, before it was fitted;
    fallbacks : times the last good twin was gone back to.
    """

    residual: float
    fallbacks: int

    @property
    def drift(self) -> float:
        """How far a phase walks from one batch to the next, rad rms; 0 where it is not known."""
        ...

    def observe(self, powers: Tensor, trace: Trace) -> float:
        """Judge the twin on a trace measured at powers (n_banks, elements), then fit it."""
        ...

    def adopt(self, parameters: TwinParameters) -> None:
        """Go on from these parameters, and forget what was measured before."""
        ...


KINDS = ("adam", "layered")


class RefitError(ValueError):
    """A kind of refit that does not exist."""


#: Ports up to which phases are filtered: the work grows with their sixth power, 9 ms a batch of two
#: banks at 16, and a second at 36.
MOST_PORTS = 20


def check_kind(kind: str) -> str:
    """A kind of refit that there is, or RefitError."""
    if kind not in KINDS:
        raise RefitError(f"no kind of refit {kind!r}; there are {', '.join(KINDS)}")
    return kind


def new_refit(twin: SlotTwin, settings: RefitSettings, seed: int) -> Refit:
    """The refit of `settings.kind`.

    Twins of microring banks, and of meshes of more than `MOST_PORTS`, get `adam` whatever it is.

    Raises
    ------
    RefitError
        When there is no such kind, or when `adam` is asked for a neural residual.
    """
    check_kind(settings.kind)
    if settings.kind == "adam" and settings.neural is not None:
        raise RefitError("the refit adam has no neural residual; ask for layered")
    if settings.kind == "adam" or not isinstance(twin, Twin) or twin.ports > MOST_PORTS:
        return OnlineRefit(twin, settings, seed)
    return LayeredRefit(twin, settings, seed, prior_sigma(twin))


def prior_sigma(twin: Twin) -> TwinParameters:
    """Standard uncertainty of each start value: the record's, where the twin has it."""
    return {
        name: twin.sigma.get(
            name, torch.tensor(PRIOR_SIGMA[name], dtype=torch.float64).expand_as(value)
        )
        for name, value in twin.prior.items()
    }
