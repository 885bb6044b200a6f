"""A simulated Swabian Instruments Pulse Streamer 8/2."""

from __future__ import annotations

from .device import PulseStreamer
from .program import OutputState, Playback, Program

__all__ = ["OutputState", "Playback", "Program", "PulseStreamer"]
