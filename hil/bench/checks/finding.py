"""One thing found wrong, or only odd, in a bench file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A fault, or (`harmless`) a note, at a place of the file."""

    path: str
    message: str
    harmless: bool = False

    def __str__(self) -> str:
        """Give it as a line."""
        return f"{self.path}: {self.message}"
