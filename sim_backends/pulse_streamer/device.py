"""A Pulse Streamer 8/2 behind its ports: its sequencer, its settings, and what it reports.

Source: the vendor's client, pulsestreamer 2.1.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import IntEnum

from sim_backends.host.http import HTTP_PATH, HttpConversation
from sim_backends.instrument import Door, OwnFault, without_value

from .program import OutputState, Playback
from .sequencer import Lines, Mode, NextEdge, Sequencer, TriggerRearm, TriggerStart

RPC_PORT, UPLOAD_PORT, DISCOVERY_PORT = 8050, 21328, 12345
DISCOVERY_GROUP = "239.255.255.82"


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


_STATES = {
    Mode.HELD: (State.IDLING, StateCondition.NONE),
    Mode.LOADED: (State.IDLING, StateCondition.WAIT_FOR_START),
    Mode.ARMED: (State.IDLING, StateCondition.WAIT_FOR_TRIGGER),
    Mode.PLAYING: (State.STREAMING, StateCondition.NONE),
    Mode.BETWEEN: (State.STREAMING, StateCondition.WAIT_FOR_TRIGGER),
    Mode.STARVED: (State.STREAMING, StateCondition.WAIT_FOR_DATA),
    Mode.ERROR: (State.ERROR, StateCondition.NONE),
}


class PulseStreamer:
    """The instrument behind all of its ports.

    `now` tells bench time in s; `lines` takes what the outputs do; `edges` tells of edges at the
    trigger input, which nothing reaches without. `serial` is the MAC-like text of `getSerial`.
    """

    def __init__(
        self,
        lines: Lines,
        now: Callable[[], float],
        serial: str = "00:26:32:f0:00:01",
        hostname: str = "pulsestreamer",
        firmware: str = "2.1.0",
        hardware: str = "1.3",
        edges: NextEdge | None = None,
    ) -> None:
        self.sequencer = Sequencer(lines, now, edges)
        self.now = now
        self.serial = serial
        self.hostname = hostname
        self.firmware = firmware
        self.hardware = hardware
        self.clock_source = 0
        self.square_wave = 0
        self.temperature = 42.3
        """degC"""
        self.underflow = False
        self.analog_calibration = [0.0, 0.0, 1.0, 1.0]

    @property
    def doors(self) -> tuple[Door, ...]:
        """JSON-RPC over HTTP, the binary upload, and answers to whoever looks for instruments."""
        # They speak to this class, so they can only be imported once it is there.
        from .discovery import DiscoveryConversation
        from .rpc import RpcServer
        from .upload import UploadConversation

        rpc = RpcServer(self)
        return (
            Door("http", RPC_PORT, lambda send: HttpConversation(HTTP_PATH, rpc.answer, send)),
            Door("tcp", UPLOAD_PORT, lambda send: UploadConversation(self, send), "binary upload"),
            Door(
                "udp",
                DISCOVERY_PORT,
                lambda send: DiscoveryConversation(self, send),
                "discovery",
                DISCOVERY_GROUP,
            ),
        )

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`underflow`: its memory cannot keep up; `temperature=DEGC` is what it reads from then."""

        def hot(value: str) -> Callable[[], None]:
            degrees = float(value)
            if not math.isfinite(degrees):
                raise ValueError("a finite number")
            return lambda: setattr(self, "temperature", degrees)

        return {
            "underflow": without_value(lambda: setattr(self, "underflow", True)),
            "temperature": hot,
        }

    @property
    def playback(self) -> Playback:
        """What the outputs play."""
        self.sequencer.advance()
        return self.sequencer.playback

    def mask(self) -> int:
        """The digital outputs now."""
        return self.sequencer.state().mask

    def volts(self) -> tuple[float, float]:
        """The analogue outputs now, V: as calibrated words say."""
        return self.sequencer.state().volts

    def reset(self) -> None:
        """Outputs low, nothing loaded, immediate start, internal clock."""
        sequencer = self.sequencer
        sequencer.constant(OutputState())
        sequencer.trigger_start = TriggerStart.IMMEDIATE
        sequencer.trigger_rearm = TriggerRearm.AUTO
        self.clock_source = 0
        self.square_wave = 0
        self.underflow = False

    def streaming_state(self) -> dict[str, int | float | str]:
        """As `getStreamingState` answers."""
        sequencer = self.sequencer
        sequencer.advance()
        if sequencer.mode is Mode.FINISHED:
            manual = sequencer.trigger_rearm is TriggerRearm.MANUAL
            state = State.FINISHED
            condition = StateCondition.WAIT_FOR_REARM if manual else StateCondition.WAIT_FOR_TRIGGER
        else:
            state, condition = _STATES[sequencer.mode]
        playback = sequencer.playback
        played = max(0.0, min(self.now(), playback.end) - playback.start)
        waited = max(0.0, self.now() - playback.end) if sequencer.mode is Mode.STARVED else 0.0
        failed = sequencer.mode is Mode.ERROR
        return {
            "State": int(state),
            "StateCondition": int(condition),
            "TotalTime": int((played + waited) * 1e9),
            "StreamingTime": int(played * 1e9) if playback.program.period else 0,
            "UnderflowTime": 0,
            "WaitingDataTime": int(waited * 1e9),
            "ErrorMessage": "no data for the next slot" if failed else "",
            "SlotChanges": sequencer.slot_changes,
        }

    def status_register(self) -> int:
        """Bits of a register whose meaning the vendor's client does not tell."""
        sequencer = self.sequencer
        return (
            int(sequencer.is_streaming()) | sequencer.has_finished() << 1 | int(self.underflow) << 2
        )
