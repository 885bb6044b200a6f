"""The modulated light of a frame in time: one held amplitude a port and sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim_backends.plant.electronics import Modulators
from sim_backends.plant.scratch import Scratch
from sim_backends.plant.signals import Floats, Integers, Waveform


@dataclass(frozen=True)
class Drives:
    """Modulated fields in time: amplitudes[p, j + 2] holds during sample j of port p.

    Before sample 0 come two equal columns, so that there is always a preceding one.
    """

    amplitudes: Floats
    starts: Floats
    dwells: Floats
    counts: Integers

    def edges(self) -> Floats:
        """Every time at which a drive may change, s."""
        steps = np.arange(int(self.counts.max()) + 1)
        times = self.starts[:, None] + self.dwells[:, None] * steps
        return times[steps <= self.counts[:, None]]

    def fields(self, middle: Floats, scratch: Scratch) -> tuple[Floats, Floats]:
        """Fields (N, times), and those of each port's preceding sample."""
        ports, width = self.amplitudes.shape
        place = scratch.floats("place", ports, middle.size)
        np.subtract(middle, self.starts[:, None], out=place)
        place /= self.dwells[:, None]
        np.floor(place, out=place)
        np.maximum(place, -1.0, out=place)
        np.minimum(place, self.counts[:, None], out=place)
        place += (1 + width * np.arange(ports))[:, None]
        index = scratch.integers("index", *place.shape)
        np.copyto(index, place, casting="unsafe")
        now, before = (scratch.floats(name, *place.shape) for name in ("now", "before"))
        amplitudes = self.amplitudes.ravel()
        # Every index is within; "clip" only spares numpy a copy of the output.
        amplitudes[1:].take(index, out=now, mode="clip")
        amplitudes.take(index, out=before, mode="clip")
        return now, before


def modulated(waveforms: Sequence[Waveform], delays: Floats, modulators: Modulators) -> Drives:
    """The light that waveforms make, `delays` (N,) s after they leave their instruments."""
    counts = np.array([wave.values.size for wave in waveforms], dtype=np.intp)
    volts = np.empty((len(waveforms), int(counts.max()) + 3))
    for port, wave in enumerate(waveforms):
        volts[port, :2] = wave.before
        volts[port, 2 : counts[port] + 2] = wave.values
        volts[port, counts[port] + 2 :] = wave.after
    return Drives(
        amplitudes=np.ascontiguousarray(modulators.amplitudes(volts.T).T),
        starts=np.array([wave.start for wave in waveforms]) + delays,
        dwells=np.array([wave.dwell for wave in waveforms]),
        counts=counts,
    )
