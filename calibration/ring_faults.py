"""What is broken in a microring bank, found from its sweep and named: never fitted over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.lorentz import fit_lines
from calibration.port_faults import port_fault
from calibration.ring_view import Film

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Faults that the sweep finds.
FAULTS = ("dark output", "dark laser", "saturated", "dead", "stuck", "swapped", "joined")
#: A row or column that is this much weaker than the median one is dark.
_DARK = 0.1
#: Share of a port's samples at its converter's end above which it is saturated.
_CLIPPED = 0.02
#: Share of a ring's scatter that another one's level must explain: that channel moves it.
_ANSWERS = 0.7
#: A ring whose weight moves less than this share of the median ring's is moved by crosstalk alone.
_MOVED = 0.4
#: A ring that drops more than this of its light stands near its laser, where no cold ring is.
_NEAR = 0.3


def ring_name(ports: int, element: int) -> str:
    """Where a ring sits, in words."""
    row, column = divmod(element, ports)
    return f"ring of output {row} at wavelength {column}"


def dark_faults(knowledge: Knowledge, film: Film, clipped: Floats) -> list[str]:
    """Dark and saturated ports. clipped : (N,) largest share of clipped samples."""
    found = [
        port_fault(
            knowledge,
            "saturated",
            int(port),
            f"{clipped[port]:.0%} of its samples are at the converter's end; lower the light or "
            "the detector's gain, or raise wiring.ports.detector_range",
        )
        for port in np.flatnonzero(clipped > _CLIPPED)
    ]
    power = np.sqrt((film.seen**2).mean(axis=(0, 1)))
    for kind, axis, mend in (
        ("dark output", 1, "look at its pair of diodes, its bus and its input's wiring"),
        ("dark laser", 0, "look at its laser, its modulator and its drive"),
    ):
        strength = np.median(power, axis=axis)
        usual = float(np.median(strength))
        for port in np.flatnonzero(strength < _DARK * usual):
            detail = f"shows {strength[port] / usual:.1%} of the usual light; {mend}"
            found.append(port_fault(knowledge, kind, int(port), detail))
    return found


def answers(film: Film, silent: Bools) -> dict[tuple[int, int], int]:
    """Which channel of its bank moves a ring that does not answer to its own, by (bank, element).

    silent : (n_banks, N^2). Rings that no channel moves are left out.
    """
    told: dict[tuple[int, int], int] = {}
    unit = float(film.levels.max())
    usual = float(np.median(film.seen.std(axis=0)))
    for bank, element in np.argwhere(silent):
        seen = film.seen[:, bank].reshape(len(film), -1)[:, element]
        if seen.std() < _MOVED * usual:
            continue  # crosstalk of its neighbours alone
        levels = film.levels[:, bank] / unit * 1.75
        lines = fit_lines(levels, np.repeat(seen[:, None], levels.shape[1], axis=1))
        best = int(np.argmax(lines.explained))
        if lines.explained[best] > _ANSWERS and best != element:
            told[int(bank), int(element)] = best
    return told


def silent_faults(
    knowledge: Knowledge, silent: Bools, told: dict[tuple[int, int], int], film: Film
) -> list[str]:
    """Rings that do not answer to their own channel, named for what they do instead."""
    found, ports = [], knowledge.ports
    for bank, element in ((int(b), int(e)) for b, e in np.argwhere(silent)):
        other = told.get((bank, element))
        if other is None:
            seen = film.seen[:, bank].reshape(len(film), -1)[:, element]
            rows = film.seen[:, bank].reshape(len(film), -1)
            dropped = float(np.median(seen) / np.abs(rows.min()) + 1.0) / 2.0
            kind = "stuck" if dropped > _NEAR else "dead"
            detail = (
                f"answers to no channel and drops {dropped:.0%} of its light: its heater is held "
                "at some level; see the driver's channel"
                if kind == "stuck"
                else "answers to no channel and stays off its laser, as a cold ring does: open or "
                "shorted heater, or a dead channel; see its current with python -m hil.check"
            )
        elif told.get((bank, other)) == element:
            kind = "swapped"
            detail = (
                f"moves with the channel of element {other} ({ring_name(ports, other)}) and that "
                "one with its; correct wiring.elements (python -m hil.calibrate identify)"
            )
        else:
            kind = "joined"
            detail = (
                f"moves with the channel of element {other} ({ring_name(ports, other)}), not with "
                "its own: shorted wires, or wiring.elements names the wrong channel"
            )
        found.append(report_ring(knowledge, kind, bank, element, detail))
    return found


def report_ring(knowledge: Knowledge, kind: str, bank: int, element: int, detail: str) -> str:
    """Enter a fault of a ring, and word it."""
    knowledge.faults.append(
        {"kind": kind, "bank": bank, "element": element, "port": None, "detail": detail}
    )
    where = ring_name(knowledge.ports, element)
    return f"bank {bank}, element {element} ({where}): {kind}; {detail}"


def lit_rings(knowledge: Knowledge) -> Bools:
    """(n_banks, N^2) whether a ring's laser and detector show light."""
    lit = np.ones((knowledge.n_banks, knowledge.ports, knowledge.ports), dtype=np.bool_)
    for fault in knowledge.faults:
        if fault["port"] is None:
            continue
        if fault["kind"] == "dark output":
            lit[:, fault["port"], :] = False
        elif fault["kind"] in ("dark input", "dark laser"):
            lit[:, :, fault["port"]] = False
    return lit.reshape(knowledge.n_banks, -1)


def moving_rings(knowledge: Knowledge) -> Bools:
    """(n_banks, N^2) lit rings that answer to their own heaters."""
    moves = lit_rings(knowledge)
    for fault in knowledge.faults:
        if fault["element"] is not None and fault["kind"] in FAULTS:
            moves[fault["bank"], fault["element"]] = False
    return moves
