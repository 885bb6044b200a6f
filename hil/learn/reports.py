"""What training reports as it goes on, and to whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor

from hil.control.trace import Floats, Trace
from hil.learn.network import Network
from hil.learn.sums import Heights
from hil.learn.trust import Event
from hil.twin.protocol import SlotTwin


@dataclass(frozen=True)
class StepReport:
    """What is known after a batch was measured and learnt from.

    number : from 1 over the run; epoch from 1; index : of the batch in its epoch, from 0, of
    `batches`. loss, accuracy : of the batch. clamped : levels of this step that were.
    residual : of the twin over one slot, signal units, or None. powers : (n_banks, elements) in
    p_pi, at which `trace` was measured; measured_on : `bench` or `twin`. events : of watch and
    gate, since the step before. believed : (samples, slots, ports) of the batch's first samples,
    by the twin before it was refitted to them; None where it was not asked. sums : of the drift
    watch, where it looked.
    """

    number: int
    epoch: int
    index: int
    batches: int
    loss: float
    accuracy: float
    clamped: int
    residual: float | None
    powers: Tensor
    trace: Trace
    measured_on: str
    events: Sequence[Event] = ()
    believed: Floats | None = None
    sums: Heights | None = None


@dataclass(frozen=True)
class EpochReport:
    """What is known after an epoch.

    bench_time : of the bench's clock, which goes on from a calibration; bench_seconds : spent by
    the run so far. alarms : of the drift watch, over the run; events : of watch and gate, in this
    epoch.
    """

    epoch: int
    epochs: int
    loss: float
    train_accuracy: float
    held_out_accuracy: float
    measured_on: str
    residual: float | None
    fallbacks: int
    clamped: int
    bench_time: float
    bench_seconds: float = 0.0
    alarms: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def as_row(self) -> dict[str, Any]:
        """Plain data for the metrics file."""
        return dict(vars(self))


class Watcher(Protocol):
    """Told of progress; must return at once."""

    def step(self, report: StepReport) -> None:
        """After each batch."""
        ...

    def epoch(self, report: EpochReport, network: Network, twin: SlotTwin) -> None:
        """After each epoch."""
        ...
