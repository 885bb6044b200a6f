"""What a run told, without what became void when it went on from a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hil.record.reading import all_events
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import (
    Believed,
    EpochEnded,
    Levels,
    RunResumed,
    Slots,
    Spent,
    Step,
    Watched,
)

#: Events of a step.
OF_STEPS = (Step, Levels, Slots, Believed, Watched)


def history(folder: Path, *kinds: type[Event]) -> Sequence[Stamped]:
    """Events of these kinds of a run (or all), in order; raises as `RunReader`.

    Where the run was gone on with, what it had told of steps and epochs after the checkpoint is
    left out: those were done again.
    """
    asked = {*kinds, RunResumed, EpochEnded} if kinds else set[type[Event]]()
    kept: list[Stamped] = []
    for stamped in all_events(folder, *asked):
        if isinstance(stamped.event, RunResumed):
            kept = _before(kept, stamped.event)
        kept.append(stamped)
    return [one for one in kept if not kinds or isinstance(one.event, kinds)]


def _before(told: list[Stamped], resumed: RunResumed) -> list[Stamped]:
    """What stays of events told before a run was resumed.

    Numbers begin anew in each stage of a method: only the end of the last one can be void.
    """
    kept: list[Stamped] = []
    ended = False
    pending: list[Stamped] = []
    for one in reversed(told):
        event = one.event
        if ended:
            kept.append(one)
        elif isinstance(event, Spent):
            pending.append(one)  # told with an epoch's end: it goes as that one does
        elif isinstance(event, EpochEnded):
            if event.epoch <= resumed.epochs:
                ended = True
                kept += [*pending, one]
            pending = []
        elif isinstance(event, OF_STEPS):
            if event.step <= resumed.step:
                ended = True
                kept.append(one)
        else:
            kept.append(one)
    return kept[::-1]
