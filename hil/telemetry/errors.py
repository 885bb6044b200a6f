"""What goes wrong with telling, where a person can mend it."""

from __future__ import annotations


class TelemetryError(RuntimeError):
    """An outlet that cannot be had as it was asked for: says why, and what to do."""
