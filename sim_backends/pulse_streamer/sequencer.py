"""What plays from the two sequence memories: slots, start triggers, rearming.

Semantics after the vendor's client (pulsestreamer 2.1.2): `stream` loads one slot and arms; with
TriggerStart.IMMEDIATE it starts at once, else it waits for `startNow` or an edge at the trigger
input; with TriggerRearm.AUTO a finished sequence arms itself again. `upload` fills one of two
slots, each of which says what follows it. What an instrument does there is known by the words of
the client's enumerations only, and they are taken at their word.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum, IntEnum, auto
from typing import Protocol

from .program import FOREVER, OutputState, Playback, Program
from .slot import NextAction, OnNoData, Slot, When


class TriggerStart(IntEnum):
    """What starts an armed sequence."""

    IMMEDIATE = 0
    SOFTWARE = 1
    HARDWARE_RISING = 2
    HARDWARE_FALLING = 3
    HARDWARE_RISING_AND_FALLING = 4


class TriggerRearm(IntEnum):
    """Whether a finished sequence waits for its trigger again by itself."""

    AUTO = 0
    MANUAL = 1


class Mode(Enum):
    """What the sequencer is doing."""

    HELD = auto()
    LOADED = auto()
    """uploaded, and not started"""
    ARMED = auto()
    PLAYING = auto()
    BETWEEN = auto()
    """waiting for a trigger to go on to the next slot"""
    STARVED = auto()
    """waiting for data of the next slot"""
    FINISHED = auto()
    ERROR = auto()


class Lines(Protocol):
    """Where the outputs lead."""

    def before_change(self) -> None:
        """The lines are about to change: settle what depends on the past."""
        ...

    def play(self, playback: Playback) -> None:
        """The lines play this from now on."""
        ...


NextEdge = Callable[[float, bool], float | None]
"""(after, rising) -> bench time of the next edge at the trigger input later than `after`."""


class Sequencer:
    """Plays slots on `lines`, keeping bench time `now`; edges of the trigger input by `edges`.

    What is due is done when the sequencer is next looked at, at the time at which it was due.
    """

    def __init__(
        self, lines: Lines, now: Callable[[], float], edges: NextEdge | None = None
    ) -> None:
        self._lines = lines
        self._now = now
        self._edges = edges
        self.trigger_start = TriggerStart.IMMEDIATE
        self.trigger_rearm = TriggerRearm.AUTO
        self.slots: list[Slot | None] = [None, None]
        self.playback = Playback.holding(OutputState(), OutputState(), 0.0)
        self.mode = Mode.HELD
        self.active = 0
        self.slot_changes = 0
        self._left = FOREVER
        self._armed_at = -math.inf
        self._looked = -math.inf

    # -- what is asked of it ----------------------------------------------------------------------

    def constant(self, state: OutputState) -> None:
        """Stop and hold `state`; what was loaded is gone."""
        self.advance()
        self.slots = [None, None]
        self.mode = Mode.HELD
        self._hold(state, self._now())

    def stream(self, program: Program, runs: int, final: OutputState) -> None:
        """Load and arm; a start trigger of IMMEDIATE starts at once."""
        self.advance()
        if self.mode is Mode.PLAYING:  # the outputs keep the state they are in
            self._hold(self.playback.state_at(self._now()), self._now())
        self.slots = [Slot(program, runs, final), None]
        self._arm(0, FOREVER)

    def upload(self, number: int, slot: Slot) -> int:
        """Fill one slot; 0 accepted, 1 refused."""
        if not self.is_ready_for_data(number):
            return 1
        self.slots[number] = slot
        if self.mode in (Mode.HELD, Mode.FINISHED, Mode.ERROR):
            self.mode = Mode.LOADED
        elif self.mode is Mode.STARVED and number != self.active:
            self._begin(number, self._now())
        return 0

    def start(self, number: int, slots_to_run: int) -> int:
        """Start what `upload` has filled; 0 done, 1 nothing there to play."""
        self.advance()
        if number not in (0, 1) or self.slots[number] is None or slots_to_run == 0:
            return 1
        self._arm(number, slots_to_run)
        return 0

    def start_now(self) -> int:
        """Software start; 0 started, 1 not waiting for one."""
        self.advance()
        return 0 if self._trigger(self._now()) else 1

    def rearm(self) -> bool:
        """Arm a finished sequence again; False if there is nothing to arm."""
        self.advance()
        if self.slots[self.active] is None or self.is_streaming():
            return False
        self.mode = Mode.ARMED
        self._armed_at = self._now()
        return True

    def force_final(self) -> None:
        """Jump to the final state."""
        self.advance()
        slot = self.slots[self.active]
        final = self.playback.analog[1] if slot is None else slot.final
        self.mode = Mode.HELD
        self._hold(final, self._now())

    # -- what it reports --------------------------------------------------------------------------

    def state(self) -> OutputState:
        """The outputs now."""
        self.advance()
        return self.playback.state_at(self._now())

    def has_sequence(self) -> bool:
        """Whether anything is loaded."""
        return self.slots[0] is not None or self.slots[1] is not None

    def is_streaming(self) -> bool:
        """Whether sequences are being played now, or the next is waited for."""
        self.advance()
        return self.mode in (Mode.PLAYING, Mode.BETWEEN, Mode.STARVED)

    def has_finished(self) -> bool:
        """Whether finite sequences have been played to their end, also where data then lacked."""
        self.advance()
        return self.mode in (Mode.FINISHED, Mode.ERROR)

    def is_ready_for_data(self, number: int) -> bool:
        """Whether `upload` to this slot would be accepted: not what plays, or is to play next."""
        if number not in (0, 1):
            return False
        slot = self.slots[number]
        if not self.is_streaming() or slot is None:
            return True
        return number != self.active and not slot.fresh

    # -- time -------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Do what has become due up to now: edges at the trigger input, ends of slots."""
        now = self._now()
        while True:
            edge = self._next_edge(now)
            end = self.playback.end if self.mode is Mode.PLAYING else math.inf
            if min(edge, end) > now:
                break
            if end <= edge:
                self._follow(end, now)
            else:
                self._looked = edge
                self._trigger(edge)
        self._looked = max(self._looked, math.nextafter(now, -math.inf))

    def _next_edge(self, until: float) -> float:
        """The next edge that starts something, or infinity."""
        if self._edges is None or not self._waits(hardware=True):
            return math.inf
        found = []
        for rising, kinds in (
            (True, (TriggerStart.HARDWARE_RISING, TriggerStart.HARDWARE_RISING_AND_FALLING)),
            (False, (TriggerStart.HARDWARE_FALLING, TriggerStart.HARDWARE_RISING_AND_FALLING)),
        ):
            if self.trigger_start in kinds:
                edge = self._edges(max(self._looked, self._since), rising)
                if edge is not None and edge <= until:
                    found.append(edge)
        return min(found, default=math.inf)

    @property
    def _since(self) -> float:
        """Edges before this are over: what waits began to wait then."""
        return self.playback.end if self.mode is not Mode.ARMED else self._armed_at

    def _waits(self, *, hardware: bool = False) -> bool:
        """Whether a trigger would start something."""
        if hardware and self.trigger_start < TriggerStart.HARDWARE_RISING:
            return False
        if self.mode is Mode.FINISHED:
            return self.trigger_rearm is TriggerRearm.AUTO
        return self.mode in (Mode.ARMED, Mode.BETWEEN)

    def _trigger(self, at: float) -> bool:
        if not self._waits() or self.slots[self.active] is None:
            return False
        if self.mode is Mode.BETWEEN:
            self._go_on(at)
        else:
            self._begin(self.active, at)
        return True

    def _arm(self, number: int, slots_to_run: int) -> None:
        self.active = number
        self._left = slots_to_run
        self.slot_changes = 0
        self.mode = Mode.ARMED
        self._armed_at = self._now()
        if self.trigger_start is TriggerStart.IMMEDIATE:
            self._begin(number, self._now())

    def _begin(self, number: int, at: float) -> None:
        slot = self.slots[number]
        assert slot is not None
        before = self.playback.state_at(at)
        self.slot_changes += number != self.active
        self.active = number
        slot.fresh = False
        self.mode = Mode.PLAYING
        self._play(Playback.of(at, slot.program, slot.runs, before, slot.final))

    def _follow(self, at: float, now: float) -> None:
        """A slot has been played to its end at `at`."""
        slot = self.slots[self.active]
        assert slot is not None
        if self._left > 0:
            self._left -= 1
        if self._left == 0 or slot.next_action is NextAction.STOP:
            self.mode = Mode.FINISHED
        elif slot.when is When.TRIGGER:
            self.mode = Mode.BETWEEN
        else:
            self._go_on(self._skip(slot, at, now))

    def _skip(self, slot: Slot, at: float, now: float) -> float:
        """Endless rounds through what is in the memories, all but the last, are not played one by
        one: the time at which the last begins.
        """
        if self._left != FOREVER or not slot.endless:
            return at
        round_time, changes = self.playback.length, 0
        if slot.next_action is NextAction.SWITCH_SLOT:
            other = self.slots[1 - self.active]
            if other is None or not other.endless or other.next_action is not slot.next_action:
                return at
            round_time += Playback.of(
                0.0, other.program, other.runs, other.final, other.final
            ).length
            changes = 2
        rounds = int((now - at) / round_time) if round_time > 0.0 else 0
        self.slot_changes += rounds * changes
        return at + rounds * round_time

    def _go_on(self, at: float) -> None:
        """To what the active slot says comes next."""
        slot = self.slots[self.active]
        assert slot is not None
        if slot.next_action is NextAction.REPEAT_SLOT:
            self._begin(self.active, at)
            return
        other = self.slots[1 - self.active]
        expects = slot.next_action is NextAction.SWITCH_SLOT_EXPECT_NEW_DATA
        if other is not None and (other.fresh or not expects):
            self._begin(1 - self.active, at)
        elif slot.on_no_data is OnNoData.WAIT_REPEATING:
            self._begin(self.active, at)
        else:
            waits = slot.on_no_data is OnNoData.WAIT_IDLING
            self.mode = Mode.STARVED if waits else Mode.ERROR

    def _hold(self, state: OutputState, at: float) -> None:
        self._play(Playback.holding(state, self.playback.state_at(at), at))

    def _play(self, playback: Playback) -> None:
        self._lines.before_change()
        self.playback = playback
        self._lines.play(playback)
