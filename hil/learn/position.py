"""Where training stands: which batches are done, and what they added up to in this epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from numpy.typing import NDArray


def batch_starts(items: int, batch: int) -> range:
    """First items of an epoch's batches; a rest of less than half a batch is left out."""
    size = min(batch, items)
    return range(0, items - size // 2, size)


@dataclass
class Position:
    """Where training stands.

    number : batches done over the run; epoch : the one under way, from 1; index : batches done of
    it; order : (items,) of its training items, or None before it has begun. losses, right, seen :
    of the batches done of it. clamped : levels, over the run; shown, told : events of the guard
    that were reported with steps, and with epochs; reports : epochs that were reported.
    """

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = (
        "number",
        "epoch",
        "index",
        "order",
        "losses",
        "right",
        "seen",
        "clamped",
        "shown",
        "told",
        "reports",
    )

    number: int = 0
    epoch: int = 1
    index: int = 0
    order: NDArray | None = None
    losses: list[float] = field(default_factory=list)
    right: int = 0
    seen: int = 0
    clamped: int = 0
    shown: int = 0
    told: int = 0
    reports: int = 0

    def counted(self, loss: float, right: int, seen: int, clamped: int) -> None:
        """A batch is done."""
        self.index += 1
        self.losses.append(loss)
        self.right += right
        self.seen += seen
        self.clamped += clamped

    def next_epoch(self) -> None:
        """An epoch is done."""
        self.epoch += 1
        self.index = self.right = self.seen = 0
        self.order, self.losses = None, []
        self.reports += 1
