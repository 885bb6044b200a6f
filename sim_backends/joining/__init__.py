"""Instruments of a bench file, built and joined to what their wires lead to.

One file for each kind of instrument; `joiner.py` knows which driver's name is whose.
"""

from __future__ import annotations

from .joiner import Joiner

__all__ = ["Joiner"]
