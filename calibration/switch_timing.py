"""One bank switched on and off by a pseudo-random pattern: its delay at each port, its rise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.edges import RISE, Pattern, arrival, fit_rise, pseudo_random
from calibration.glance import Glance
from calibration.knowledge import Knowledge
from calibration.port_faults import readable
from calibration.setup import LineTest
from calibration.tally import Tally
from calibration.tomography import amplitudes

Floats = NDArray[np.float64]

#: Order of the pattern's shift register: 127 chips, 64 edges.
ORDER = 7
#: Farthest delay looked for, dwells.
FARTHEST = 1.5
#: Share of a port's variance that the pattern must explain for the port to count.
_EXPLAINED = 0.2
#: Patterns of drives tried, for one that lights all ports.
_TRIED = 200


@dataclass(frozen=True, eq=False)
class Timing:
    """Of one bank.

    delay : (ports,) s; seen : (ports,) which of them count. bank_delay, bank_sigma : s, of their
    weighted mean; NaN where no port counts. rise, rise_sigma : s, 10 to 90 %.
    """

    delay: Floats
    seen: NDArray[np.bool_]
    bank_delay: float
    bank_sigma: float
    rise: float
    rise_sigma: float


async def time_bank(tally: Tally, knowledge: Knowledge, first: Glance, bank: int) -> Timing:
    """Switch a bank on and off and see when it acts.

    Where switching it off does not show (select lines that code a bank in binary have no off), it
    is switched against the next bank.

    Raises
    ------
    NotImplementedError
        On a bench without timing.
    """
    setup = tally.setup
    others = [-1] if setup.n_banks < 2 else [-1, (bank + 1) % setup.n_banks]
    timing = _nothing(setup.ports)
    for other in others:
        values = _drives(knowledge, first, bank, other)
        timing = await _against(tally, values, bank, other, readable(knowledge))
        if timing.seen.any():
            break
    return timing


async def _against(
    tally: Tally, values: Floats, bank: int, other: int, rows: NDArray[np.bool_]
) -> Timing:
    """Timing from one line test; rows : (ports,) which detectors can be read."""
    setup = tally.setup
    bits = pseudo_random(ORDER)
    # A quarter of a dwell, but no multiple of a point, so that edges fall everywhere in points.
    chip = (2 * round(setup.dwell * 1e9 / 8) + 3) * 1e-9
    banks = [bank if bit else other for bit in bits]
    points = await tally.line_test(LineTest(values, banks, chip))
    pattern = Pattern(bits.astype(np.float64), chip)
    width = float(np.median(np.diff(points.times, axis=0)))
    # Before the pattern its first bank is shown; behind it the light goes off at some time.
    inside = (points.times.min(axis=1) > -FARTHEST * setup.dwell) & (
        points.times.max(axis=1) < (len(bits) - 1) * chip
    )
    times, signal = points.times[inside], points.signal[inside]
    found = arrival(pattern, times, signal, width, FARTHEST * setup.dwell)
    seen = rows & (found.share > _EXPLAINED)
    if not seen.any():
        return _nothing(setup.ports)
    rise = fit_rise(pattern, times, signal, width, found, np.flatnonzero(seen).tolist())
    weight = np.where(seen, rise.delay_sigma, np.inf) ** -2.0
    mean = float((weight * np.where(seen, found.delay, 0.0)).sum() / weight.sum())
    # Ports differ by their clocks as well: what they scatter by counts too.
    scatter = float(found.delay[seen].std(ddof=1) / np.sqrt(seen.sum())) if seen.sum() > 1 else 0.0
    sigma = float(np.hypot(weight.sum() ** -0.5, scatter))
    return Timing(found.delay, seen, mean, sigma, RISE * rise.tau, RISE * rise.sigma)


def _drives(knowledge: Knowledge, first: Glance, bank: int, other: int) -> Floats:
    """Drives (ports,) that make all ports see the bank switch: the best of many, full on or off."""
    rng = np.random.default_rng([knowledge.ports, bank, 0xED6E])
    tried = rng.choice([-1.0, 1.0], (_TRIED, knowledge.ports))
    light = _light(knowledge, first, bank, tried)
    if other >= 0:
        light = light - _light(knowledge, first, other, tried)
    rows = readable(knowledge)
    rows = rows if rows.any() else ~rows
    return tried[int(np.argmax(np.abs(light[:, rows]).min(axis=1)))]


def _light(knowledge: Knowledge, first: Glance, bank: int, drives: Floats) -> Floats:
    """Signals (tried, ports) in homodyne detection."""
    sent = amplitudes(knowledge, drives)
    return sent @ first.matrix[bank].real.T + first.constant[bank].real


def _nothing(ports: int) -> Timing:
    nan = float("nan")
    return Timing(np.full(ports, nan), np.zeros(ports, dtype=bool), nan, nan, nan, nan)
