"""Planned bench time: what a training step and an epoch will cost, from declared link models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hil.control.bench_roles import BenchRoles
from hil.control.frame import HEADER, TAIL
from hil.control.schedule import Schedule


@dataclass(frozen=True)
class StepPlan:
    """Planned seconds of bench time of one training step, by ledger category."""

    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Seconds in all."""
        return sum(self.seconds.values())

    def text(self, batches: int, validation: float) -> str:
        """The plan in a few lines, for an epoch of `batches` steps and `validation` s of passes."""
        parts = ", ".join(f"{1e3 * s:.3g} ms {name}" for name, s in self.seconds.items())
        epoch = batches * self.total + validation
        return (
            f"planned bench time: {1e3 * self.total:.3g} ms a step ({parts})\n"
            f"                    {epoch:.3g} s an epoch of {batches} steps and its validation"
        )


def planned_write(parts: BenchRoles, changed: Sequence[int]) -> float:
    """Seconds to write so many channels of each bank (n_banks,), all banks at once."""
    each = zip(parts.banks, changed, strict=True)
    return max(bank.planned_write(count) for bank, count in each)


def planned_frame(
    parts: BenchRoles, samples: int, pending: float = 0.0
) -> Iterator[tuple[str, float]]:
    """Ledger categories and seconds of one frame.

    `pending` s of writing and settling began with it: they overlap with its upload.
    """
    form = parts.form
    points = form.points_needed(samples)
    whole = HEADER + samples + TAIL
    lines = form.lines(0, samples)
    upload = max(parts.source.planned_load(whole), parts.switch.planned_load(len(lines.masks)))
    arm = max(parts.source.planned_arm(), parts.readout.planned_arm(points))
    yield "write", pending
    yield "upload", max(0.0, upload - pending)
    yield "arm", max(0.0, arm - max(0.0, pending - upload))
    yield "run", parts.switch.planned_start()
    yield "fetch", parts.readout.planned_fetch(points)


def plan_step(parts: BenchRoles, schedule: Schedule, batch: int, settle: float) -> StepPlan:
    """One training step: every channel written, then a frame (or more) for each slot.

    Writing overlaps with the upload of the first frame.
    """
    pending = planned_write(parts, [bank.elements for bank in parts.banks]) + settle
    seconds: dict[str, float] = {}
    most = parts.form.most_samples
    for _ in range(schedule.n_steps):
        for first in range(0, batch, most):
            for category, cost in planned_frame(parts, min(most, batch - first), pending):
                seconds[category] = seconds.get(category, 0.0) + cost
            pending = 0.0
    return StepPlan(seconds)


def plan_pass(parts: BenchRoles, schedule: Schedule, samples: int) -> float:
    """Seconds of a pass of `samples` samples at settings that are there already."""
    most = parts.form.most_samples
    one_slot = sum(
        cost
        for first in range(0, samples, most)
        for _, cost in planned_frame(parts, min(most, samples - first))
    )
    return schedule.n_steps * one_slot
