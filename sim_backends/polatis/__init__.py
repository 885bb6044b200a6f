"""A Polatis optical matrix switch that is not there."""

from .matrix import Fibres, Polatis

__all__ = ["Fibres", "Polatis"]
