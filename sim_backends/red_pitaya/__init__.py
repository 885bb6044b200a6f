"""A simulated Red Pitaya STEMlab 125-14 with its SCPI server."""

from __future__ import annotations

from .box import BoxNumbers, RedPitaya
from .generator import Run

__all__ = ["BoxNumbers", "RedPitaya", "Run"]
