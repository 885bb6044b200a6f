"""From a target unitary to the levels of a real mesh: splitter errors corrected locally.

An ideal mesh's phases come from `decompose`. A real cell, whose splitters err by alpha and beta,
makes the same split exactly with

    cos theta' = (2 P - 1 + sin 2 alpha sin 2 beta) / (cos 2 alpha cos 2 beta)

P being the share that crosses, wherever that is possible; else it comes as near as it can
(Bandyopadhyay et al., Optica 8, 1247 (2021), arXiv 2103.04993). What then is wrong are phases at
the cell's two outputs: they move on with the light, into the phi of later cells and the output
phases. Levels follow from phases with curvature inverted and crosstalk cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.decompose import decompose
from calibration.knowledge import Knowledge
from calibration.mesh import cell_blocks, layout
from calibration.model import driven, kernel

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Bools = NDArray[np.bool_]

#: Rounds in which levels and their crosstalk are made to agree, and rad to which they do.
_ROUNDS, _AGREE = 60, 1e-9
#: Rounds in which the turn of each phase may still be chosen anew.
_FREE_ROUNDS = 40


@dataclass(frozen=True, eq=False)
class Programmed:
    """Levels for wanted phases.

    levels : (N^2,) W. short : (N^2,) rad by which each phase is missed: zero but where no level
    within the limits makes it, as of a heater that is dead.
    """

    levels: Floats
    short: Floats


def corrected(phases: Floats, alpha: Floats, beta: Floats) -> tuple[Floats, Bools]:
    """Phases (N^2,) that make a mesh with splitter errors do what `phases` do without.

    alpha, beta : (cells,) rad. Also tells (cells,) which cells cannot make their split.
    """
    ports = round(len(phases) ** 0.5)
    where = layout(ports)
    cells = where.cells
    theta, phi = phases[0 : 2 * cells : 2], phases[1 : 2 * cells : 2]
    split = (np.cos(theta) + np.sin(2 * alpha) * np.sin(2 * beta)) / (
        np.cos(2 * alpha) * np.cos(2 * beta)
    )
    beyond = np.abs(split) > 1.0
    turned = np.arccos(np.clip(split, -1.0, 1.0))
    turned = np.where(np.sin(theta) < 0.0, 2 * np.pi - turned, turned)
    none = np.zeros(cells)
    real = np.angle(cell_blocks(turned, none, alpha, beta, none))
    ideal = np.angle(cell_blocks(theta, none, none, none, none))
    late = np.zeros(ports)
    """rad that each mode's light is ahead of the ideal mesh's"""
    outer = np.empty(cells)
    for cell in range(cells):
        mode = where.mode[cell]
        upper, lower = late[mode], late[mode + 1]
        lags = real[cell] - ideal[cell]
        # Light that entered below fixes both outputs; phi then makes the upper input agree.
        late[mode], late[mode + 1] = lower + lags[0, 1], lower + lags[1, 1]
        crosses = np.abs(np.cos(theta[cell] / 2)) > np.abs(np.sin(theta[cell] / 2))
        way = (1, 0) if crosses else (0, 0)
        outer[cell] = phi[cell] + late[mode + way[0]] - lags[way] - upper
    result = phases.copy()
    result[0 : 2 * cells : 2], result[1 : 2 * cells : 2] = turned, outer
    result[2 * cells :] = phases[2 * cells :] - late
    return result, beyond


def levels_for(
    knowledge: Knowledge,
    bank: int,
    wanted: Floats,
    low: Floats,
    high: Floats,
    present: Floats | None = None,
) -> Programmed:
    """Levels that make phases `wanted` (N^2,) rad, modulo 2 pi, of one bank.

    Of the levels between `low` and `high` (N^2,) W that make a phase, the one nearest to `present`
    is taken (by default, to the middle). Crosstalk of all others is cancelled.
    """
    p_pi = knowledge.p_pi
    slope = knowledge.value["slope"][bank] * p_pi
    bend = knowledge.value["curvature"][bank] * p_pi
    bottom, top = low / p_pi, high / p_pi
    x = 0.5 * (bottom + top) if present is None else np.clip(present / p_pi, bottom, top)
    near, (c1, _, everywhere) = kernel(knowledge, bank), knowledge.crosstalk[bank]
    asked = wanted - knowledge.value["phase_offset"][bank]
    works = slope != 0.0
    turns = np.zeros_like(x)
    for number in range(_ROUNDS):
        heat = driven(knowledge, bank, x)
        others = c1 * (heat @ near) + everywhere * (heat.sum() - heat)
        own = asked - others
        if number < _FREE_ROUNDS:
            turns = _nearest_turns(own, slope, bend, x, bottom, top)
        wants = _level_of(own + 2 * np.pi * turns, slope, bend)
        moved = np.where(works, np.clip(wants, bottom, top), x)
        settled = float(np.abs(moved - x).max()) * np.pi < _AGREE
        x = moved
        if settled:
            break
    heat = driven(knowledge, bank, x)
    others = c1 * (heat @ near) + everywhere * (heat.sum() - heat)
    short = asked - others - heat * (1.0 + bend * x)
    return Programmed(x * p_pi, np.angle(np.exp(1j * short)))


def _level_of(phase: Floats, slope: Floats, bend: Floats) -> Floats:
    """X with slope x (1 + bend x) = phase; the branch that starts at zero."""
    line = np.divide(phase, slope, out=np.zeros_like(phase), where=slope != 0.0)
    root = np.sqrt(np.maximum(1.0 + 4.0 * bend * line, 0.25))
    return 2.0 * line / (1.0 + root)


def _nearest_turns(
    own: Floats, slope: Floats, bend: Floats, x: Floats, bottom: Floats, top: Floats
) -> Floats:
    """Whole turns to add to `own` for a level within the limits nearest to `x`."""
    best, least = np.zeros_like(x), np.full_like(x, np.inf)
    middle = np.rint((slope * x * (1.0 + bend * x) - own) / (2 * np.pi))
    for step in (-2.0, -1.0, 0.0, 1.0, 2.0):
        level = _level_of(own + 2 * np.pi * (middle + step), slope, bend)
        out = np.maximum(bottom - level, 0.0) + np.maximum(level - top, 0.0)
        cost = np.abs(level - x) + 1e3 * out
        better = cost < least
        best, least = np.where(better, middle + step, best), np.minimum(cost, least)
    return best


def program_for(
    knowledge: Knowledge,
    bank: int,
    target: Complexes,
    low: Floats,
    high: Floats,
    present: Floats | None = None,
    *,
    correct: bool = True,
) -> Programmed:
    """Levels that make a bank a target unitary (N, N); `correct`: with its splitters' errors.

    Raises
    ------
    NotUnitaryError
    """
    phases = decompose(target)
    if len(target) != knowledge.ports:
        raise ValueError(f"a target of {len(target)} ports; the bench has {knowledge.ports}")
    if correct:
        value = knowledge.value
        phases, _ = corrected(phases, value["splitter_a"][bank], value["splitter_b"][bank])
    return levels_for(knowledge, bank, phases, low, high, present)
