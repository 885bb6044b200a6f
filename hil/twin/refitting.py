"""What training asks of a refit, and which refit a twin gets."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from hil.control.trace import Trace
from hil.twin.errors import RefitError
from hil.twin.layered import NEURAL, LayeredRefit
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


KINDS = ("layered", NEURAL, "adam")


#: Ports up to which banks are filtered: the work grows with their sixth power, some 35 ms a batch
#: of two banks at 16.
MOST_PORTS = 20


def check_kind(kind: str) -> str:
    """A kind of refit that there is, or RefitError."""
    if kind not in KINDS:
        raise RefitError(f"no kind of refit {kind!r}; there are {', '.join(KINDS)}")
    return kind


def kind_for(kind: str, *, mesh: bool, ports: int) -> str:
    """The kind that is had where `kind` is asked for.

    Microring banks, and meshes of more than `MOST_PORTS`, have `adam` for `layered`.

    Raises
    ------
    RefitError
        When there is no such kind, or none with a neural residual for them.
    """
    if check_kind(kind) == "adam" or (mesh and ports <= MOST_PORTS):
        return kind
    if kind == NEURAL:
        raise RefitError(
            f"{NEURAL} is for meshes of up to {MOST_PORTS} ports, and this bench is not one; "
            "leave --refit out"
        )
    return "adam"


def new_refit(twin: SlotTwin, settings: RefitSettings, seed: int) -> Refit:
    """The refit of `settings.kind`, or the one that such a twin has instead (`kind_for`)."""
    kind = kind_for(settings.kind, mesh=isinstance(twin, Twin), ports=twin.ports)
    if kind != "adam" and isinstance(twin, Twin):
        return LayeredRefit(twin, settings, seed, prior_sigma(twin))
    return OnlineRefit(twin, settings, seed)


def prior_sigma(twin: Twin) -> TwinParameters:
    """Standard uncertainty of each start value: the record's, where the twin has it."""
    return {
        name: twin.sigma.get(
            name, torch.tensor(PRIOR_SIGMA[name], dtype=torch.float64).expand_as(value)
        )
        for name, value in twin.prior.items()
    }
