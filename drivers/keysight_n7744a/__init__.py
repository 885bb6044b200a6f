"""Keysight N7744A, N7745A, N7744C and N7745C multiport optical power meters."""

from .driver import KeysightN7744A
from .settings import QUANTITIES

__all__ = ["QUANTITIES", "KeysightN7744A"]
