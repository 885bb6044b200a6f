"""A simulated Stanford Research DG645: its short commands, error queue, delays and triggers."""

from .generator import Cycle, Dg645

__all__ = ["Cycle", "Dg645"]
