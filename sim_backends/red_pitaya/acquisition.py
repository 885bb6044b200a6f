"""The two-channel digitiser: a ring of 16384 points, filled until some points after a trigger.

`ACQ:TRig:DLY d` counts from the middle of the ring: 8192 + d points are written after the trigger
(Red Pitaya API, acq_SetTriggerDelay). Both inputs share start, decimation and trigger.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .clock import BoxClock
from .generator import quantise

RING = 16384
_CENTRE = RING // 2
DECIMATIONS = (1, 2, 4, 8, *range(16, 65537))
_EXTERNAL = {"EXT_PE": (True,), "EXT_NE": (False,), "EXT_AE": (True, False)}
Floats = NDArray[np.float64]

Observe = Callable[["Capture", int, int], None]
"""(capture, first, count): make `capture.points` cover these, counted from the trigger."""


class Capture:
    """One filling of the ring after a trigger at bench time `start` (s), a point each `step` s."""

    def __init__(self, start: float, step: float, average: bool, after: int, deep: int = 0) -> None:
        self.start = start
        self.step = step
        self.average = average
        self.after = after
        """points written from the trigger on"""
        self.most = max(min(after, RING), deep)
        """points from the trigger on that some memory holds; `deep` of them in the deep one"""
        self.first = 0
        """of the points rendered so far, the first, counted from the trigger"""
        self.points: Floats | None = None
        """(rendered, 2) V at the inputs"""
        self.digital: Floats = np.zeros((2, 0))
        """(2, rendered) V after the converters"""
        self.digitised: Floats | None = None
        """the points that `digital` was made of"""


@dataclass(frozen=True)
class Ring:
    """A memory that is filled round and round: `size` points, those that are written after a
    trigger, and where the first of these is.
    """

    size: int
    after: int
    trigger: int


class Acquisition:
    """Settings and state of the digitiser."""

    def __init__(self, clock: BoxClock, bits: int | None, observe: Observe) -> None:
        self._clock = clock
        self._bits = bits
        self._observe = observe
        self.deep: Callable[[], int] = lambda: 0
        """Points that the deep memory is to take after a trigger."""
        self.reset()

    def reset(self) -> None:
        """ACQ:RST."""
        self.decimation = 1
        self.average = True
        self.delay = 0
        self.level = [0.0, 0.0]
        self.hysteresis = 0.005
        self.high_voltage = [False, False]
        self.offset = [0.0, 0.0]
        self.volts = True
        self.source = "DISABLED"
        self.running = False
        self.capture: Capture | None = None
        self._armed_at = math.inf
        self._started_at = 0.0
        self._stopped_at = 0.0

    # -- control ----------------------------------------------------------------------------------

    @property
    def step(self) -> float:
        """Time between points, s."""
        return self.decimation * self._clock.tick

    def start(self, now: float) -> None:
        """ACQ:START: fill the ring from now on; an earlier capture is gone."""
        self.running = True
        self.capture = None
        self._started_at = now
        self._armed_at = now if self.source != "DISABLED" else math.inf

    def stop(self, now: float) -> None:
        """ACQ:STOP."""
        if self.running:
            self._stopped_at = now
        self.running = False

    def arm(self, source: str, now: float) -> None:
        """ACQ:TRig: wait for a trigger of this source; NOW triggers at once."""
        self.source = source
        if self.capture is not None:
            return
        self._armed_at = math.inf if source == "DISABLED" else now
        if source == "NOW":
            self.trigger(now, self._clock.start_after(now))

    @property
    def external(self) -> tuple[bool, ...]:
        """Polarities of the external trigger that are awaited (True rising)."""
        return _EXTERNAL.get(self.source, ())

    def awaits(self, when: float) -> bool:
        """Whether a trigger at bench time `when` (s) would be taken."""
        return self.running and self.capture is None and when >= self._armed_at

    def trigger(self, edge: float, start: float) -> None:
        """A trigger edge at bench time `edge`; the first point after it is at `start` (s)."""
        if self.awaits(edge):
            average, after = self.average and self.decimation > 1, _CENTRE + self.delay
            self.capture = Capture(start, self.step, average, after, self.deep())
            # The hardware takes the source away with the trigger: each arming names it again.
            self.source = "DISABLED"

    def words(self, channel: int, volts: Floats) -> NDArray[np.int16]:
        """ADC words (n,) of volts (n,) of an input, by its range."""
        scale = 8192.0 / (20.0 if self.high_voltage[channel] else 1.0)
        return np.clip(np.rint(volts * scale), -8192, 8191).astype(np.int16)

    def set_gain(self, channel: int, high_voltage: bool) -> None:
        """Range of an input: +-1 V, or +-20 V with the jumper set."""
        self.high_voltage[channel] = high_voltage
        if self.capture is not None:
            self.capture.digitised = None

    # -- state ------------------------------------------------------------------------------------

    def triggered(self, now: float) -> bool:
        """Whether the trigger has come."""
        return self.capture is not None and self.capture.start <= now

    def filled(self, now: float) -> bool:
        """Whether all points after the trigger are written."""
        capture = self.capture
        return capture is not None and now >= capture.start + capture.after * capture.step

    def written(self, now: float, most: int) -> int:
        """Points after the trigger written by now, of `most`."""
        capture = self.capture
        if capture is None:
            return 0
        until = now if self.running else min(now, self._stopped_at)
        # A nanosecond's part of a point is rounding, not time.
        done = math.floor((until - capture.start) / capture.step + 1e-6)
        return max(0, min(most, done))

    def trigger_position(self, size: int = RING) -> int:
        """Place of the first point after the trigger in a memory of so many (0: there was none)."""
        if self.capture is None:
            return 0
        return math.floor((self.capture.start - self._started_at) / self.capture.step) % size

    def write_position(self, now: float, size: int = RING, after: int | None = None) -> int:
        """Place that is written next in a memory of `size` points, `after` of them after a
        trigger.
        """
        if self.capture is not None:
            most = self.capture.after if after is None else after
            return (self.trigger_position(size) + self.written(now, most)) % size
        until = now if self.running else self._stopped_at
        return math.floor(max(0.0, until - self._started_at) / self.step) % size

    # -- data -------------------------------------------------------------------------------------

    def read(
        self, channel: int, position: int, count: int, now: float, ring: Ring | None = None
    ) -> Floats:
        """`count` points of an input (0 or 1) from a place in the ring on, V after the converter.

        Points never written since the start read 0. `ring`: another memory than the digitiser's.
        """
        capture = self.capture
        if capture is None:
            return np.zeros(count)
        if ring is None:
            ring = Ring(RING, capture.after, self.trigger_position())
        written, size = self.written(now, ring.after), ring.size
        newest = (ring.trigger + written - 1) % size
        # The ring holds the points written - size .. written - 1, counted from the trigger.
        age = (newest - position) % size
        begin = written - 1 - age
        since = math.ceil((self._started_at - capture.start) / capture.step - 1e-6)
        if begin >= since and count <= written - begin:
            return self._look(capture, begin, count)[channel]
        out = np.zeros(count)
        taken = 0
        while taken < count:
            piece = min(count - taken, written - begin)
            missing = min(max(0, since - begin), piece)
            if piece > missing:
                seen = self._look(capture, begin + missing, piece - missing)
                out[taken + missing : taken + piece] = seen[channel]
            taken += piece
            begin = written - size
        return out

    def _look(self, capture: Capture, first: int, count: int) -> Floats:
        """(2, count) V after the converters."""
        self._observe(capture, first, count)
        points = capture.points
        if points is not None and points is not capture.digitised:
            scale = np.array([[20.0 if high else 1.0] for high in self.high_voltage])
            plain = not any(self.high_voltage)
            volts = np.ascontiguousarray(points.T)
            capture.digital = (
                quantise(volts, self._bits)
                if plain
                else quantise(volts / scale, self._bits) * scale
            )
            capture.digitised = points
        offset = first - capture.first
        return capture.digital[:, offset : offset + count]
