"""Identifying the heaters of a mesh.

All banks are stepped at once, one element of each. What does not answer, or answers with two
heaters, is stepped again alone, and looked for in every bank: so channels that are wired to
another chip are found too. The rows of all answers are then walked through the mesh (`walk`): a
row that its place cannot have belongs elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calibration.computing import compute
from calibration.faults import (
    MISFIT,
    place_name,
    port_faults,
    swapped_pairs,
    why_dead,
)
from calibration.identify import STEP, Finding, Identified, Place
from calibration.knowledge import Knowledge
from calibration.mesh import layout
from calibration.port_faults import ports_with
from calibration.setup import Setup
from calibration.small_steps import Answer, answer
from calibration.step import Watch
from calibration.sweeping import sweeping
from calibration.tomography import Tomograph
from calibration.walk import walk

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Bools = NDArray[np.bool_]

#: s that the idle bias is held before anything is looked at.
_WARM = 0.5
#: Samples of a look at least: each pattern is sent so often.
_SAMPLES = 64
#: Share of the usual answer below which there is none.
_WEAK = 0.3
#: Misfit above which an element that fits no other's place is told of; errors add up along the way.
_MISPLACED = 0.5
#: Turn of a step over the usual one outside which a heater is odd.
_ODD = (0.5, 1.6)


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
    return await compute(lambda: _Judge(bench, answers, elsewhere, why).verdict())


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


class _Judge:
    """Compares answers with the wiring."""

    def __init__(
        self,
        bench: _Bench,
        answers: Mapping[Place, Answer],
        elsewhere: Mapping[Place, Mapping[int, Answer]],
        why: Mapping[Place, str],
    ) -> None:
        self._known = bench.known
        self._banks, self._elements = bench.setup.n_banks, bench.setup.ports**2
        self._stands = np.mean(bench.looks, axis=0)
        self._clipped = np.mean(bench.clipped, axis=0)
        self._elsewhere, self._why = elsewhere, why
        signs = [one.sign for one in answers.values()]
        #: whether the oscillator is stepped the other way: then every heater seems reversed
        self._mirrored = signs.count(-1) > signs.count(1)
        if self._mirrored:
            answers = {place: one.conjugate() for place, one in answers.items()}
            self._stands = self._stands.conj()
        self._answers = dict(answers)

    def verdict(self) -> Identified:
        """All findings, the plainest first."""
        findings = self._ports()
        if self._mirrored:
            findings.append(
                Finding(
                    "mirrored",
                    "every heater's phase seems to fall with power: the quadrature line steps the "
                    "local oscillator the other way",
                    "exchange its two states at the phase shifter, or invert the line",
                )
            )
        foreign, crossed = self._crossed()
        findings += crossed
        for bank in range(self._banks):
            findings += self._swapped(bank)
        moved = {place for one in findings for place in one.exchange or ()} | foreign
        findings += self._elements_own(moved)
        well = sum(
            place not in moved and one.clear and one.sign >= 0
            for place, one in self._answers.items()
        )
        notes = []
        unsure = sum(one.clear and one.sign == 0 for one in self._answers.values())
        if unsure:
            notes.append(f"which way {unsure} of the elements turn is not sure")
        return Identified(tuple(findings), well, len(self._answers), tuple(notes))

    def _ports(self) -> list[Finding]:
        port_faults(self._known, self._stands, self._clipped)
        return [
            Finding(one["kind"], str(one["detail"]).split("; ")[0],
                    str(one["detail"]).partition("; ")[2], port=one["port"])
            for one in self._known.faults
        ]  # fmt: skip

    def _hidden(self, element: int) -> bool:
        """Whether an element's light ends at a dark port alone."""
        where = layout(self._known.ports)
        dark = ports_with(self._known, "dark")
        return where.kind[element] == 2 and int(where.cell[element]) in dark

    def _name(self, place: Place) -> str:
        bank, element = place
        return f"bank {bank}, element {element} ({place_name(self._known.ports, element)})"

    def _rows(self, bank: int) -> tuple[Complexes, Bools]:
        own = [self._answers[bank, element] for element in range(self._elements)]
        return np.array([one.row for one in own]), np.array([one.clear for one in own])

    def _swapped(self, bank: int) -> list[Finding]:
        """Pairs of a bank that show the light of each other's places."""
        rows, alive = self._rows(bank)
        loss = float(self._known.value["cell_loss_db"][bank].mean())
        found = []
        for one, other in swapped_pairs(rows, alive, self._stands[bank], loss):
            before = walk(rows, alive, self._stands[bank], loss).misfit
            rows[[one, other]] = rows[[other, one]]
            after = walk(rows, alive, self._stands[bank], loss).misfit
            found.append(
                Finding(
                    "swapped",
                    f"shows the light of {self._name((bank, other))}, and that one its own: of "
                    f"their light {100 * max(before[one], before[other]):.0f} % cannot be where "
                    f"the file has them, {100 * max(after[one], after[other]):.0f} % once they are "
                    "exchanged",
                    "exchange their channels in wiring.elements",
                    bank,
                    one,
                    exchange=((bank, one), (bank, other)),
                )
            )
        left = walk(rows, alive, self._stands[bank], loss).misfit
        worst = int(np.argmax(left))
        # Light that is lost on the way to a dead heater, or in a dark port, looks misplaced too.
        if left[worst] > _MISPLACED and alive.all() and not self._known.faults:
            found.append(
                Finding(
                    "misplaced",
                    f"{100 * left[worst]:.0f} % of its light cannot be where the file has it, and "
                    "no exchange with another element of the bank explains that",
                    "follow its wire; look for more than two channels in a ring",
                    bank,
                    worst,
                )
            )
        return found

    def _crossed(self) -> tuple[set[Place], list[Finding]]:
        """Channels wired to another bank's heaters, and the pairs that fit each other's places."""
        foreign = {
            place: seen for place, seen in self._elsewhere.items()
            if seen and not self._answers[place].clear
        }  # fmt: skip
        found, left = [], dict(foreign)
        for place in foreign:
            if place not in left:
                continue
            mine = left.pop(place)
            fits = {
                other: max(self._fit(other, mine), self._fit(place, theirs))
                for other, theirs in left.items()
                if other[0] in mine and place[0] in theirs
            }
            partner = min(fits, key=lambda other: fits[other], default=None)
            banks = ", ".join(str(bank) for bank in mine)
            if partner is None or fits[partner] > MISFIT:
                found.append(
                    Finding(
                        "foreign",
                        f"turns light of bank {banks}, not of its own",
                        "follow its wire to the chip",
                        *place,
                    )
                )
                continue
            theirs = left.pop(partner)
            # What is behind each place is known now: other exchanges are looked for with it.
            self._answers[place] = self._turned(theirs[place[0]])
            self._answers[partner] = self._turned(mine[partner[0]])
            found.append(
                Finding(
                    "swapped",
                    f"turns the light of {self._name(partner)}, and that one its own",
                    "exchange their channels in wiring.elements",
                    *place,
                    exchange=(place, partner),
                )
            )
        return set(foreign), found

    def _turned(self, one: Answer) -> Answer:
        return one.conjugate() if self._mirrored else one

    def _fit(self, place: Place, seen: Mapping[int, Answer]) -> float:
        """Misfit of an answer if it is the heater's at a place."""
        bank, element = place
        rows, alive = self._rows(bank)
        rows[element] = self._turned(seen[bank]).row
        alive[element] = True
        loss = float(self._known.value["cell_loss_db"][bank].mean())
        return float(walk(rows, alive, self._stands[bank], loss).misfit[element])

    def _elements_own(self, moved: set[Place]) -> list[Finding]:
        """Elements that do not answer, turn backwards, or by an odd amount."""
        found = []
        clear = [abs(one.turn) for one in self._answers.values() if one.clear]
        usual = float(np.median(clear)) if clear else 0.0
        for place, one in self._answers.items():
            if place in moved or self._hidden(place[1]):
                continue
            if not one.clear:
                kind, _, text = self._why.get(place, "").partition(": ")
                told = text or f"no light answers to {STEP:g} p_pi"
                known = kind in ("open", "stuck")
                mend = "see its channel, wire and bond: python -m hil.check"
                found.append(Finding(kind if known else "dead", told, mend, *place))
            elif one.sign < 0:
                text = f"its phase falls with power, by {one.turn:.2f} rad a step"
                mend = "it heats the other arm of its cell: see the layout; a calibration bears it"
                found.append(Finding("reversed", text, mend, *place))
            elif not _ODD[0] * usual < abs(one.turn) < _ODD[1] * usual and one.sign:
                text = f"turns {one.turn:.2f} rad a step, the others {usual:.2f} rad"
                mend = "see r_nom in its line, and its current: python -m hil.check"
                found.append(Finding("odd", text, mend, *place))
        return found
