"""What the answers of a mesh's heaters say of the wiring.

The rows of all answers are walked through the mesh (`walk`): a row that its place cannot have
belongs elsewhere. Columns tell which output phase turns which port.

Some pairs no row can tell at one working point: heaters in series through a cell that stands near
cross or bar. Of all pairs of eight ports that was one in 180 (plant seed 1), one in 100 (harsh).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from calibration.faults import MISFIT, place_name, port_faults, swapped_pairs
from calibration.identify import STEP, Finding, Identified, Place
from calibration.knowledge import Knowledge
from calibration.mesh import layout
from calibration.port_faults import ports_with
from calibration.small_steps import Answer
from calibration.walk import walk

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Bools = NDArray[np.bool_]

#: Misfit above which an element that fits no other's place is told of; errors add up along the way.
_MISPLACED = 0.5
#: Share of an output phase's answer that is at one port: all of it, but for crosstalk.
_PURE = 0.5
#: Turn of a step over the usual one outside which a heater is odd.
_ODD = (0.5, 1.6)


class Verdict:
    """Compares answers with the wiring."""

    def __init__(
        self,
        known: Knowledge,
        stands: Complexes,
        clipped: Floats,
        answers: Mapping[Place, Answer],
        elsewhere: Mapping[Place, Mapping[int, Answer]],
        why: Mapping[Place, str],
    ) -> None:
        self._known = known
        self._banks, self._elements = known.n_banks, known.elements
        self._stands, self._clipped = stands, clipped
        self._elsewhere, self._why = elsewhere, why
        signs = [one.sign for one in answers.values()]
        #: whether the oscillator is stepped the other way: then every heater seems reversed
        self._mirrored = signs.count(-1) > signs.count(1)
        if self._mirrored:
            answers = {place: one.conjugate() for place, one in answers.items()}
            self._stands = self._stands.conj()
        self._answers = dict(answers)

    def findings(self) -> Identified:
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
        findings += self._detectors()
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
        for one, other in self._outputs(bank):
            if not self._heaters_exchanged(bank, one, other):
                continue
            rows[[one, other]] = rows[[other, one]]
            alive[[one, other]] = alive[[other, one]]
            found.append(
                Finding(
                    "swapped",
                    f"turns port {self._port(bank, one)} alone, and "
                    f"{self._name((bank, other))} port {self._port(bank, other)}",
                    "exchange their channels in wiring.elements",
                    bank,
                    one,
                    exchange=((bank, one), (bank, other)),
                )
            )
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

    def _port(self, bank: int, element: int) -> int:
        """The one port that an element's light ends at; -1 where there are more."""
        share = np.abs(self._answers[bank, element].column) ** 2
        return int(np.argmax(share)) if share.max() > _PURE else -1

    def _heaters_exchanged(self, bank: int, one: int, other: int) -> bool:
        """Whether two output phases that turn each other's port are wired so, not the detectors.

        By their rows. Behind one cell both fit, and mean the same but for half a turn of its theta.
        """
        rows, alive = self._rows(bank)
        loss = float(self._known.value["cell_loss_db"][bank].mean())
        as_wired = walk(rows, alive, self._stands[bank], loss).misfit[[one, other]].max()
        rows[[one, other]] = rows[[other, one]]
        exchanged = walk(rows, alive, self._stands[bank], loss).misfit[[one, other]].max()
        return bool(exchanged < max(MISFIT, as_wired))

    def _detectors(self) -> list[Finding]:
        """Pairs of ports whose detectors are exchanged: so in every bank."""
        first = self._elements - self._known.ports
        pairs = [
            {
                (one - first, other - first)
                for one, other in self._outputs(bank)
                if not self._heaters_exchanged(bank, one, other)
            }
            for bank in range(self._banks)
        ]
        return [
            Finding(
                "exchanged",
                f"the output phase of port {one} turns what port {other} shows, and the other way "
                "round, by light that is at their places: the detectors of the two are exchanged",
                "exchange their `box` and `input` in wiring.ports, or their fibres",
                port=one,
            )
            for one, other in sorted(set.intersection(*pairs))
        ]

    def _outputs(self, bank: int) -> list[tuple[int, int]]:
        """Pairs of output phases that turn each other's port.

        The rows of two behind one cell fit when exchanged, too, with that cell's theta half a turn
        on: their columns tell.
        """
        first, ports = self._elements - self._known.ports, self._known.ports
        seen = [
            self._port(bank, first + port) if self._answers[bank, first + port].clear else -1
            for port in range(ports)
        ]
        return [
            (first + port, first + other)
            for port, other in enumerate(seen)
            if other > port and seen[other] == port
        ]

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
                why = self._why.get(place, "")
                kind, _, text = why.partition(": ")
                known = kind in ("open", "stuck")
                told = (text if known else why) or f"no light answers to {STEP:g} p_pi"
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
