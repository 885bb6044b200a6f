"""A box that stands alone: each output looped back to its input, triggered every `period`."""

from __future__ import annotations

import numpy as np

from sim_backends.edges import next_periodic
from sim_backends.host.clock import Clock
from sim_backends.instrument import OptionError, Placement, refuse_unknown

from .acquisition import Capture
from .box import RedPitaya


class LoopBack:
    """Cables from output to input of the same number, and a trigger edge every `period` s."""

    def __init__(self, clock: Clock, period: float, noise: float, seed: int) -> None:
        self.now = clock.now
        self._period = period
        self._noise = noise
        self._random = np.random.default_rng(np.random.SeedSequence([seed, 0x10BAC]))
        self.box: RedPitaya | None = None

    def next_edge(self, after: float, rising: bool) -> float | None:
        """Rising edges at whole periods, falling ones a tenth of a period later.

        Those that nobody has asked for in a second are over: only what waits for one sees it.
        """
        after = max(after, self.now() - 1.0)
        shift = 0.0 if rising else 0.1 * self._period
        return next_periodic(after, self._period, shift)

    def quiet(self) -> bool:
        """The edges go on for ever."""
        return False

    def before_change(self) -> None:
        """Triggers up to now are taken before an output changes."""
        if self.box is not None:
            self.box.advance()

    def observe(self, capture: Capture, first: int, count: int) -> None:
        """What the outputs play, with noise."""
        assert self.box is not None
        begin, end = first, first + count
        if capture.points is not None:
            held = capture.first + capture.points.shape[0]
            if capture.first <= begin and end <= held:
                return
            begin, end = min(begin, capture.first), max(end, held)
        # In the middle of each point: output and input have one clock, edges would fall together.
        times = (np.arange(begin, end) + 0.5) * capture.step
        columns = []
        for output in self.box.outputs:
            begins = capture.start + times[0]
            ends = capture.start + times[-1] + capture.step
            wave = output.waveform(capture.start, float(begins), float(ends))
            index = np.floor((times - wave.start) / wave.dwell).astype(int)
            inside = np.asarray(wave.values)[np.clip(index, 0, len(wave.values) - 1)]
            volts = np.where(index < 0, wave.before, inside)
            columns.append(np.where(index >= len(wave.values), wave.after, volts))
        clean = np.stack(columns, axis=1)
        capture.points = clean + self._noise * self._random.standard_normal(clean.shape)
        capture.first = begin


def build(placement: Placement) -> RedPitaya:
    """Options: `period` of the trigger (s), `noise` at the inputs (V rms)."""
    options = placement.options
    refuse_unknown("red_pitaya", options, ("period", "noise"))
    period, noise = float(options.get("period", 0.01)), float(options.get("noise", 5e-4))
    if not period > 0.0 or not noise >= 0.0:
        raise OptionError("a period is positive, noise not negative")
    joined = LoopBack(placement.clock, period, noise, placement.seed)
    joined.box = RedPitaya(joined)
    return joined.box
