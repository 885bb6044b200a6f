"""MEASure: when something happens on the screen, and between two waveforms.

Times count from the trigger. Edges are numbered from the left of the screen; `MEASure:DEFine DELay`
says which ones a delay is between. A phase is between the first rise of source 1 and the rise of
source 2 that the guide's rule for delays picks. Source: InfiniiVision programmer's guides (2000 X-
and 4000 X-Series, DSOX1204A), ":MEASure Commands". A choice here: a delay or a phase without a
source 2 has input 2 there; other thresholds than 10, 50 and 90 % are refused (-221).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, choice, integer, number
from sim_backends.engine.session import ScpiSession
from sim_backends.oscilloscope.pulses import Pulses

from .math import MATH
from .measure import Floats, finite, on_screen
from .measure_sources import MeasureSources
from .notation import SHORT

if TYPE_CHECKING:
    from .scope import KeysightInfiniivision

Edge = tuple[bool, int]
"""Whether it rises, and its number from the left."""
MOST_EDGES = 1000


class MeasureTimes:
    """Edges, extremes and crossings in time; delays and phases of two sources."""

    def __init__(self, scope: KeysightInfiniivision, sources: MeasureSources) -> None:
        self._scope, self._sources = scope, sources
        self.edges: tuple[Edge, Edge] = ((True, 1), (True, 1))
        """Those that a delay is between."""
        add = scope.commands.add
        add("MEASure:DEFine", self._define)
        add("MEASure:DEFine?", self._defined)
        for name, work_out in (("DELay", self._delay), ("PHASe", self._phase)):
            add(f"MEASure:{name}", lambda session, suffixes, text: self._pair(text) and None)
            add(
                f"MEASure:{name}?",
                lambda session, suffixes, text, of=work_out: SHORT(finite(of(*self._pair(text)))),
            )
        add("MEASure:XMAX?", lambda session, suffixes, text: self._extreme(text, max))
        add("MEASure:XMIN?", lambda session, suffixes, text: self._extreme(text, min))
        add("MEASure:TEDGe?", self._edge_time)
        add("MEASure:TVALue?", self._value_time)
        add("MEASure:VTIMe?", self._value_at)

    def reset(self) -> None:
        """*RST."""
        self.edges = ((True, 1), (True, 1))

    # -- two sources ------------------------------------------------------------------------------

    def _define(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        what, *rest = arguments(text, 2, 5)
        if choice(what, ("DELay", "THResholds")) == "DELAY":
            if len(rest) != 2:
                raise ScpiError(-109)
            self.edges = (_edge(rest[0]), _edge(rest[1]))
        elif choice(rest[0], ("STANdard", "PERCent", "ABSolute")) != "STANDARD":
            raise ScpiError(-221)  # 10, 50 and 90 % are what is measured at

    def _defined(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
        if choice(arguments(text, 1, 2)[0], ("DELay", "THResholds")) == "DELAY":
            return ",".join(f"{'+' if rises else '-'}{number}" for rises, number in self.edges)
        return "PERC,+90.0E+00,+50.0E+00,+10.0E+00"

    def _pair(self, text: str) -> tuple[Pulses | None, Pulses | None]:
        (first, second), _ = self._sources.given(text, 2)
        return self._pulses(first), self._pulses(second or 2)

    def _pulses(self, channel: int) -> Pulses | None:
        known = channel == MATH or channel in self._scope.numbers
        found = on_screen(self._scope, channel) if known else None
        return None if found is None else Pulses(*found)

    def _delay(self, first: Pulses | None, second: Pulses | None) -> float:
        if first is None or second is None:
            return math.nan
        return second.edge_time(*self.edges[1]) - first.edge_time(*self.edges[0])

    def _phase(self, first: Pulses | None, second: Pulses | None) -> float:
        return math.nan if first is None or second is None else first.phase(second, rises=True)

    # -- one source -------------------------------------------------------------------------------

    def _source(self, words: list[str]) -> tuple[Pulses | None, float]:
        """The waveform, and when its first point is."""
        (channel, _), _ = self._sources.given(",".join(words), 1)
        pulses = self._pulses(channel)
        if pulses is None:
            return None, math.nan
        plan = self._scope.acquisition.records[-1].plan
        return pulses, plan.delay - plan.before / plan.rate

    def _extreme(self, text: str, of: Callable[[Floats], float]) -> str:
        pulses, start = self._source(arguments(text, 0, 1) if text.strip() else [])
        if pulses is None:
            return SHORT(math.inf)
        first = int(np.flatnonzero(pulses.volts == of(pulses.volts))[0])
        return SHORT(start + first * pulses.step)

    def _edge_time(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
        edge, *rest = arguments(text, 1, 2)
        rises, count = _edge(edge)
        pulses, start = self._source(rest)
        return SHORT(math.inf if pulses is None else finite(start + pulses.edge_time(rises, count)))

    def _value_time(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
        value, edge, *rest = arguments(text, 2, 3)
        level, (rises, count) = number(value, "V"), _edge(edge)
        pulses, start = self._source(rest)
        if pulses is None:
            return SHORT(math.inf)
        beyond = pulses.volts >= level if rises else pulses.volts <= level
        crossings = np.flatnonzero(beyond[1:] & ~beyond[:-1])
        if len(crossings) < count:
            return SHORT(math.inf)
        at = int(crossings[count - 1])
        low, high = pulses.volts[at], pulses.volts[at + 1]
        return SHORT(start + (at + float((level - low) / (high - low))) * pulses.step)

    def _value_at(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
        when, *rest = arguments(text, 1, 2)
        time = number(when, "S")
        pulses, start = self._source(rest)
        if pulses is None:
            return SHORT(math.inf)
        at = round((time - start) / pulses.step)
        inside = 0 <= at < pulses.volts.size
        return SHORT(float(pulses.volts[at]) if inside else math.inf)


def _edge(text: str) -> Edge:
    """`+2` is the second rise, `-1` the first fall, `3` the third rise. Raises `ScpiError`."""
    text = text.strip()
    return not text.startswith("-"), integer(text.lstrip("+-"), 1, MOST_EDGES)
