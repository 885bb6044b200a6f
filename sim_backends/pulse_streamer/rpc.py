"""The JSON-RPC 2.0 methods of the Pulse Streamer (vendor client 2.1.2,
jrpc/pulse_streamer_jrpc.py).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from .device import PulseStreamer
from .program import ANALOG_FULL, OutputState, Program
from .sequencer import TriggerRearm, TriggerStart
from .slot import Slot

_STEP_BYTES = 9
_PARSE, _REQUEST, _METHOD, _PARAMS = -32700, -32600, -32601, -32602


class _Refused(Exception):
    """Parameters that a method cannot take."""


def _state(state: Any) -> OutputState:
    """An output state `[0, mask, a0, a1]`, the analogue ones as 16-bit words."""
    if not isinstance(state, list) or len(state) != 4:
        raise _Refused("an output state is [0, mask, analog0, analog1]")
    _, mask, *analog = state
    if not isinstance(mask, int) or not 0 <= mask <= 255:
        raise _Refused(f"digital mask {mask!r} is not in 0..255")
    for word in analog:
        if not isinstance(word, int) or abs(word) > ANALOG_FULL + 1:
            raise _Refused(f"analogue word {word!r} is not of 16 bits")
    return OutputState(mask, *analog)


class RpcServer:
    """Answers JSON-RPC requests for one instrument."""

    def __init__(self, device: PulseStreamer) -> None:
        self._device = device
        self._network: dict[str, Any] = {"dhcp": True, "ip": "", "netmask": "", "gateway": ""}
        self._methods = self._table()

    def answer(self, body: bytes) -> bytes:
        """Response body to a request body; empty for a notification."""
        try:
            request = json.loads(body)
        except ValueError:
            return self._error(None, _PARSE, "Parse error")
        if isinstance(request, list):
            replies = [reply for reply in map(self._one, request) if reply is not None]
            return json.dumps(replies).encode() if replies else b""
        reply = self._one(request)
        return b"" if reply is None else json.dumps(reply).encode()

    def _error(self, identity: Any, code: int, message: str) -> bytes:
        return json.dumps(self._failure(identity, code, message)).encode()

    @staticmethod
    def _failure(identity: Any, code: int, message: str) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": message}}

    def _one(self, request: Any) -> dict[str, Any] | None:
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return self._failure(None, _REQUEST, "Invalid Request")
        identity = request.get("id")
        method = self._methods.get(request["method"])
        if method is None:
            return self._failure(identity, _METHOD, "Method not found")
        parameters = request.get("params", [])
        try:
            # The vendor's server takes positional parameters only.
            if not isinstance(parameters, list):
                raise _Refused("parameters must be positional")
            result = method(*parameters)
        except (_Refused, TypeError, ValueError) as error:
            return self._failure(identity, _PARAMS, f"Invalid params: {error}")
        if "id" not in request:
            return None
        return {"jsonrpc": "2.0", "id": identity, "result": result}

    def _table(self) -> dict[str, Callable[..., Any]]:
        device = self._device
        sequencer = device.sequencer
        return {
            "reset": lambda: self._done(device.reset),
            "reboot": lambda: self._done(device.reset),
            "constant": lambda state: self._done(sequencer.constant, _state(state)),
            "forceFinal": lambda: self._done(sequencer.force_final),
            "stream": self._stream,
            "startNow": sequencer.start_now,
            "start": lambda slot=0, runs=-1: sequencer.start(int(slot), int(runs)),
            "rearm": lambda: int(sequencer.rearm()),
            "isStreaming": lambda: int(sequencer.is_streaming()),
            "hasFinished": lambda: int(sequencer.has_finished()),
            "hasSequence": lambda: int(sequencer.has_sequence()),
            "isReadyForData": lambda slot: int(sequencer.is_ready_for_data(int(slot))),
            "setTrigger": self._set_trigger,
            "getTriggerStart": lambda: int(sequencer.trigger_start),
            "getTriggerRearm": lambda: int(sequencer.trigger_rearm),
            "selectClock": self._select_clock,
            "getClock": lambda: device.clock_source,
            "setSquareWave125MHz": self._square_wave,
            "setClkParam": lambda value: 0,
            "shiftClkPhase": lambda value: 0,
            "getTemperature": lambda: f"{device.temperature:.1f}",
            "getUnderflow": lambda: int(device.underflow),
            "getStatusRegister": device.status_register,
            "getFirmwareVersion": lambda: device.firmware,
            "getHardwareVersion": lambda: device.hardware,
            "getSerial": lambda which=1: device.serial,
            "getFPGAID": lambda: "0x" + device.serial.replace(":", "").upper().rjust(16, "0"),
            "getSupplyState": lambda: 0,
            "getStreamingState": device.streaming_state,
            "getSequenceControlData": self._control_data,
            "setHostname": self._set_hostname,
            "getHostname": lambda: device.hostname,
            "setNetworkConfiguration": self._set_network,
            "getNetworkConfiguration": lambda permanent=False: dict(self._network),
            "applyNetworkConfiguration": lambda: 0,
            "setAnalogCalibration": self._set_calibration,
            "getAnalogCalibration": self._calibration,
        }

    @staticmethod
    def _done(action: Callable[..., None], *arguments: Any) -> int:
        action(*arguments)
        return 0

    def _stream(self, encoded: str, runs: int, final: list[int]) -> int:
        try:
            packed = base64.b64decode(encoded, validate=True)
        except (binascii.Error, TypeError) as error:
            raise _Refused(f"sequence is not base64: {error}") from None
        if len(packed) % _STEP_BYTES:
            raise _Refused(f"sequence of {len(packed)} bytes is not a whole number of 9-byte steps")
        self._device.sequencer.stream(Program.from_wire(packed), int(runs), _state(final))
        return 0

    def _set_trigger(self, start: int, rearm: int = 0) -> int:
        sequencer = self._device.sequencer
        sequencer.advance()
        sequencer.trigger_start, sequencer.trigger_rearm = TriggerStart(start), TriggerRearm(rearm)
        return 0

    def _select_clock(self, source: int) -> int:
        if source not in (0, 1, 2):
            raise _Refused(f"clock source {source!r} is not 0, 1 or 2")
        self._device.clock_source = source
        return 0

    def _square_wave(self, mask: int) -> int:
        self._device.square_wave = int(mask) & 0xFF
        return 0

    def _control_data(self, number: int) -> dict[str, int]:
        slot = self._device.sequencer.slots[number] if number in (0, 1) else None
        if slot is None:
            slot = Slot(Program.from_wire(b""), 0, OutputState())
        return {
            "slot": number,
            "n_runs": slot.runs,
            "pulses": int(slot.program.durations.size),
            "next_action": slot.next_action,
            "when": slot.when,
            "on_nodata": slot.on_no_data,
        }

    def _set_hostname(self, name: str) -> int:
        self._device.hostname = str(name)
        return 0

    def _set_network(
        self, dhcp: bool, ip: str = "", netmask: str = "", gateway: str = "", test: bool = True
    ) -> int:
        self._network = {"dhcp": bool(dhcp), "ip": ip, "netmask": netmask, "gateway": gateway}
        return 0

    def _set_calibration(self, dc0: float, dc1: float, slope0: float, slope1: float) -> int:
        self._device.analog_calibration = [float(v) for v in (dc0, dc1, slope0, slope1)]
        return 0

    def _calibration(self) -> dict[str, float]:
        names = ("dc_offset_a0", "dc_offset_a1", "slope_a0", "slope_a1")
        return dict(zip(names, self._device.analog_calibration, strict=True))
