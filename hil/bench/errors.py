"""What a bench file that cannot be used is answered with."""

from __future__ import annotations

from collections.abc import Iterable


class BenchFileError(ValueError):
    """A bench file that cannot be used: every fault found in it, one line each.

    Attributes
    ----------
    source : str
        Packaged name or path, as it was asked for.
    lines : list[str]
        The faults, each naming the place in the file and the mend.
    """

    def __init__(self, source: str, lines: Iterable[str]) -> None:
        self.source = source
        self.lines = list(lines)
        head = f"bench file {source}"
        if len(self.lines) == 1:
            text = f"{head}: {self.lines[0]}"
        else:
            text = "\n  ".join([f"{head}: {len(self.lines)} faults", *self.lines])
        super().__init__(text)


class SimulationError(ValueError):
    """A bench file whose [plant] table, or as-built class, the simulation refuses."""
