"""The devices of one bench: every constant that a seed draws.

Each kind of imperfection has a random stream of its own and draws unit numbers that are then
scaled, so that switching one off, or changing its size, leaves all the others as they were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim_backends.plant.signals import Complexes, Floats
from sim_backends.plant.spec import PlantSpec

#: Numbers of the random streams: never reorder, a seed must keep meaning the same bench.
_STREAMS = (
    ("phase", 1),
    ("p_pi", 2),
    ("resistance", 3),
    ("splitter_a", 4),
    ("splitter_b", 5),
    ("loss", 6),
    ("leak", 7),
    ("modulator_gain", 8),
    ("modulator_bias", 9),
    ("detector_gain", 10),
    ("detector_offset", 11),
    ("drive_delay", 12),
    ("line_delay", 13),
    ("quadrature", 14),
)
PATTERN_LINES = 8

#: The least value of a device's constant that is nominally one, however wide its spread is set.
_LEAST_FACTOR = 0.2


@dataclass(frozen=True)
class Devices:
    """Constants of a bench; arrays of a bank are (n_banks, ...), of ports (N,).

    Attributes
    ----------
    phase : (n_banks, N^2) rad at zero power, uniform in 0..2 pi.
    p_pi : (n_banks, N^2) W, heater power of a phase of pi; infinite of a short.
    r0 : (n_banks, N^2) ohm, cold; infinite of an open heater.
    alpha, beta : (n_banks, cells) rad, splitter errors.
    loss_db : (n_banks, cells).
    leak : (n_banks, n_banks) complex, field of bank j while k is selected; zero diagonal.
    modulator_gain, modulator_bias (rad), detector_gain, detector_offset (signal units) : (N,).
    drive_delay : (N,) s, from an output to the detectors. line_delay : (8,) s, likewise.
    quadrature_step : rad, by which the local oscillator's phase line delays it: near pi / 2.
    """

    phase: Floats
    p_pi: Floats
    r0: Floats
    alpha: Floats
    beta: Floats
    loss_db: Floats
    leak: Complexes
    modulator_gain: Floats
    modulator_bias: Floats
    detector_gain: Floats
    detector_offset: Floats
    drive_delay: Floats
    line_delay: Floats
    quadrature_step: float


def draw_devices(spec: PlantSpec) -> Devices:
    """Draw the devices that the seed of a bench stands for."""
    streams = {
        name: np.random.default_rng(np.random.SeedSequence([spec.seed, tag]))
        for name, tag in _STREAMS
    }
    numbers, banks, ports = spec.numbers, spec.n_banks, spec.ports
    heaters, cells = (banks, spec.elements), (banks, spec.cells)

    def normal(name: str, shape: tuple[int, ...], size: float) -> Floats:
        return size * streams[name].standard_normal(shape)

    def factor(name: str, shape: tuple[int, ...], spread: float) -> Floats:
        return np.maximum(1.0 + normal(name, shape, spread), _LEAST_FACTOR)

    def delay(name: str, count: int) -> Floats:
        return numbers.path_delay + numbers.skew * streams[name].uniform(-1.0, 1.0, count)

    faults = spec.faults
    return Devices(
        phase=streams["phase"].uniform(0.0, 2 * np.pi, heaters),
        p_pi=faults.p_pi(spec.p_pi * factor("p_pi", heaters, numbers.p_pi_spread)),
        r0=faults.r0(spec.r_nom * factor("resistance", heaters, numbers.r0_spread)),
        alpha=normal("splitter_a", cells, numbers.splitter_rms),
        beta=normal("splitter_b", cells, numbers.splitter_rms),
        # A cell never amplifies.
        loss_db=np.maximum(numbers.loss_db + normal("loss", cells, numbers.loss_spread_db), 0.0),
        leak=_leak(streams["leak"], banks, numbers.extinction_db),
        modulator_gain=factor("modulator_gain", (ports,), numbers.modulator_gain_spread),
        modulator_bias=normal("modulator_bias", (ports,), numbers.modulator_bias_rms),
        detector_gain=faults.detector_gain(
            factor("detector_gain", (ports,), numbers.detector_gain_spread)
        ),
        detector_offset=normal("detector_offset", (ports,), numbers.detector_offset_rms),
        drive_delay=delay("drive_delay", ports),
        line_delay=delay("line_delay", PATTERN_LINES),
        quadrature_step=np.pi / 2
        + float(normal("quadrature", (1,), numbers.quadrature_error_rms)[0]),
    )


def _leak(stream: np.random.Generator, banks: int, extinction_db: float | None) -> Complexes:
    phases = stream.uniform(0.0, 2 * np.pi, (banks, banks))
    if extinction_db is None:
        return np.zeros((banks, banks), dtype=np.complex128)
    leak = 10.0 ** (-extinction_db / 20.0) * np.exp(1j * phases)
    np.fill_diagonal(leak, 0.0)
    return leak
