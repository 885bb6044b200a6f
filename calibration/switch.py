"""Step `switch`: what leaks through the bank switch, when it acts, and how fast.

Leak: the heaters of one bank after the other go to random levels, by a ramp and within limits,
while the matrices of all banks are watched: see `leakage`. No phase of any mesh has to be known.

Timing: the inputs stand still while a pseudo-random pattern switches one bank on and off between
samples; each port's record is correlated with it (`edges`). A select line that acts late really
mixes banks there, and that is what is seen.

Gauge: of a pair of banks the leak has the phase that the two matrices have at the detectors, the
local oscillator's static phase at each port being part of the output phases. Delays count from the
moment at which the samples change, as each port's own clock has it: a delay common to all drives
and lines cannot be told, nor does it matter. The rise is that of switch, detector and converter
together, an upper bound of the switch's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from calibration.gains import gains_of_matrices
from calibration.glance import Glance, glance
from calibration.knowledge import Knowledge
from calibration.leakage import Leakage, LeakageFit, extinction_db
from calibration.port_faults import bank_fault, forget, readable
from calibration.setup import Detection, Setup
from calibration.step import Array, Gate, Outcome, Watch
from calibration.switch_timing import Timing, time_bank
from calibration.tally import RINGING, Tally
from calibration.tomography import NotPossibleError, random_levels

Floats = NDArray[np.float64]

#: Levels that banks are moved to, p_pi.
LOW, HIGH = 0.3, 1.9
#: Gates: dB, uncertainty of an extinction, and least extinction; of a dwell, that of a delay.
EXTINCTION_SIGMA_GATE, LEAST_EXTINCTION, SKEW_GATE = 1.0, 10.0, 1.0 / 50.0
#: Extinction that is as good as none to tell, dB: measured no further.
_ENOUGH = 45.0
#: Ports whose clocks differ by more than this share of a dwell are a fault.
_PORTS_APART = 1.0 / 20.0
#: Rounds go on until the uncertainty of every extinction is this, dB.
_GOAL = 0.4
#: Rest between banks, s, in which most of a slow thermal tail goes by.
_CREEP = 0.5
#: A bank with less than this share of the others' light is dark.
_DARK = 0.05
#: Faults that this step finds.
FAULTS = ("dark bank", "does not move", "leaks", "switch does not act", "late")


@dataclass
class _Told:
    """What there is to tell so far."""

    gates: list[Gate] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    raw: dict[str, Array] = field(default_factory=dict)


class Switch:
    """Leak, delay and rise of the bank switch.

    rounds : most times that each bank is moved. settings are few: one a bank and round.
    """

    name = "switch"
    needs = ("dark", "detector", "modulator")
    summary = "extinction, delay and rise of the bank switch; skew of the ports"

    def __init__(self, rounds: int = 8, seed: int = 0) -> None:
        self.rounds = rounds
        self.seed = seed

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Measure what this bench lets be told, and write leak, delays and rise.

        Raises
        ------
        NotPossibleError
            When it lets neither be told: one quadrature or one bank, and no timing.
        """
        forget(knowledge, *FAULTS)
        tally = Tally(setup)
        told = _Told()
        phases = setup.core != "mzi-mesh" or Detection.QUADRATURE in setup.detections
        leaks = setup.n_banks > 1 and phases
        if not leaks:
            why = "one bank: nothing leaks" if phases else "leak: not to be told in one quadrature"
            told.notes.append(why)
        try:
            # A bench may stand at its operating powers; begin and end at the idle bias.
            await tally.ramp_to(setup.level_idle)
            await tally.to_work()
            await setup.rest(_CREEP)
            first = await glance(tally, knowledge, repeats=2)
            lit = _lit_banks(knowledge, first, told.faults)
            try:
                timings = {bank: await time_bank(tally, knowledge, first, bank) for bank in lit}
            except NotImplementedError as error:
                told.notes.append(f"delay and rise: {error}")
                if not leaks:
                    why = "; ".join(told.notes)
                    raise NotPossibleError(f"nothing to be told here: {why}") from error
            else:
                _conclude_timing(setup, knowledge, timings, told)
            if leaks:
                await self._leak(tally, knowledge, watch, lit, told)
        finally:
            await tally.to_idle()
        told.notes.append(tally.spent())
        return Outcome(tuple(told.gates), tuple(told.faults), tuple(told.notes), told.raw)

    async def _leak(
        self, tally: Tally, knowledge: Knowledge, watch: Watch, lit: list[int], told: _Told
    ) -> None:
        """Move each bank several times in a row, look before and after each time.

        One bank after the other, for what was moved a moment ago still creeps by its thermal tail.
        """
        setup = tally.setup
        rings = setup.core == "microring"
        # The leak of rings is one of power, ten times less than that of a field.
        low, high, samples = (*RINGING, 256) if rings else (LOW, HIGH, 64)
        repeats = max(1, samples // (2 * setup.ports))
        fit = LeakageFit(setup.n_banks, real=rings)
        rng = np.random.default_rng([self.seed, setup.ports, 0x1EAC])
        looks: list[Glance] = []
        rows = readable(knowledge)
        for bank in range(setup.n_banks):
            await setup.rest(_CREEP)
            before = await glance(tally, knowledge, repeats)
            for number in range(self.rounds):
                levels = setup.levels.copy()
                levels[bank] = random_levels(setup, rng, low, high)[bank]
                await tally.ramp_to(levels)
                after = await glance(tally, knowledge, repeats)
                fit.add(bank, before.matrix[:, rows], after.matrix[:, rows])
                before = after
                looks.append(after)
                done = bank * self.rounds + number + 1
                watch.progress(done, self.rounds * setup.n_banks, "moves of a bank")
                if number > 0 and _certain(fit.found(), bank, power=rings):
                    break
        self._conclude_leak(setup, knowledge, fit, told)
        if lit and not rings:
            told.notes.append(_renew_gains(knowledge, looks, lit))

    def _conclude_leak(
        self, setup: Setup, knowledge: Knowledge, fit: LeakageFit, told: _Told
    ) -> None:
        leakage = fit.found()
        told.raw |= {"leak": leakage.leak, "leak_sigma": leakage.sigma}
        power = setup.core == "microring"
        still = fit.moved <= _DARK**2 * float(np.median(fit.moved))
        told.faults += [
            bank_fault(knowledge, "does not move", int(bank), "its heaters change nothing that is "
                       "seen through it; look at their driver and at the switch")
            for bank in np.flatnonzero(still)
        ]  # fmt: skip
        pairs = ~np.eye(setup.n_banks, dtype=bool) & ~still[None, :]
        knowledge.leak = np.where(pairs, leakage.leak, 0.0)
        decibel, error = extinction_db(leakage.leak, leakage.sigma, power=power)
        if not pairs.any():
            told.gates.append(Gate("pairs of banks to be seen", 0.0, 1.0, "", least=True))
            return
        shown = np.where(np.isnan(error) & (decibel >= _ENOUGH - 10.0), 0.0, error)
        told.gates += [
            Gate("uncertainty of an extinction, worst", float(shown[pairs].max()),
                 EXTINCTION_SIGMA_GATE, "dB"),
            Gate("extinction, least", float(decibel[pairs].min()), LEAST_EXTINCTION, "dB",
                 least=True),
        ]  # fmt: skip
        for k, j in np.argwhere(pairs):
            size = f"{decibel[k, j]:.1f} dB"
            if np.isnan(error[k, j]):
                size = f"better than {size}"
            elif power:
                size += f" +- {error[k, j]:.1f}"
            else:
                size += f" +- {error[k, j]:.1f}, phase {np.angle(leakage.leak[k, j]):+.2f} rad"
            told.notes.append(f"bank {j} while {k} is selected: {size}")
            if decibel[k, j] < LEAST_EXTINCTION:
                told.faults.append(
                    bank_fault(knowledge, "leaks", int(j), f"only {decibel[k, j]:.1f} dB down "
                               f"while bank {k} is selected; look at its switch and select line")
                )  # fmt: skip


def _renew_gains(knowledge: Knowledge, looks: list[Glance], lit: list[int]) -> str:
    """Relative gains, with what leaks taken out, from the matrices of the lit banks."""
    loss = float(knowledge.value["cell_loss_db"].mean())
    matrices = np.array([look.matrix[lit] for look in looks])
    leak = knowledge.leak[np.ix_(lit, lit)]
    gain, sigma = gains_of_matrices(matrices, leak, looks[0].sigma, loss)
    before = knowledge.value["detector_gain"]
    sound = readable(knowledge) & (before > 0.0) & (gain > 0.1 * np.median(gain))
    if knowledge.saturation is not None and sound.any():
        # What was measured is where each port ends: gain times saturation.
        knowledge.saturation *= float((before[sound] / gain[sound]).mean())
    knowledge.value["detector_gain"] = np.where(sound, gain, before)
    knowledge.sigma["detector_gain"] = np.where(sound, sigma, knowledge.sigma["detector_gain"])
    if not sound.any():
        return "gains of the detectors: no detector can be read"
    spread = float((sigma[sound] / gain[sound]).mean())
    return f"gains of the detectors relative to each other to {spread:.1%}"


def _lit_banks(knowledge: Knowledge, first: Glance, faults: list[str]) -> list[int]:
    """Banks through which there is light."""
    rows = readable(knowledge)
    strength = np.sqrt((np.abs(first.matrix[:, rows]) ** 2).sum(axis=(1, 2)))
    lit, most = [], float(strength.max())
    for bank, one in enumerate(strength):
        if one > _DARK * most:
            lit.append(bank)
        else:
            faults.append(
                bank_fault(knowledge, "dark bank", bank, f"{one / max(most, 1e-12):.1%} of the "
                           "others' light; look at its select line, switch and fibres")
            )  # fmt: skip
    return lit


def _certain(found: Leakage, moved: int, *, power: bool) -> bool:
    """Whether all that leaks from a bank is known well enough, or as good as none."""
    decibel, error = extinction_db(found.leak, found.sigma, power=power)
    others = np.arange(len(decibel)) != moved
    fine = (error <= _GOAL) | (np.isnan(error) & (decibel >= _ENOUGH))
    return bool(fine[others, moved].all())


def _conclude_timing(
    setup: Setup,
    knowledge: Knowledge,
    timings: dict[int, Timing],
    told: _Told,
) -> None:
    dwell = setup.dwell
    told.raw["delay"] = np.array([one.delay for one in timings.values()])
    seen = {bank: one for bank, one in timings.items() if np.isfinite(one.bank_delay)}
    told.faults += [
        bank_fault(knowledge, "switch does not act", bank, "no port sees it switch; look at its "
                   "select line (wiring.lines.bank_select) and its driver")
        for bank in sorted(set(timings) - set(seen))
    ]  # fmt: skip
    if not seen:
        told.gates.append(Gate("banks seen to switch", 0.0, 1.0, "", least=True))
        return
    for bank, one in seen.items():
        knowledge.bank_delay[bank] = one.bank_delay
        told.notes.append(
            f"bank {bank} acts {one.bank_delay * 1e9:+.2f} +- {one.bank_sigma * 1e9:.2f} ns "
            "after the samples change"
        )
        if abs(one.bank_delay) > 0.5 * dwell:
            told.faults.append(
                bank_fault(knowledge, "late", bank, f"acts {one.bank_delay * 1e9:+.0f} ns after "
                           f"the samples, of a dwell of {dwell * 1e9:.0f} ns: banks mix; correct "
                           "the delays of lines or boxes")
            )  # fmt: skip
    known = [one for one in seen.values() if np.isfinite(one.rise_sigma)]
    if known:
        weight = np.array([one.rise_sigma**-2.0 for one in known])
        rises = np.array([one.rise for one in known])
        knowledge.rise_time = float((weight * rises).sum() / weight.sum())
        error = float(weight.sum() ** -0.5)
        told.notes.append(
            f"rise 10 to 90 % {knowledge.rise_time * 1e9:.2f} +- {error * 1e9:.2f} ns, of switch, "
            "detector and converter together"
        )
    skew = _port_skew(seen)
    told.notes.append(f"ports apart by {float(np.nanmax(np.abs(skew))) * 1e9:.2f} ns at most")
    told.gates += [
        Gate("uncertainty of a bank's delay, worst",
             max(one.bank_sigma for one in seen.values()) / dwell, SKEW_GATE, "of a dwell"),
        Gate("ports apart, worst", float(np.nanmax(np.abs(skew))) / dwell, _PORTS_APART,
             "of a dwell"),
    ]  # fmt: skip


def _port_skew(seen: dict[int, Timing]) -> Floats:
    """(ports,) s by which each port sees the switch later than the mean of all; NaN: unseen."""
    parts = [np.where(one.seen, one.delay - one.bank_delay, 0.0) for one in seen.values()]
    counts = np.sum([one.seen for one in seen.values()], axis=0)
    return np.where(counts > 0, np.sum(parts, axis=0) / np.maximum(counts, 1), np.nan)
