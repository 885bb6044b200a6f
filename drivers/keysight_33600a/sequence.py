"""Sequences of waveforms, as `DATA:SEQ` takes them.

Form after three laboratories' code for the 33522B and 33622A:
`"name","arb",repeats,play,marker,point,"arb",...`, played from the first segment on, over and over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Play = Literal["once", "onceWaitTrig", "repeat", "repeatInf", "repeatTilTrig"]
Marker = Literal["maintain", "lowAtStart", "highAtStart", "highAtStartGoLow"]
PLAYS: tuple[Play, ...] = ("once", "onceWaitTrig", "repeat", "repeatInf", "repeatTilTrig")
MARKERS: tuple[Marker, ...] = ("maintain", "lowAtStart", "highAtStart", "highAtStartGoLow")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,11}")
MOST_REPEATS = 1_000_000
LEAST_MARKER_POINT = 4


@dataclass(frozen=True, eq=False)
class Segment:
    """One segment: a waveform of volts (samples,) under a name, and how it is played.

    `play`: `once`, `repeat` (`repeats` times), `repeatInf`, `onceWaitTrig` (once, then hold until a
    trigger), `repeatTilTrig`. `marker`: what Sync does at its start; `highAtStartGoLow` falls at
    sample `point`. Segments of one name share one waveform.
    """

    name: str
    volts: NDArray[np.float64]
    play: Play = "once"
    repeats: int = 0
    marker: Marker = "maintain"
    point: int = LEAST_MARKER_POINT

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.play not in PLAYS:
            raise ValueError(f"segment {self.name}: {self.play!r} is none of {', '.join(PLAYS)}")
        if self.marker not in MARKERS:
            said = f"{self.marker!r} is none of {', '.join(MARKERS)}"
            raise ValueError(f"segment {self.name}: {said}")
        least = 1 if self.play == "repeat" else 0
        if not least <= self.repeats <= MOST_REPEATS:
            raise ValueError(
                f"segment {self.name}: {self.repeats} repeats are not {least} to {MOST_REPEATS}"
            )
        size = np.asarray(self.volts).size
        if not LEAST_MARKER_POINT <= self.point < size:
            raise ValueError(
                f"segment {self.name}: marker point {self.point} is not "
                f"{LEAST_MARKER_POINT} to {size - 1}, within the segment"
            )


def check_name(name: str) -> None:
    """Raise `ValueError` unless it is a letter, then up to 11 letters, digits and underscores."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name of a waveform: a letter, then up to 11 letters, digits or _"
        )


def sequence_text(name: str, segments: Sequence[Segment]) -> str:
    """The text of the block that `DATA:SEQ` takes. Raises `ValueError` for one without segments."""
    check_name(name)
    if not segments:
        raise ValueError(f"sequence {name} needs at least one segment")
    steps = (f'"{one.name}",{one.repeats},{one.play},{one.marker},{one.point}' for one in segments)
    return ",".join((f'"{name}"', *steps))
