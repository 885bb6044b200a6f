"""What a training that cannot be is answered with. Without torch: every command knows it."""

from __future__ import annotations


class MethodError(ValueError):
    """A training method or twin mode that does not exist."""
