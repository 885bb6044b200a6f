"""Delays that refer to each other: each channel is timed from another one, down to T0."""

from __future__ import annotations

from collections.abc import Mapping

CHANNELS = ("T0", "T1", "A", "B", "C", "D", "E", "F", "G", "H")
"""Names by number on the wire. T0 begins a cycle, T1 ends it; the others are set."""
SETTABLE = CHANNELS[2:]

Delays = Mapping[str, tuple[str, float]]
"""Of each settable channel, what it is timed from and by how many seconds."""


def times(delays: Delays) -> dict[str, float]:
    """Seconds from T0 to each channel. Raises `ValueError` where channels refer to each other."""
    found = {"T0": 0.0}
    for channel in delays:
        chain = [channel]
        while chain[-1] not in found:
            reference = delays[chain[-1]][0] if chain[-1] in delays else "T0"
            if reference in chain:
                raise ValueError(f"{', '.join(chain)} would be timed from each other")
            chain.append(reference)
        for later in reversed(chain[:-1]):
            reference, seconds = delays[later]
            found[later] = found[reference] + seconds
    return found
