"""One of the two sequence memories, and what it says comes after it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from .program import OutputState, Program


class NextAction(IntEnum):
    """What follows a slot that has been played."""

    STOP = 0
    SWITCH_SLOT = 1
    SWITCH_SLOT_EXPECT_NEW_DATA = 2
    REPEAT_SLOT = 3


class When(IntEnum):
    """When it follows."""

    IMMEDIATE = 0
    TRIGGER = 1


class OnNoData(IntEnum):
    """What is done while the data expected are not there."""

    ERROR = 0
    WAIT_IDLING = 1
    WAIT_REPEATING = 2


@dataclass
class Slot:
    """One of the two sequence memories. `fresh` until it has been played."""

    program: Program
    runs: int
    final: OutputState
    next_action: NextAction = NextAction.STOP
    when: When = When.IMMEDIATE
    on_no_data: OnNoData = OnNoData.ERROR
    fresh: bool = True

    @property
    def endless(self) -> bool:
        """Whether it goes on by itself for ever, with what is in the memories."""
        return self.when is When.IMMEDIATE and self.next_action in (
            NextAction.REPEAT_SLOT,
            NextAction.SWITCH_SLOT,
        )
