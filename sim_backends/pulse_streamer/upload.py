"""The binary upload port, TCP 21328 (vendor client 2.1.2, pulse_streamer_base.py,
__send_cmd_binary).

A command is 32 bytes `<4I2Q` (magic, command id, command, 0, payload length, 0), then the payload:
a 32-byte header of its own, 9-byte steps and zero padding to a multiple of 32. The reply is 32
bytes of the same form with the error code in place of the command; to `upload` 32 bytes follow
whose first i32 is the return code.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from .device import PulseStreamer
from .program import OutputState, Program
from .slot import NextAction, OnNoData, Slot, When

MAGIC = 0x53504953
STREAM, UPLOAD, SET_CALIBRATION, GET_CALIBRATION = 0x0, 0x100, 0x101, 0x102
_HEAD = struct.Struct("<4I2Q")
_STREAM_HEAD = struct.Struct("<qQ2h4BQ")
_UPLOAD_HEAD = struct.Struct("<qQ2h8BI")
_CALIBRATION = struct.Struct("<4d")
_UPLOAD_REPLY = struct.Struct("<8i")
_STEP_BYTES = 9
_LARGEST = 2_000_000 * _STEP_BYTES + 64
_OK, _BAD_MAGIC, _BAD_COMMAND, _BAD_LENGTH, _REFUSED = 0, 1, 2, 3, 4


class UploadConversation:
    """One connection to the binary port."""

    def __init__(self, device: PulseStreamer, send: Callable[[bytes], None]) -> None:
        self._device = device
        self._send = send
        self._buffer = bytearray()
        self._last: tuple[bytes, Program] | None = None

    def close(self) -> None:
        """The connection has ended."""

    def receive(self, data: bytes) -> None:
        """Take bytes; every complete command is carried out and answered."""
        self._buffer += data
        while len(self._buffer) >= _HEAD.size:
            magic, identity, command, _, length, _ = _HEAD.unpack_from(self._buffer)
            if magic != MAGIC or length > _LARGEST:
                # Nothing that follows can be trusted to start at a boundary.
                self._buffer.clear()
                self._reply(identity, _BAD_MAGIC if magic != MAGIC else _BAD_LENGTH)
                return
            end = _HEAD.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_HEAD.size : end])
            del self._buffer[:end]
            self._carry_out(identity, command, payload)

    def _reply(self, identity: int, error: int, extra: bytes = b"") -> None:
        self._send(_HEAD.pack(MAGIC, identity, error, 0, len(extra), 0) + extra)

    def _program(self, steps: bytes) -> Program:
        # The same steps come again and again: what was worked out about them is kept.
        if self._last is None or self._last[0] != steps:
            self._last = (steps, Program.from_wire(steps))
        return self._last[1]

    def _carry_out(self, identity: int, command: int, payload: bytes) -> None:
        if command in (SET_CALIBRATION, GET_CALIBRATION):
            self._calibrate(identity, command, payload)
            return
        if command not in (STREAM, UPLOAD):
            self._reply(identity, _BAD_COMMAND)
            return
        if len(payload) < 32:
            self._reply(identity, _BAD_LENGTH)
            return
        pulses = int.from_bytes(payload[8:16], "little")
        if pulses == 0 or 32 + pulses * _STEP_BYTES > len(payload):
            self._reply(identity, _BAD_LENGTH)
            return
        program = self._program(payload[32 : 32 + pulses * _STEP_BYTES])
        sequencer = self._device.sequencer
        if command == STREAM:
            runs, _, a0, a1, mask, _, _, _, slot = _STREAM_HEAD.unpack_from(payload)
            if slot not in (0, 1):
                self._reply(identity, _REFUSED)
                return
            sequencer.stream(program, runs, OutputState(mask, a0, a1))
            self._reply(identity, _OK)
            return
        runs, _, a0, a1, mask, _, _, _, slot, next_action, when, on_no_data, _ = (
            _UPLOAD_HEAD.unpack_from(payload)
        )
        try:
            follows = NextAction(next_action), When(when), OnNoData(on_no_data)
        except ValueError:
            self._reply(identity, _REFUSED)
            return
        code = sequencer.upload(slot, Slot(program, runs, OutputState(mask, a0, a1), *follows))
        self._reply(identity, _OK, _UPLOAD_REPLY.pack(code, 0, 0, 0, 0, 0, 0, 0))

    def _calibrate(self, identity: int, command: int, payload: bytes) -> None:
        """As clients of firmware before 2 set and read it: two offsets, two slopes."""
        if command == GET_CALIBRATION:
            self._reply(identity, _OK, _CALIBRATION.pack(*self._device.analog_calibration))
        elif len(payload) != _CALIBRATION.size:
            self._reply(identity, _BAD_LENGTH)
        else:
            self._device.analog_calibration = list(_CALIBRATION.unpack(payload))
            self._reply(identity, _OK)
