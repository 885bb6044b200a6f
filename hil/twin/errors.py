"""What a refit that cannot be is answered with. Without torch: every command knows it."""

from __future__ import annotations


class RefitError(ValueError):
    """A kind of refit that does not exist, or not for such a twin."""
