"""Rendering of a frame: from drives and gates in time to what the digitisers see.

Everything that drives the optics is constant between edges, so the settled detector signal is
piecewise constant, the single-pole response to it is a sum of exponentials, and means over points
are taken in closed form: nothing is sampled. Only the first-order rise of a gate is divided into
parts, since the detectors saturate.

The optical memory is an echo: of a field one dwell ago a share `memory` is still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim_backends.plant.drives import Drives, modulated
from sim_backends.plant.electronics import Detectors, Modulators
from sim_backends.plant.gates import FIRST_BANK, LO, QUADRATURE, SIGNAL, Gates, gates_from_lines
from sim_backends.plant.numbers import PlantNumbers
from sim_backends.plant.response import respond
from sim_backends.plant.scratch import Scratch
from sim_backends.plant.signals import Complexes, Floats, FrameSignals, SampleGrid
from sim_backends.plant.spec import RAW_SAMPLE, LineRoles


@dataclass(frozen=True)
class FrameOptics:
    """The plant as it is during one frame.

    Attributes
    ----------
    detected : one (N, N) matrix a bank, from modulated field to field at the detectors, leak and
        LO phase included.
    drive_delays : (N,) s, fixed. line_delays : (8,) s, fixed.
    quadrature_step : rad, by which the LO is delayed while its phase line is high.
    brightness : of the laser, in units of its nominal power.
    stream : random numbers of this frame.
    scratch : work arrays.
    """

    detected: Sequence[Complexes]
    modulators: Modulators
    detectors: Detectors
    numbers: PlantNumbers
    roles: LineRoles
    drive_delays: Floats
    line_delays: Floats
    quadrature_step: float
    stream: np.random.Generator
    scratch: Scratch
    brightness: float = 1.0


def render_frame(
    frame: FrameSignals, grids: Sequence[SampleGrid], optics: FrameOptics
) -> list[Floats]:
    """Detector volts at the asked times, (count, len(ports)) for each grid, read noise included.

    Raises
    ------
    ValueError
        When the frame has not one drive a port.
    """
    ports = optics.drive_delays.size
    if len(frame.drives) != ports:
        raise ValueError(f"a frame of {len(frame.drives)} drives for {ports} ports")
    numbers, stream, scratch = optics.numbers, optics.stream, optics.scratch
    delays, edge_jitter = optics.drive_delays, None
    if numbers.jitter:
        delays = delays + numbers.jitter * stream.standard_normal(ports)
        edges = (frame.lines.times.size, optics.line_delays.size)
        edge_jitter = numbers.jitter * stream.standard_normal(edges)
    drives = modulated(frame.drives, delays, optics.modulators)
    gates = _gates(frame, optics, edge_jitter)
    echo = float(drives.dwells.min()) if numbers.memory else 0.0
    bounds = _bounds(drives, gates, grids, echo)
    signal = _signal(drives, gates, bounds, echo, optics)
    if optics.brightness != 1.0:
        signal = signal * optics.brightness
    settled = scratch.floats("settled", *signal.shape)
    settled[:] = optics.detectors.volts(signal.T).T
    tau = 0.0 if numbers.bandwidth is None else 1.0 / (2 * np.pi * numbers.bandwidth)
    response = respond(settled, bounds, tau, scratch)
    results: list[Floats] = [np.zeros((0, 0))] * len(grids)
    for alike in _alike(grids):
        points = response.read([grids[i] for i in alike], scratch)
        if numbers.read_noise:
            points += _read_noise([grids[i] for i in alike], optics)
        first = 0
        for i in alike:
            results[i] = points[first : first + len(grids[i].ports)].T
            first += len(grids[i].ports)
    return results


def tapped_light(
    frame: FrameSignals, grids: Sequence[SampleGrid], optics: FrameOptics, coherent: bool
) -> list[Floats]:
    """Light before the detectors of ports, (count, len(ports)) for each grid, in signal units.

    Of fields (`coherent`) their squares; of powers what is dropped: with M the signed weights by
    sqrt N and p the powers of the N wavelengths, (M p + sum(p) / sqrt N) / 2. A tap is read by a
    slow meter: it sees neither jitter nor what is left of the sample before.
    """
    drives = modulated(frame.drives, optics.drive_delays, optics.modulators)
    gates = _gates(frame, optics, None)
    bounds = _bounds(drives, gates, grids, 0.0)
    scratch = optics.scratch
    now, _ = drives.fields(0.5 * (bounds[1:] + bounds[:-1]), scratch)
    opened = _light(gates.means(bounds[:-1], bounds[1:]))
    total = np.zeros(now.shape, np.complex128)
    dropped = np.zeros(now.shape[1])
    for bank, matrix in enumerate(optics.detected):
        if opened[bank].any():
            total += matrix @ (now * opened[bank])
            dropped += (now * opened[bank]).sum(axis=0)
    if coherent:
        light = np.abs(total) ** 2
    else:
        light = np.maximum(total.real + dropped / np.sqrt(len(now)), 0.0) / 2.0
    response = respond(light * optics.brightness, bounds, 0.0, scratch)
    return [response.read([grid], scratch).T.copy() for grid in grids]


def _gates(frame: FrameSignals, optics: FrameOptics, jitter: Floats | None) -> Gates:
    return gates_from_lines(
        frame.lines,
        optics.roles,
        len(optics.detected),
        optics.numbers.switch_rise,
        optics.line_delays,
        jitter,
    )


def _alike(grids: Sequence[SampleGrid]) -> list[list[int]]:
    """Numbers of the grids, those that can be read together in one list."""
    groups: dict[tuple[int, bool], list[int]] = {}
    for i, grid in enumerate(grids):
        groups.setdefault((grid.count, grid.average), []).append(i)
    return list(groups.values())


def _read_noise(grids: Sequence[SampleGrid], optics: FrameOptics) -> Floats:
    """Noise of points, (readings, count) V, in the order of `Response.read`."""
    rms = np.concatenate(
        [
            optics.detectors.noise_volts(grid.step if grid.average else RAW_SAMPLE)[
                np.array(grid.ports, dtype=np.intp)
            ]
            for grid in grids
        ]
    )
    noise = optics.scratch.floats("noise", rms.size, grids[0].count)
    optics.stream.standard_normal(out=noise)
    noise *= rms[:, None]
    return noise


def _signal(
    drives: Drives, gates: Gates, bounds: Floats, echo: float, optics: FrameOptics
) -> Floats:
    """What the detectors would settle to in each interval, (N, intervals), signal units."""
    scratch = optics.scratch
    now, before = drives.fields(0.5 * (bounds[1:] + bounds[:-1]), scratch)
    opening = gates.means(bounds[:-1], bounds[1:])
    opened = _light(opening)
    past = np.zeros_like(opened)
    if echo:
        earlier = gates.means(bounds[:-1] - echo, bounds[1:] - echo)
        past = optics.numbers.memory * _light(earlier)
    light: dict[int, Floats] = {}
    part = scratch.floats("part", *now.shape)
    for bank in range(len(optics.detected)):
        if opened[bank].any() or past[bank].any():
            light[bank] = scratch.floats(f"light {bank}", *now.shape)
            np.multiply(now, opened[bank], out=light[bank])
            if echo:
                light[bank] += np.multiply(before, past[bank], out=part)
    signal = scratch.floats("signal", *now.shape)
    signal[:] = 0.0
    for bank, field in light.items():
        signal += np.matmul(optics.detected[bank].real, field, out=part)
    lo, stepped = opening[:, LO], opening[:, QUADRATURE]
    if (lo == 1.0).all() and not stepped.any():
        return signal
    other = np.zeros_like(now)
    for bank, field in light.items():
        other += optics.detected[bank].imag @ field
    angle = stepped * optics.quadrature_step
    beat = np.cos(angle) * signal + np.sin(angle) * other
    # Without its local oscillator a detector sees the light's intensity.
    return lo * beat + (1.0 - lo) * (signal**2 + other**2)


def _light(opening: Floats) -> Floats:
    """Transmission through signal gate and each bank, (n_banks, intervals)."""
    return np.ascontiguousarray((opening[:, SIGNAL : SIGNAL + 1] * opening[:, FIRST_BANK:]).T)


def _bounds(drives: Drives, gates: Gates, grids: Sequence[SampleGrid], echo: float) -> Floats:
    """Ends of the intervals in which everything is constant, from before to after all reading."""
    switched = gates.edges()
    parts = [drives.edges(), switched]
    if echo:
        parts.append(switched + echo)
    edges = np.sort(np.concatenate(parts))
    first = min([float(edges[0]), *(grid.start for grid in grids)])
    end = max([float(edges[-1]), *(grid.start + grid.step * (grid.count + 1) for grid in grids)])
    return np.concatenate([[first - 1e-9], edges, [end + 1e-9]])
