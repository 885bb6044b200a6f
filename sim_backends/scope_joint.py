"""What an oscilloscope's inputs lead to on a bench: detectors, and what triggers it.

What has been seen once is kept: an instant's volts are the same whenever, and by whichever input's
reading, they are asked for again, also after the bench has moved on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .oscilloscope.acquisition import Acquisition
from .oscilloscope.inputs import EXTERNAL

if TYPE_CHECKING:
    from .wiring import Wiring

Floats = NDArray[np.float64]
KEPT = 8
MOST = 1 << 20
"""Points that one look has at most; the instants between are taken for the nearest."""
SCANNED = 4096
"""Points in which a pattern is searched for crossings of a detector's volts."""
_MARGIN = 0.5e-6
"""s beyond a pattern's ends that still belong to it."""
_ALIKE = 0.02
"""Of a step, by which instants of one grid may differ: rounding."""


@dataclass(frozen=True, eq=False)
class Look:
    """Volts (count, ports) at instants `step` s apart, from bench time `start` on."""

    start: float
    step: float
    values: Floats

    def places(self, times: Floats) -> Floats:
        """Where in the look instants (n,) lie, in steps."""
        return (times - self.start) / self.step

    def shows(self, times: Floats) -> bool:
        """Whether all these instants are its own."""
        places = self.places(times)
        near = np.rint(places)
        inside = near[0] >= 0 and near[-1] < len(self.values)
        return bool(inside and (np.abs(places - near) <= _ALIKE).all())


class ScopeJoint:
    """The surroundings of one oscilloscope.

    `triggered` is the input that the trigger line leads to (0: it leads to EXT alone). `follow` is
    given the oscilloscope's acquisition and its `advance` once there is one.
    """

    def __init__(self, wiring: Wiring, name: str, triggered: int) -> None:
        self._wiring = wiring
        self._name = name
        self._ports = wiring.ports_at(name)
        self._triggered = triggered
        self._looks: deque[Look] = deque(maxlen=KEPT)
        self._acquisition: Acquisition | None = None
        self._advance: Callable[[], None] = lambda: None

    def follow(self, acquisition: Acquisition, advance: Callable[[], None]) -> None:
        """Keep what this acquisition has recorded before the bench changes."""
        self._acquisition, self._advance = acquisition, advance

    # -- as the oscilloscope sees it --------------------------------------------------------------

    def volts(self, channel: int, times: Floats) -> Floats:
        """Volts at an input at these times, (n,) in order; an open input sees 0 V."""
        if not times.size:
            return np.zeros(0)
        if channel == self._triggered:
            return self._wiring.trigger_of(self._name).volts(times)
        port = self._ports.get(channel)
        return np.zeros(times.size) if port is None else self._seen(times)[:, port]

    def next_edge(self, source: int, level: float, rising: bool, after: float) -> float | None:
        """Next edge of the trigger line; of a detector, the next crossing that is past."""
        wiring = self._wiring
        if source in (EXTERNAL, self._triggered):
            return wiring.trigger_of(self._name).next_edge(after, rising, level)
        port = self._ports.get(source)
        playback = wiring.playback
        begin, end = max(after, playback.start), min(wiring.now(), playback.end + _MARGIN)
        if port is None or not playback.length or end <= begin:
            return None
        step = (end - playback.start) / SCANNED
        above = wiring.volts(playback.start, step, SCANNED)[:, port] >= level
        before, later = (~above[:-1], above[1:]) if rising else (above[:-1], ~above[1:])
        edges = playback.start + step * (1 + np.flatnonzero(before & later))
        edges = edges[edges > begin]
        return float(edges[0]) if edges.size else None

    # -- as the wiring sees it --------------------------------------------------------------------

    def settle(self) -> None:
        """The bench is about to change: what a pattern has shown so far is kept."""
        if self._acquisition is None:
            return
        self._advance()
        latest, playback = self._acquisition.latest, self._wiring.playback
        if latest is None or not playback.length:
            return
        plan, trigger = latest
        if not playback.start - _MARGIN <= trigger <= playback.end + _MARGIN:
            return
        first = trigger + plan.delay - plan.before / plan.rate
        begin = max(first, playback.start - _MARGIN)
        end = min(first + plan.length, playback.end + _MARGIN, self._wiring.now())
        # On the record's own grid, so that it is found again.
        begin = first + np.ceil((begin - first) * plan.rate - _ALIKE) / plan.rate
        count = int((end - begin) * plan.rate + _ALIKE)
        if count >= 1 and not self._covered(begin, begin + (count - 1) / plan.rate):
            self._seen(begin + np.arange(count) / plan.rate)

    def _covered(self, begin: float, end: float) -> bool:
        """Whether one look shows all from `begin` to `end`, or as good as all."""
        return any(
            look.start <= begin + look.step
            and end <= look.start + look.step * (len(look.values) + 1)
            for look in self._looks
        )

    # -- looks ------------------------------------------------------------------------------------

    def _seen(self, times: Floats) -> Floats:
        """Volts (n, ports) at instants (n,) in order, of all ports."""
        for look in self._looks:
            if look.shows(times):
                return look.values[np.rint(look.places(times)).astype(np.intp)]
        start, span = float(times[0]), float(times[-1] - times[0])
        step = self._step(times)
        count = min(round(span / step) + 1, MOST)
        step = max(step, span / max(1, count - 1))
        values = self._wiring.volts(start, step, count)
        values = self._as_seen_before(
            start + step * np.arange(count, dtype=np.float64), step, values
        )
        look = Look(start, step, values)
        self._looks.append(look)
        places = np.clip(np.rint(look.places(times)), 0, count - 1)
        return values[places.astype(np.intp)]

    def _as_seen_before(self, times: Floats, step: float, values: Floats) -> Floats:
        """With what is known of these instants, or of some nearest to them, in its place."""
        for look in self._looks:
            if look.step > step * (1.0 + _ALIKE):
                continue
            places = np.rint(look.places(times)).astype(np.int64)
            known = (places >= 0) & (places < len(look.values))
            if known.any():
                values = values.copy()
                values[known] = look.values[places[known]]
        return values

    @staticmethod
    def _step(times: Floats) -> float:
        """Seconds between neighbours that are not one instant."""
        if times.size < 2:
            return 1e-9
        apart = np.diff(times)
        mean = float(times[-1] - times[0]) / apart.size
        if mean > 0.0 and np.abs(apart - mean).max() <= _ALIKE * mean:
            return mean
        apart = apart[apart > 0.0]
        return float(apart.min()) if apart.size else 1e-9
