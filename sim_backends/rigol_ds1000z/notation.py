"""How Rigol writes numbers."""

from __future__ import annotations


def sci(value: float) -> str:
    """Six places and a small `e`: `1.000000e-09`."""
    return f"{value:.6e}"
