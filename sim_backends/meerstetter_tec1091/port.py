"""A connection to the controller, on its serial port or through its Ethernet adapter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .commands import Refusal, respond
from .frame import LONGEST, Frame, read_request

if TYPE_CHECKING:
    from .controller import Tec1091

ANY, BROADCAST = 0, 255


class PortConversation:
    """One opening of the port. The device's state outlives it."""

    def __init__(self, device: Tec1091, send: Callable[[bytes], None]) -> None:
        self._device = device
        self._send = send
        self._buffer = bytearray()

    def close(self) -> None:
        """The port has been closed."""
        self._buffer.clear()

    def receive(self, data: bytes) -> None:
        """Take bytes; whole frames are carried out in order."""
        self._buffer += data
        while (end := self._buffer.find(b"\r")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            frame = read_request(line)
            if frame is not None:
                self._serve(frame)
        if len(self._buffer) > LONGEST:
            self._buffer.clear()

    def _serve(self, frame: Frame) -> None:
        device = self._device
        if device.offline or frame.address not in (ANY, BROADCAST, device.address):
            return
        try:
            payload = respond(device, frame.payload)
        except Refusal as refusal:
            reply = frame.refuse(refusal.code)
        else:
            reply = frame.acknowledge() if payload is None else frame.reply(payload)
        if frame.address != BROADCAST:
            self._send(reply)
