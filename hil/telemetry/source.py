"""Where a reader of a run gets its events from: a folder, or a broker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hil.telemetry.commands import Verb
from hil.telemetry.event import Stamped


class Source(Protocol):
    """Events of one run, in order; never blocks for long."""

    @property
    def name(self) -> str:
        """What is followed, for a title."""
        ...

    def poll(self) -> Sequence[Stamped]:
        """What is new since the last call, oldest first; may be empty."""
        ...

    def command(self, verb: Verb) -> str:
        """Ask the run for something; gives the command's id, which its answer will bear.

        Raises
        ------
        SourceError
            Where it cannot be asked.
        """
        ...

    def note(self, text: str) -> None:
        """Write something down in the run's record; raises as `command`."""
        ...

    def close(self) -> None:
        """Leave."""
        ...


class SourceError(RuntimeError):
    """A run that cannot be followed or asked: says why, and what to do."""
