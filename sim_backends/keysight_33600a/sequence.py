"""Sequences of waveforms: `"name","arb",repeats,play,marker,point,...`."""

from __future__ import annotations

from dataclasses import dataclass

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import choice, integer, separate, string

_PLAYS = ("once", "onceWaitTrig", "repeat", "repeatInf", "repeatTilTrig")
_MARKERS = ("maintain", "lowAtStart", "highAtStart", "highAtStartGoLow")
PLAYS = {word.upper(): word for word in _PLAYS}
MARKERS = {word.upper(): word for word in _MARKERS}
_SPELT = tuple(word.upper() for word in _PLAYS)
_MARKED = tuple(word.upper() for word in _MARKERS)
MOST_REPEATS = 1_000_000


@dataclass(frozen=True)
class Step:
    """One segment: which waveform, how often (`repeat` only), how it goes on, its marker."""

    arb: str
    repeats: int
    play: str
    marker: str
    point: int


@dataclass(frozen=True)
class Sequence:
    """Segments played in turn, and then again."""

    name: str
    steps: tuple[Step, ...]

    @property
    def waits(self) -> bool:
        """Whether any segment waits for a trigger."""
        return any(step.play in ("onceWaitTrig", "repeatTilTrig") for step in self.steps)


def parse(text: str) -> Sequence:
    """Read the text of a DATA:SEQuence block; names may be quoted or not.

    Raises `ScpiError`: -109 for an incomplete segment, -224 for an unknown word, -222 for numbers
    out of range.
    """
    fields = [field.strip() for field in separate(text, ",")]
    if len(fields) < 6 or (len(fields) - 1) % 5:
        raise ScpiError(-109)
    steps: list[Step] = []
    for at in range(1, len(fields), 5):
        arb, repeats, play, marker, point = fields[at : at + 5]
        steps.append(
            Step(
                _bare(arb),
                integer(repeats, 0, MOST_REPEATS),
                PLAYS[choice(play, _SPELT)],
                MARKERS[choice(marker, _MARKED)],
                integer(point, 0, 1 << 30),
            )
        )
    return Sequence(_bare(fields[0]), tuple(steps))


def _bare(text: str) -> str:
    name = string(text) if text[:1] in ('"', "'") else text
    if not name:
        raise ScpiError(-109)
    return name
