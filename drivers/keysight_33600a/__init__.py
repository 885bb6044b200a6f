"""Keysight 33500B and 33600A arbitrary waveform generators."""

from .driver import Keysight33600A
from .sequence import Segment
from .settings import QUANTITIES

__all__ = ["QUANTITIES", "Keysight33600A", "Segment"]
