"""Which action an alarm leads to: the mildest that fits its cause, or the next if one failed.

Bounded: an action has a cool-down, each may be taken so many times in a run, and a further alarm
soon after an action asks for more than that action. Beyond the last there is nothing: the present
state is taken for normal, and the run says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from hil.learn.diagnosis import COMMON, ELEMENT, PORTS, Diagnosis
from hil.learn.trust import WatchSettings


class Action(StrEnum):
    """Actions, from the mildest to the most expensive."""

    REZERO = "re-zero"
    """Gains, offsets, and the numbers that are one for all."""
    REFIT = "refit"
    """The place of every element, from one look; the refit is told to doubt them."""
    RESWEEP = "re-sweep"
    """A short sweep of one element; only where one stands out."""
    RECALIBRATE = "full calibration"
    """The place of every element, from random settings of all of them."""


ACTIONS = tuple(Action)


def mildest(found: Diagnosis) -> Action:
    """The first action for a cause."""
    if found.kind in (COMMON, PORTS):
        return Action.REZERO
    return Action.RESWEEP if found.kind == ELEMENT else Action.REFIT


@dataclass
class Ladder:
    """Remembers what was done.

    taken : how often, by action; last, last_batch : the action taken last, and when.
    """

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = ("taken", "last", "last_batch")

    settings: WatchSettings
    taken: dict[Action, int] = field(default_factory=lambda: dict.fromkeys(ACTIONS, 0))
    last: Action | None = None
    last_batch: int = 0

    def cooling(self, batch: int) -> bool:
        """Whether it is too early for another action."""
        return self.last is not None and batch - self.last_batch < self.settings.cool_down

    def choose(self, found: Diagnosis, batch: int) -> Action | None:
        """The action for a cause at a batch, or None when there is none left."""
        rung = ACTIONS.index(mildest(found))
        if self.last is not None and batch - self.last_batch <= self.settings.memory:
            rung = max(rung, ACTIONS.index(self.last) + 1)
        action = self._free(rung)
        if action is Action.RESWEEP and found.kind != ELEMENT:
            # Where no element stands out, the place of one is not what is wrong.
            return self.next_free(action)
        return action

    def next_free(self, action: Action) -> Action | None:
        """The action beyond one, of those that may still be taken."""
        return self._free(ACTIONS.index(action) + 1)

    def _free(self, rung: int) -> Action | None:
        for action, most in list(zip(ACTIONS, self.settings.most, strict=True))[rung:]:
            if self.taken[action] < most:
                return action
        return None

    def took(self, action: Action, batch: int) -> None:
        """Enter an action."""
        self.taken[action] += 1
        self.last, self.last_batch = action, batch
