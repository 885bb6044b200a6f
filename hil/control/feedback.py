"""Controller feedback: measure a slot, apply the electronics digitally, send again.

v[0] = x[0];  u[t] = clip(v[t], +-1.5);  y[t] = what bank k(t) returns for u[t]
v[t+1] = alpha v[t] + g_k y[t] + c_k + x[t+1]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hil.control.electronics import Electronics
from hil.control.machine import DRIVE_LIMIT, Machine
from hil.control.schedule import Schedule
from hil.control.trace import Trace

Floats = NDArray[np.float64]


async def run_schedule(
    machine: Machine,
    schedule: Schedule,
    levels: Floats,
    electronics: Electronics,
    inputs: Floats,
) -> Trace:
    """Run a batch through all slots of a schedule.

    Parameters
    ----------
    levels : (n_banks, elements) W, programmed first (unchanged levels cost nothing).
    inputs : (batch, n_steps, ports) V_pi.

    Returns
    -------
    Trace
        What was sent and measured in every slot.

    Raises
    ------
    ValueError
        When inputs have the wrong shape, are not finite, or a level is refused.
    """
    check_inputs(schedule, inputs, machine.ports)
    await machine.program(levels)
    v = inputs[:, 0].copy()
    sent, measured, clipped, times, dark = [], [], [], [], []
    after_dark = np.zeros(len(v), dtype=bool)
    for t, bank in enumerate(schedule.banks):
        times.append(machine.now())
        reading = await machine.frame(bank, np.clip(v, -DRIVE_LIMIT, DRIVE_LIMIT))
        sent.append(reading.sent)
        measured.append(reading.measured)
        clipped.append(reading.clipped)
        after_dark = reading.after_dark
        if reading.dark is not None:
            dark.append(reading.dark)
        v = (
            electronics.skip * v
            + electronics.gain[bank] * reading.measured
            + electronics.bias[bank]
        )
        if t + 1 < schedule.n_steps:
            v = v + inputs[:, t + 1]
    machine.ledger.count_pass(len(v))
    return Trace(
        sent=np.stack(sent, axis=1),
        measured=np.stack(measured, axis=1),
        clipped=np.stack(clipped, axis=1),
        state=v,
        after_dark=after_dark,
        banks=schedule.banks,
        times=np.array(times),
        dark=np.mean(dark, axis=0) if dark else None,
    )


def check_inputs(schedule: Schedule, inputs: Floats, ports: int) -> None:
    """Refuse inputs of a wrong shape, or NaN and infinity, before anything is sent."""
    if inputs.ndim != 3 or inputs.shape[1:] != (schedule.n_steps, ports):
        raise ValueError(
            f"inputs have shape {inputs.shape}; (batch, {schedule.n_steps}, {ports}) is needed"
        )
    if not np.isfinite(inputs).all():
        raise ValueError("inputs hold NaN or infinity; nothing was sent")
