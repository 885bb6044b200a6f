"""Answers to clients that look for Pulse Streamers, UDP port 12345 (vendor client 2.1.2,
findPulseStreamers.py). Of the reply the client needs `serial`; the rest is our own.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from .device import PulseStreamer

QUESTION, REPLY = b"PS-DISCOVERY", b"PS-DISCOVERY-REPLY"


class DiscoveryConversation:
    """One datagram."""

    def __init__(self, device: PulseStreamer, send: Callable[[bytes], None]) -> None:
        self._device = device
        self._send = send

    def receive(self, data: bytes) -> None:
        """Answer a question; other Pulse Streamers' answers are none."""
        if data.rstrip(b"\0\r\n") != QUESTION:
            return
        told = {
            "serial": self._device.serial,
            "hostname": self._device.hostname,
            "firmware": self._device.firmware,
        }
        self._send(REPLY + json.dumps(told).encode())

    def close(self) -> None:
        """It was one datagram."""
