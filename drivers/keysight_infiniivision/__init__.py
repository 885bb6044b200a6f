"""Keysight (Agilent) InfiniiVision oscilloscopes."""

from .scope import KeysightInfiniivision
from .settings import QUANTITIES
from .waveform import Preamble

__all__ = ["QUANTITIES", "KeysightInfiniivision", "Preamble"]
