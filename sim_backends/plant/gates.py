"""Optical gates driven by pattern lines: when each opens, and how fast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim_backends.plant.signals import Floats, LineTimeline
from sim_backends.plant.spec import LineRoles

#: Time constants after which a gate has settled to 1e-9.
SETTLED = 21.0
#: Where the response to an edge is divided, in time constants: field averages over these parts
#: stand for the exponential in the nonlinear detector.
PARTS = np.array([0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 13, 17, SETTLED])
#: 10 to 90 % rise of a first-order response, in time constants.
_RISE = np.log(9.0)

#: Columns of gate arrays; the banks follow. QUADRATURE: how far the LO's phase has stepped.
SIGNAL, LO, QUADRATURE, FIRST_BANK = 0, 1, 2, 3


@dataclass(frozen=True)
class Gates:
    """Field transmissions of signal gate, LO gate and banks, and the step of the LO's phase.

    All are first-order responses.

    Attributes
    ----------
    times : (events,) s relative to the frame's origin, ascending: when a line's edge arrives.
    targets : (events + 1, 3 + n_banks) transmissions approached, 0 or 1; row 0 before all events.
    starts : same shape, transmissions at the start of each of these spans.
    tau : s, time constant of the gates.
    """

    times: Floats
    targets: Floats
    starts: Floats
    tau: float

    def edges(self) -> Floats:
        """Times between which a mean transmission stands for the true one, in s."""
        if self.tau == 0.0 or not self.times.size:
            return self.times
        parts = self.times[:, None] + self.tau * PARTS
        return np.concatenate([self.times, parts.ravel()])

    def means(self, start: Floats, end: Floats) -> Floats:
        """Mean transmissions (intervals, 3 + n_banks) over intervals that hold no event inside."""
        span = np.searchsorted(self.times, 0.5 * (start + end), side="right")
        target = self.targets[span]
        if self.tau == 0.0 or not self.times.size:
            return target
        event = self.times[np.maximum(span - 1, 0)]
        # Before the first event these mean nothing, but must not overflow.
        first = np.clip((start - event) / self.tau, 0.0, 700.0)
        last = np.clip((end - event) / self.tau, 0.0, 700.0)
        mean = (np.exp(-first) - np.exp(-last)) / np.maximum(last - first, 1e-12)
        moving = (span > 0) & (0.5 * (first + last) < SETTLED)
        share = np.where(moving, mean, 0.0)
        return target + (self.starts[span] - target) * share[:, None]


def gates_from_lines(
    lines: LineTimeline,
    roles: LineRoles,
    n_banks: int,
    rise: float,
    delays: Floats,
    jitter: Floats | None,
) -> Gates:
    """Decode pattern lines into gates.

    Parameters
    ----------
    lines : levels of the lines.
    roles, n_banks : which line does what.
    rise : s, 10 to 90 %.
    delays : (8,) s, of each line's way to its switch.
    jitter : (edges, 8) s, of each edge; or None.
    """
    reference = [line for line in (roles.lo_gate, roles.lo_quadrature) if line is not None]
    used = (roles.signal_gate, *reference, *roles.bank_select)
    toggles = lines.masks[1:] ^ lines.masks[:-1]
    times: list[float] = []
    events: list[tuple[int, int]] = []
    for line in used:
        for edge in np.flatnonzero(toggles >> line & 1):
            time = lines.times[edge] + delays[line]
            times.append(float(time if jitter is None else time + jitter[edge, line]))
            events.append((line, int(lines.masks[edge + 1] >> line & 1)))
    order = np.argsort(times, kind="stable")
    mask = int(lines.masks[0])
    targets = [_open_gates(mask, roles, n_banks)]
    for index in order:
        line, level = events[index]
        mask = mask | 1 << line if level else mask & ~(1 << line)
        targets.append(_open_gates(mask, roles, n_banks))
    when = np.asarray(times, dtype=np.float64)[order]
    tau = rise / _RISE
    return Gates(when, np.array(targets), _starts(when, np.array(targets), tau), tau)


def _starts(times: Floats, targets: Floats, tau: float) -> Floats:
    starts = targets.copy()
    if tau == 0.0:
        return starts
    for event in range(1, len(times) + 1):
        level = starts[event - 1]
        if event > 1:
            past = (times[event - 1] - times[event - 2]) / tau
            left = np.exp(-past) if past < SETTLED else 0.0
            level = targets[event - 1] + (level - targets[event - 1]) * left
        starts[event] = level
    return starts


def _open_gates(mask: int, roles: LineRoles, n_banks: int) -> NDArray[np.float64]:
    """Transmissions (3 + n_banks,) that a mask of lines asks for."""
    target = np.zeros(FIRST_BANK + n_banks)
    target[SIGNAL] = mask >> roles.signal_gate & 1
    # Detectors that need no local oscillator read as those of an open one.
    target[LO] = 1 if roles.lo_gate is None else mask >> roles.lo_gate & 1
    target[QUADRATURE] = 0 if roles.lo_quadrature is None else mask >> roles.lo_quadrature & 1
    levels = [mask >> line & 1 for line in roles.bank_select]
    if roles.one_hot:
        target[FIRST_BANK:] = levels[:n_banks]
    else:
        bank = sum(level << bit for bit, level in enumerate(levels))
        if bank < n_banks:
            target[FIRST_BANK + bank] = 1.0
    return target
