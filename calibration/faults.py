"""What is broken on a bench, found from sweeps and named: never fitted over.

A heater that turns nothing is dead or stuck; one that shows the light of another's place is
swapped with it; a port whose converter is at its end is saturated; one that shows nothing is dark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.mesh import layout
from calibration.port_faults import enter, port_fault
from calibration.setup import Setup
from calibration.walk import walk

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Bools = NDArray[np.bool_]

#: Share of a heater's light that its place cannot explain: sound heaters are below a quarter.
MISFIT = 0.35
#: Share of clipped samples above which a port is saturated.
CLIPPED = 0.02
#: A port whose rows, or columns, are this much weaker than the median is dark.
_DARK = 0.1
#: Most pairs of swapped heaters looked for in a bank.
_MOST_PAIRS = 4
#: Misfits tried as one of a pair.
_MOST_FIRSTS = 4
#: A driver's volts that move by less than this share when asked for another level are stuck.
_STUCK = 0.05
#: Current below this share of the median heater's is none.
_OPEN = 0.05


def place_name(ports: int, element: int) -> str:
    """Where an element sits, in words."""
    where = layout(ports)
    if where.kind[element] == 2:
        return f"output phase of port {where.cell[element]}"
    kind = ("theta", "phi")[where.kind[element]]
    cell = where.cell[element]
    mode = where.mode[cell]
    return f"{kind} of the cell on modes {mode}-{mode + 1}, column {where.column[cell]}"


def report_element(knowledge: Knowledge, kind: str, bank: int, element: int, detail: str) -> str:
    """Enter a fault of an element into the knowledge, and word it."""
    entry = {"kind": kind, "bank": bank, "element": element, "port": None, "detail": detail}
    enter(knowledge, entry)
    where = place_name(knowledge.ports, element)
    return f"bank {bank}, element {element} ({where}): {kind}; {detail}"


def port_faults(knowledge: Knowledge, seen: Complexes, clipped: Floats) -> list[str]:
    """Saturated and dark ports.

    seen : (n_banks, N, N) matrices at any setting. clipped : (N,) share of clipped samples.
    """
    found = [
        port_fault(
            knowledge, "saturated", int(port),
            f"{clipped[port]:.0%} of its samples are at the converter's end; lower the light or "
            "the gain of its detector, or raise wiring.ports.detector_range",
        )
        for port in np.flatnonzero(clipped > CLIPPED)
    ]  # fmt: skip
    power = np.sqrt((np.abs(seen) ** 2).mean(axis=0))
    for name, axis, mend in (
        ("detector", 1, "see its light, fibre and detector, and its input's wiring"),
        ("modulator", 0, "see its drive, its bias and its wiring"),
    ):
        strength = np.sqrt((power**2).mean(axis=axis))
        for port in np.flatnonzero(strength < _DARK * np.median(strength)):
            detail = f"its {name} shows {strength[port] / np.median(strength):.1%} of the usual"
            found.append(port_fault(knowledge, "dark", int(port), f"{detail}; {mend}"))
    return found


def swapped_pairs(
    rows: Complexes, alive: Bools, seen: Complexes, loss_db: float
) -> list[tuple[int, int]]:
    """Pairs of elements that show the light of each other's places; arguments as of `walk`."""
    rows, pairs = rows.copy(), []
    found = walk(rows, alive, seen, loss_db).misfit
    for _ in range(_MOST_PAIRS):
        # A wrong row spoils what is solved from it, in its own column too: the first misfit may be
        # a neighbour's, so the next ones are tried as well. The right pair lets the walk go on
        # farthest.
        firsts = np.flatnonzero(found >= MISFIT)[:_MOST_FIRSTS]
        tried = [_partner(rows, alive, seen, loss_db, int(first)) for first in firsts]
        best = max(tried, key=lambda one: one.reach, default=None)
        if best is None or best.reach <= _reach(found):
            break
        one, other = best.pair
        rows[[one, other]] = rows[[other, one]]
        pairs.append((min(one, other), max(one, other)))
        found = best.misfit
    # The partner of an early pair may lie behind a later one: it has to fit in the end.
    return [pair for pair in pairs if max(found[list(pair)]) < MISFIT]


@dataclass(frozen=True)
class _Tried:
    """A pair exchanged: how far the walk then goes (`_reach`), and what misfits."""

    pair: tuple[int, int]
    reach: tuple[int, float]
    misfit: Floats


def _reach(misfit: Floats) -> tuple[int, float]:
    """Elements that fit before the first that does not; then, less misfit is better."""
    wrong = np.flatnonzero(misfit >= MISFIT)
    return (int(wrong[0]) if wrong.size else len(misfit), -float((misfit**2).sum()))


def _partner(rows: Complexes, alive: Bools, seen: Complexes, loss_db: float, first: int) -> _Tried:
    """The exchange of an element with another that lets the walk go farthest."""
    best = _Tried((first, first), (0, 0.0), np.zeros(0))
    for other in map(int, np.flatnonzero(alive)):
        if other == first:
            continue
        tried = rows.copy()
        tried[[first, other]] = rows[[other, first]]
        misfit = walk(tried, alive, seen, loss_db).misfit
        if (reach := _reach(misfit)) > best.reach:
            best = _Tried((first, other), reach, misfit)
    return best


async def why_dead(setup: Setup, base: Floats, dead: Bools) -> dict[tuple[int, int], str]:
    """What the heater drivers tell of heaters that turn nothing, by (bank, element).

    base : (n_banks, N^2) W, programmed; dead : (n_banks, N^2). They are asked for another level
    meanwhile. Empty where there are no drivers to ask.
    """
    try:
        volts, amps = await setup.electrical()
    except NotImplementedError:
        return {}
    other = np.where(base < setup.p_pi, 1.5 * base, 0.5 * base)
    await setup.program(np.where(dead, np.clip(other, setup.level_idle, setup.level_max), base))
    volts_then, amps_then = await setup.electrical()
    await setup.program(base)
    usual = float(np.median(np.maximum(amps, amps_then)[~dead])) if (~dead).any() else 0.0
    told = {}
    for bank, element in np.argwhere(dead):
        here, then = float(volts[bank, element]), float(volts_then[bank, element])
        current = float(max(amps[bank, element], amps_then[bank, element]))
        if abs(then - here) < _STUCK * max(abs(here), abs(then), 1e-3):
            word = f"stuck: its driver holds {here:.2f} V whatever is asked; see the channel"
        elif current < _OPEN * usual:
            word = f"open: no current at {max(here, then):.2f} V; see its wire and bond"
        else:
            word = f"draws {1e3 * current:.2f} mA but turns no light: is it another chip's?"
        told[int(bank), int(element)] = word
    return told
