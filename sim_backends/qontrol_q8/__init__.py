"""A simulated chain of Qontrol Q8 heater-driver modules behind one serial port."""

from __future__ import annotations

from .chain import MODELS, Loads, QontrolChain, ReadbackNumbers
from .port import PortConversation

__all__ = ["MODELS", "Loads", "PortConversation", "QontrolChain", "ReadbackNumbers"]
