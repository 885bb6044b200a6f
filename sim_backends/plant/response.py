"""Detector volts in time: the response of a single pole to a piecewise constant signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import get_lapack_funcs

from sim_backends.plant.scratch import Scratch
from sim_backends.plant.signals import Floats, SampleGrid

(_solve_triangular_band,) = get_lapack_funcs(("tbtrs",), dtype=np.float64)


@dataclass(frozen=True)
class Response:
    """Detector volts in time.

    Attributes
    ----------
    bounds : (intervals + 1,) s.
    settled : (N, intervals) V approached during each interval.
    apart : (N, intervals) V, by how much the start of each interval is off that; None without a
        pole.
    areas : (N, intervals) V s, integral of `settled` up to the start of each interval.
    tau : s, of the single pole; 0 for unlimited bandwidth.
    """

    bounds: Floats
    settled: Floats
    apart: Floats | None
    areas: Floats
    tau: float

    def read(self, grids: Sequence[SampleGrid], scratch: Scratch) -> Floats:
        """Points free of noise, (readings, count) V, for grids of one count and one way to read.

        Readings are the ports of the first grid, then those of the next, and so on.
        """
        count, average = grids[0].count, grids[0].average
        start = np.array([grid.start for grid in grids])[:, None]
        step = np.array([grid.step for grid in grids])[:, None]
        times = start + step * np.arange(count + average)
        intervals = self.settled.shape[1]
        index = np.searchsorted(self.bounds[1:intervals], times, side="right")
        since = times - self.bounds[index]
        owner = np.repeat(np.arange(len(grids)), [len(grid.ports) for grid in grids])
        port = np.array([port for grid in grids for port in grid.ports], dtype=np.intp)
        place = scratch.integers("reading", port.size, times.shape[1])
        np.take(index, owner, axis=0, out=place, mode="clip")
        place += intervals * port[:, None]
        values, transient, extra = (
            scratch.floats(name, *place.shape) for name in ("values", "transient", "extra")
        )
        self.settled.ravel().take(place, out=values, mode="clip")
        if self.apart is None:
            transient[:] = 0.0
        else:
            self.apart.ravel().take(place, out=transient, mode="clip")
            np.exp(since / -self.tau).take(owner, axis=0, out=extra, mode="clip")
            transient *= extra
        if not average:
            return values + transient
        # The integral of a single pole's v needs v only at both ends, since
        # tau dv/dt = settled - v; here v = settled + transient.
        (since - self.tau).take(owner, axis=0, out=extra, mode="clip")
        values *= extra
        self.areas.ravel().take(place, out=extra, mode="clip")
        values += extra
        transient *= self.tau
        values -= transient
        points = values[:, 1:] - values[:, :-1]
        points /= step[owner]
        return points


def respond(settled: Floats, bounds: Floats, tau: float, scratch: Scratch) -> Response:
    """Detectors that follow `settled` (N, intervals) V, between `bounds`, from rest."""
    lengths = np.diff(bounds)
    areas, each = (scratch.floats(name, *settled.shape) for name in ("areas", "each"))
    areas[:, 0] = 0.0
    np.multiply(settled, lengths, out=each)
    np.cumsum(each[:, :-1], axis=1, out=areas[:, 1:])
    apart = None
    if tau:
        apart = _single_pole(settled, lengths, tau, scratch)
        apart -= settled
    return Response(bounds, settled, apart, areas, tau)


def _single_pole(settled: Floats, lengths: Floats, tau: float, scratch: Scratch) -> Floats:
    """Values at the start of each interval, (N, intervals), from rest.

    v[i + 1] = d_i v[i] + (1 - d_i) settled[i] with d_i = e^(-length_i / tau): a lower bidiagonal
    system, solved at once for all ports.
    """
    decay = np.exp(-lengths[:-1] / tau)
    right = scratch.floats("pole", *settled.shape)
    right[:, 0] = settled[:, 0]
    np.multiply(settled[:, :-1], 1.0 - decay, out=right[:, 1:])
    band = np.ones((2, lengths.size), order="F")
    band[1, :-1] = -decay
    values, _ = _solve_triangular_band(band, right.T, uplo="L", diag="U", overwrite_b=True)
    return values.T
