"""State of a Pulse Streamer 8/2: what is loaded, what is playing, what it waits for.

Semantics after the vendor's client (pulsestreamer 2.1.2): `stream` loads and arms; with
TriggerStart.IMMEDIATE it starts at once, with SOFTWARE it waits for `startNow`; with
TriggerRearm.AUTO a finished sequence arms itself again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from sim_backends.host.http import HTTP_PATH, HttpConversation
from sim_backends.instrument import Door

from .program import FOREVER, Playback, Program


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


class State(IntEnum):
    """Of `getStreamingState`."""

    IDLING = 0
    BREAKPOINT = 1
    STREAMING = 2
    FINISHED = 3
    ERROR = 4


class StateCondition(IntEnum):
    """Of `getStreamingState`."""

    NONE = 0
    WAIT_FOR_TRIGGER = 1
    WAIT_FOR_REARM = 2
    WAIT_FOR_DATA = 3
    WAIT_FOR_START = 4


class Lines(Protocol):
    """Where the digital outputs lead."""

    def before_change(self) -> None:
        """The lines are about to change: settle what depends on the past."""
        ...

    def play(self, playback: Playback) -> None:
        """The lines play this from now on."""
        ...


@dataclass
class Slot:
    """One of the two sequence memories."""

    program: Program
    runs: int
    final: int
    next_action: int = 0
    when: int = 0
    on_no_data: int = 0


@dataclass
class PulseStreamer:
    """The instrument behind both of its ports.

    `now` tells bench time in s; `lines` takes what the outputs do. `serial` is the MAC-like text of
    `getSerial`.
    """

    lines: Lines
    now: Callable[[], float]
    serial: str = "00:26:32:f0:00:01"
    hostname: str = "pulsestreamer"
    firmware: str = "2.1.0"
    hardware: str = "1.3"
    trigger_start: TriggerStart = TriggerStart.IMMEDIATE
    trigger_rearm: TriggerRearm = TriggerRearm.AUTO
    clock_source: int = 0
    square_wave: int = 0
    analog_calibration: list[float] = field(default_factory=lambda: [0.0, 0.0, 1.0, 1.0])
    slots: list[Slot | None] = field(default_factory=lambda: [None, None])
    playback: Playback = field(default_factory=lambda: Playback.constant(0, 0, 0.0))
    _active: int = 0
    _armed: bool = False
    _needs_start: bool = False

    @property
    def doors(self) -> tuple[Door, ...]:
        """JSON-RPC over HTTP, and the binary upload."""
        # Both speak to this class, so they can only be imported once it is there.
        from .rpc import RpcServer
        from .upload import UploadConversation

        rpc = RpcServer(self)
        return (
            Door("http", 8050, lambda send: HttpConversation(HTTP_PATH, rpc.answer, send)),
            Door("tcp", 21328, lambda send: UploadConversation(self, send), "binary upload"),
        )

    # -- what plays -------------------------------------------------------------------------------

    def _play(self, playback: Playback) -> None:
        self.lines.before_change()
        self.playback = playback
        self.lines.play(playback)

    def mask(self) -> int:
        """The digital outputs now."""
        return self.playback.mask_at(self.now())

    def constant(self, mask: int) -> None:
        """Stop and hold `mask`; what was loaded is gone."""
        now = self.now()
        self.slots = [None, None]
        self._armed = self._needs_start = False
        self._play(Playback.constant(mask, self.playback.mask_at(now), now))

    def reset(self) -> None:
        """Outputs low, nothing loaded, immediate start, internal clock."""
        self.constant(0)
        self.trigger_start, self.trigger_rearm = TriggerStart.IMMEDIATE, TriggerRearm.AUTO
        self.clock_source = 0
        self.square_wave = 0

    def stream(self, program: Program, runs: int, final: int) -> None:
        """Load and arm; a start trigger of IMMEDIATE starts at once."""
        self.slots = [Slot(program, runs, final), None]
        self._active = 0
        self._needs_start = False
        self._rest()
        self._armed = True
        if self.trigger_start is TriggerStart.IMMEDIATE:
            self._begin()

    def upload(self, number: int, slot: Slot) -> int:
        """Fill one slot; 0 accepted, 1 refused (no such slot, or it is being played)."""
        if number not in (0, 1) or (self.is_streaming() and number == self._active):
            return 1
        if self.slots[0] is None and self.slots[1] is None:
            self._needs_start = True
        self.slots[number] = slot
        return 0

    def start(self, number: int, slots_to_run: int) -> int:
        """Start what `upload` has filled; 0 done, 1 nothing there to play."""
        if number not in (0, 1) or self.slots[number] is None or slots_to_run == 0:
            return 1
        self._active = number
        self._needs_start = False
        self._armed = True
        if self.trigger_start is TriggerStart.IMMEDIATE:
            self._begin()
        return 0

    def start_now(self) -> int:
        """Software start; 0 started, 1 not waiting for one."""
        self._rearm_if_automatic()
        if not self._armed or self.slots[self._active] is None:
            return 1
        self._begin()
        return 0

    def rearm(self) -> bool:
        """Arm a finished sequence again; False if there is nothing to arm."""
        if self.slots[self._active] is None or self.is_streaming():
            return False
        self._armed = True
        return True

    def force_final(self) -> None:
        """Jump to the final state."""
        now = self.now()
        slot = self.slots[self._active]
        final = self.playback.final if slot is None else slot.final
        self._armed = False
        self._play(Playback.constant(final, self.playback.mask_at(now), now))

    def _begin(self) -> None:
        slot = self.slots[self._active]
        if slot is None:
            return
        now = self.now()
        self._armed = False
        before = self.playback.mask_at(now)
        self._play(Playback(now, slot.program, slot.runs, before, slot.final))

    def _rest(self) -> None:
        # Loading stops what runs; the outputs keep the state they are in.
        if self.is_streaming():
            now = self.now()
            held = self.playback.mask_at(now)
            self._play(Playback.constant(held, held, now))

    def _rearm_if_automatic(self) -> None:
        if self.trigger_rearm is TriggerRearm.AUTO and self.has_finished():
            self._armed = True

    # -- what it reports --------------------------------------------------------------------------

    def has_sequence(self) -> bool:
        """Whether anything is loaded."""
        return self.slots[0] is not None or self.slots[1] is not None

    def is_streaming(self) -> bool:
        """Whether a sequence plays now."""
        return self.playback.program.period > 0 and self.now() < self.playback.end

    def has_finished(self) -> bool:
        """Whether a finite sequence has been played to its end."""
        played = self.playback.program.period > 0 and self.playback.runs != FOREVER
        return played and not self._armed and self.now() >= self.playback.end

    def is_ready_for_data(self, number: int) -> bool:
        """Whether `upload` to this slot would be accepted."""
        return number in (0, 1) and not (self.is_streaming() and number == self._active)

    def streaming_state(self) -> dict[str, int | float | str]:
        """As `getStreamingState` answers."""
        condition = StateCondition.NONE
        if self._needs_start:
            state, condition = State.IDLING, StateCondition.WAIT_FOR_START
        elif self._armed:
            state, condition = State.IDLING, StateCondition.WAIT_FOR_TRIGGER
        elif self.is_streaming():
            state = State.STREAMING
        elif self.has_finished():
            state = State.FINISHED
            manual = self.trigger_rearm is TriggerRearm.MANUAL
            condition = StateCondition.WAIT_FOR_REARM if manual else StateCondition.WAIT_FOR_TRIGGER
        else:
            state = State.IDLING
        played = min(self.now(), self.playback.end) - self.playback.start
        return {
            "State": int(state),
            "StateCondition": int(condition),
            "TotalTime": int(played * 1e9),
            "StreamingTime": int(played * 1e9) if self.playback.program.period else 0,
            "UnderflowTime": 0,
            "WaitingDataTime": 0,
            "ErrorMessage": "",
            "SlotChanges": 0,
        }
