"""Identifying the heaters of a mesh.

All banks are stepped at once, one element of each. What does not answer, or answers with two
heaters, is stepped again alone, and looked for in every bank: so channels that are wired to
another chip are found too. What the answers say of the wiring: `identify_verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calibration.computing import compute
from calibration.faults import why_dead
from calibration.identify import STEP, Finding, Identified, Place
from calibration.identify_verdict import Verdict
from calibration.knowledge import Knowledge
from calibration.setup import Setup
from calibration.small_steps import Answer, answer
from calibration.step import Watch
from calibration.sweeping import sweeping
from calibration.tomography import Tomograph

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Bools = NDArray[np.bool_]

#: s that the idle bias is held before anything is looked at.
_WARM = 0.5
#: Samples of a look at least: each pattern is sent so often.
_SAMPLES = 64
#: Share of the usual answer below which there is none.
_WEAK = 0.3


class _Bench:
    """A bench that is stepped and looked at."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.known = Knowledge.nothing(setup.ports, setup.n_banks, setup.p_pi, setup.core)
        self._tomograph = Tomograph(setup, self.known, repeats=max(1, _SAMPLES // setup.ports))
        self.base: Floats = setup.level_idle
        self.looks: list[Complexes] = []
        self.clipped: list[Floats] = []

    async def step(self, places: Sequence[Place]) -> Complexes:
        """Changes (n_banks, 2, N, N) by two steps of elements, at most one of a bank."""
        at = [await self._look(places, share) for share in (0.0, 0.5, 1.0)]
        self.looks.append(at[0])
        return np.stack([at[1] - at[0], at[2] - at[0]], axis=1)

    def noise(self) -> float:
        """Rms noise of the real or imaginary part of an entry, by looks at the same levels."""
        if len(self.looks) < 2:
            return self._tomograph.sigma
        changes = np.abs(np.diff(np.array(self.looks), axis=0))
        # The median size of a complex normal number is sqrt(ln 2) of its rms; of two looks each.
        seen = float(np.median(changes)) / np.sqrt(np.log(2.0)) / 2.0
        return max(self._tomograph.sigma, seen)

    async def _look(self, places: Sequence[Place], share: float) -> Complexes:
        levels = self.base.copy()
        for place in places:
            wanted = self.base[place] + share * STEP * self.setup.p_pi
            levels[place] = min(wanted, self.setup.level_max[place])
        view = await self._tomograph.at(levels)
        self.clipped.append(view.clipped)
        return view.seen

    async def alone(self, place: Place, usual: float | None) -> dict[int, Answer]:
        """Answers by bank to steps of one element."""
        changes = await self.step([place])
        seen = {(bank, 0): change for bank, change in enumerate(changes)}
        return {bank: one for (bank, _), one in _answers(seen, self.noise(), usual).items()}


async def identify_mesh(setup: Setup, watch: Watch) -> Identified:
    """Step every element, and compare what answers with the wiring."""
    bench = _Bench(setup)
    banks, elements = setup.n_banks, setup.ports**2
    async with sweeping(setup, bench.base, _WARM):
        exchanged = await _exchanged_banks(bench)
        if exchanged:
            return Identified(tuple(exchanged), 0, banks * elements)
        changes = {}
        for number in range(elements):
            watch.progress(number, elements, f"element {number}")
            # Not the same element in each: one that leads to its like in another bank shows then.
            places = [(k, (number + k * (elements // banks)) % elements) for k in range(banks)]
            seen = await bench.step(places)
            changes |= {place: seen[place[0]] for place in places}
        answers = await compute(lambda: _answers(changes, bench.noise()))
        usual = float(np.median([one.strength for one in answers.values()]))
        doubtful = [place for place, one in answers.items() if not one.clear or one.mixed]
        elsewhere: dict[Place, dict[int, Answer]] = {}
        for number, place in enumerate(doubtful):
            watch.progress(number, len(doubtful), f"bank {place[0]}, element {place[1]} alone")
            alone = await bench.alone(place, usual)
            answers[place] = alone.pop(place[0])
            elsewhere[place] = {other: one for other, one in alone.items() if one.clear}
        dead = np.array([[not answers[k, e].clear for e in range(elements)] for k in range(banks)])
        why = await why_dead(setup, bench.base, dead) if dead.any() else {}
    stands, clipped = np.mean(bench.looks, axis=0), np.mean(bench.clipped, axis=0)
    verdict = Verdict(bench.known, stands, clipped, answers, elsewhere, why)
    return await compute(verdict.findings)


async def _exchanged_banks(bench: _Bench) -> list[Finding]:
    """Banks whose heaters all seem to be another's, by a few of each."""
    banks, elements = bench.setup.n_banks, bench.setup.ports**2
    found = []
    for bank in range(banks if banks > 1 else 0):
        strongest = []
        for element in (0, elements // 2, elements - 1):
            alone = await bench.alone((bank, element), None)
            strongest.append(max(alone, key=lambda other: alone[other].strength))
        if len(set(strongest)) == 1 and strongest[0] != bank:
            found.append(
                Finding(
                    "exchanged",
                    f"heaters of bank {bank} turn light that is seen while bank {strongest[0]} is "
                    "selected",
                    "exchange the cables of their chassis or their select lines, or say so in "
                    "wiring.elements or wiring.lines.bank_select; then look again",
                    bank,
                )
            )
    return found


def _answers(
    changes: Mapping[Place, Complexes], sigma: float, usual: float | None = None
) -> dict[Place, Answer]:
    """Answers by place from changes (2, N, N).

    usual : strength of an answer; by default the median one here. All heaters see about the same
    light, so what is much weaker is none.
    """
    found = {place: answer(one[0], one[1], sigma) for place, one in changes.items()}
    if usual is None:
        usual = float(np.median([one.strength for one in found.values()]))
    return {
        place: replace(one, clear=one.clear and one.strength > _WEAK * usual)
        for place, one in found.items()
    }
