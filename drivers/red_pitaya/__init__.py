"""Red Pitaya STEMlab 125-14: two outputs and two inputs, started together by one trigger."""

from .driver import RedPitaya
from .settings import QUANTITIES

__all__ = ["QUANTITIES", "RedPitaya"]
