"""Rigol DS1000Z, MSO1000Z and DS1000Z-E oscilloscopes."""

from .scope import RigolDs1000z
from .settings import QUANTITIES
from .waveform import Preamble

__all__ = ["QUANTITIES", "Preamble", "RigolDs1000z"]
