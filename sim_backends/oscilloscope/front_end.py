"""From volts at an input to what the screen shows: probe, coupling, noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .acquisition import Record
from .inputs import Inputs

Volts = NDArray[np.float64]
BLOCK = 1 << 14
"""Points that share one draw of noise, so that any part of a record is the same whenever it is
read.
"""
NOISE = 0.01
"""Sigma of the noise of one sample over a division: a quarter to a third of a code of 8 bits."""


@dataclass(frozen=True)
class Channel:
    """How one input is set when it is digitised: `scale` in V/div at the probe's tip."""

    number: int
    scale: float
    probe: float = 1.0
    coupling: str = "DC"
    invert: bool = False


def shown(
    inputs: Inputs,
    record: Record,
    channel: Channel,
    at: NDArray[np.int64],
    *,
    seed: int,
    quieter: float = 1.0,
    read: tuple[int, int] = (0, -1),
) -> Volts:
    """Volts (n,) at the probe's tip at points (n,) of a record, before the ADC.

    `quieter`: by how much samples that make one point lessen the noise. `read`: which way of
    reading it is (0: every point), and where in it these points begin (-1: at the first of `at`).
    """  # fmt: skip
    plan = record.plan
    way, begin = read
    if channel.coupling == "GND":
        volts = np.zeros(at.size)
    else:
        offsets = at / plan.rate
        volts = np.zeros(at.size)
        for trigger in record.triggers:
            volts += inputs.volts(channel.number, record.start(trigger) + offsets)
        volts *= channel.probe / len(record.triggers)
        if channel.coupling == "AC":
            volts -= _mean(inputs, record, channel)
    sigma = NOISE * channel.scale / (len(record.triggers) ** 0.5 * quieter)
    start = int(at[0]) if begin < 0 else begin
    volts += sigma * _noise((seed, record.number, channel.number, way), start, at.size)
    return -volts if channel.invert else volts


def _mean(inputs: Inputs, record: Record, channel: Channel) -> float:
    """The part of a record that AC coupling keeps out: its mean."""
    offsets = np.linspace(0.0, record.plan.length, 1000, endpoint=False)
    start = record.start(record.triggers[-1])
    return channel.probe * float(np.mean(inputs.volts(channel.number, start + offsets)))


def _noise(key: tuple[int, ...], first: int, count: int) -> Volts:
    parts = [
        np.random.default_rng((*key, block)).standard_normal(BLOCK)
        for block in range(first // BLOCK, (first + count - 1) // BLOCK + 1)
    ]
    return np.concatenate(parts)[first % BLOCK :][:count]
