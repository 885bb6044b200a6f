"""Self-configuration: a bench is made a target matrix by what is measured of it.

Gauss-Newton on measured matrices: what is missing is measured, and which phases mend it is told by
the calibrated model's Jacobian. The fixed point depends on the measurement alone, so that errors
of offsets, splitters and crosstalk fall out; the model has only to point the right way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.correct import levels_for, program_for
from calibration.knowledge import Knowledge
from calibration.mesh import derivatives, matrix_fidelity
from calibration.model import cells, phases
from calibration.normal_equations import unmixed
from calibration.setup import Setup
from calibration.step import Watch
from calibration.sweeping import ramp
from calibration.tomography import Tomograph

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: Ridge on a step, rad^-2, against a matrix of unit rows: directions seen worse than noise stay.
_RIDGE = 0.02
#: Largest change of a phase in one step, rad.
_LARGEST_STEP = 0.5


@dataclass(frozen=True, eq=False)
class Configured:
    """How a self-configuration went.

    levels : (n_banks, N^2) W, the best ones, still programmed. fidelity : (iterations + 1,
    n_banks) matrix fidelity to the target as measured, first of the model's own levels.
    """

    levels: Floats
    fidelity: Floats


async def configure(
    setup: Setup,
    knowledge: Knowledge,
    targets: Sequence[Complexes],
    watch: Watch,
    *,
    iterations: int = 8,
    repeats: int = 4,
) -> Configured:
    """Make each bank its target unitary (N, N), by at most `iterations` steps.

    The levels are held on return; on an error or an interrupt they go back to the idle bias.

    Raises
    ------
    NotUnitaryError
        For a target that is none; nothing is programmed.
    NotPossibleError
        Where both quadratures cannot be seen.
    """
    tomograph = Tomograph(setup, knowledge, repeats=repeats)
    low, high, present = setup.level_idle, setup.level_max, setup.levels
    banks = range(setup.n_banks)
    levels = np.stack(
        [program_for(knowledge, k, targets[k], low[k], high[k], present[k]).levels for k in banks]
    )
    wanted = [phases(knowledge, k, levels[k] / setup.p_pi) for k in banks]
    goal = np.stack([np.asarray(one, dtype=np.complex128) for one in targets])
    history, tried = [], []
    try:
        await ramp(setup, levels)
        for iteration in range(iterations + 1):
            # A measured step must not chase the tail of the step before.
            await setup.rest((3.0 if iteration == 0 else 1.0) * knowledge.tail[1])
            seen = unmixed((await tomograph.look()).seen, knowledge.quadrature_error)
            seen = seen / knowledge.value["detector_gain"][:, None]
            history.append(matrix_fidelity(seen, goal))
            tried.append(levels)
            watch.progress(iteration, iterations, f"fidelity {history[-1].mean():.4f}")
            if iteration == iterations:
                break
            levels = levels.copy()
            for k in banks:
                now = phases(knowledge, k, tried[-1][k] / setup.p_pi)
                step = _mend(knowledge, k, now, seen[k], goal[k])
                wanted[k] = now + step
                levels[k] = levels_for(
                    knowledge, k, wanted[k], low[k], high[k], tried[-1][k]
                ).levels
            await setup.program(levels)
        best = np.array(history).argmax(axis=0)
        levels = np.stack([tried[best[k]][k] for k in banks])
        await setup.program(levels)
    except BaseException:
        await ramp(setup, setup.level_idle)
        raise
    return Configured(levels, np.array(history))


def _mend(knowledge: Knowledge, bank: int, now: Floats, seen: Complexes, goal: Complexes) -> Floats:
    """Change of phases (N^2,) rad that brings what was seen nearer to the goal, but for a scale."""
    scale = max(float((goal.conj() * seen).sum().real) / len(goal), 0.1)
    missing = (scale * goal - seen).ravel()
    slopes = derivatives(now[None], *cells(knowledge, bank), cells_too=False).phase[0]
    flat = slopes.reshape(len(now), -1)
    columns = np.concatenate([flat.real, flat.imag], axis=1)
    pulled = columns @ np.concatenate([missing.real, missing.imag])
    whole = columns @ columns.T + _RIDGE * np.eye(len(now))
    step = np.asarray(np.linalg.solve(whole, pulled), dtype=np.float64)
    return step * min(1.0, _LARGEST_STEP / max(float(np.abs(step).max()), 1e-12))
