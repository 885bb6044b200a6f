"""Step `modulator`: V_pi, bias and extinction of every modulator.

Each port is swept alone over the whole range of its drive while the others stand at zero; all
detectors, in both quadratures and through all banks, watch at once. What arrives is a constant and
a multiple of the modulator's own field, whatever the mesh does (`drive_curve`): its heaters stay
where they are; rings are brought near their resonances. Homodyne detection sees the field itself,
whose zero is where the bias is; intensity would see it beside the light that the other modulators
let through.

Gauge: the sign of a modulator's field, and its phase, are those of the mesh's input: they go into
the phases of its first cells. Its strength goes into the mesh's matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.drive_curve import DriveCurve, fit_drive
from calibration.glance import usual_noise
from calibration.knowledge import Knowledge
from calibration.port_faults import forget, port_fault, readable
from calibration.setup import Detection, Observation, Setup, Shot
from calibration.step import Gate, Outcome, Watch
from calibration.tally import Tally
from calibration.tomography import linear

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: Gates (physics.md C.2): relative uncertainty of V_pi; rad, of the bias; dB, least extinction.
V_PI_GATE, BIAS_GATE, EXTINCTION_GATE = 5e-3, 0.02, 20.0
#: Rounds go on until uncertainties are this share of their gates.
_GOAL = 0.4
#: rms of the misfit over that of the noise.
MISFIT_GATE = 2.0
#: A modulator whose light is less than this share of the others' is dark.
_DARK = 0.1
#: kappa off by more, or a bias beyond, is a fault: the bench file or the bias control is wrong.
_OFF, _BIASED = 0.25, 0.6
#: Highest drive, V_pi.
TOP = 1.5
#: Faults that this step finds.
FAULTS = ("dark input", "wrong V_pi", "off its null", "poor extinction")


class Modulator:
    """V_pi, bias and extinction.

    points : drives of a sweep. rounds : most sweeps of a port.
    """

    name = "modulator"
    needs = ("dark", "detector")
    summary = "V_pi, bias and extinction of every modulator"

    def __init__(self, points: int = 16, rounds: int = 8) -> None:
        self.points = points
        self.rounds = rounds

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Sweep every drive, fit, and write gains and biases."""
        forget(knowledge, *FAULTS)
        tally, both = Tally(setup), Detection.QUADRATURE in setup.detections
        drives: list[Floats] = []
        seen: list[Complexes] = []
        curves: list[DriveCurve] = []
        try:
            await tally.to_work()
            for number in range(self.rounds):
                sweep = self._drives(number)
                drives.append(sweep)
                seen.append(await self._sweep(tally, knowledge, sweep, both))
                watch.progress(number + 1, self.rounds, "sweeps of all drives")
                curves = self._fit(knowledge, drives, seen, both)
                if all(_certain(curve) for curve in curves if not _is_dark(curve, curves)):
                    break
        finally:
            await tally.to_idle()
        return self._conclude(knowledge, curves, tally, drives, seen)

    def _drives(self, number: int) -> Floats:
        """Drives (points,) of a sweep, to and fro; each round's lie between those before."""
        share = (np.arange(self.points) + 0.5 * (number % 2)) / (self.points - 0.5)
        up = TOP * (2.0 * np.minimum(share, 1.0) - 1.0)
        return up if number % 2 == 0 else up[::-1].copy()

    async def _sweep(
        self, tally: Tally, knowledge: Knowledge, sweep: Floats, both: bool
    ) -> Complexes:
        """Light (ports, points, banks * detectors) while each port is swept in turn."""
        setup = tally.setup
        ports, banks = setup.ports, setup.n_banks
        modes = [Detection.HOMODYNE, Detection.QUADRATURE][: 1 + both]
        shots = []
        for port in range(ports):
            values = np.zeros((len(sweep), ports))
            values[:, port] = sweep
            shots += [Shot(bank, values, mode) for bank in range(banks) for mode in modes]
        read = iter(await tally.observe(shots))
        light = np.empty((ports, len(sweep), banks, ports), dtype=np.complex128)
        for port in range(ports):
            for bank in range(banks):
                parts = [_light(knowledge, next(read)) for _ in modes]
                light[port, :, bank] = parts[0] + (1j * parts[1] if both else 0.0)
        return light.reshape(ports, len(sweep), -1)

    def _fit(
        self, knowledge: Knowledge, drives: list[Floats], seen: list[Complexes], both: bool
    ) -> list[DriveCurve]:
        """One curve a port; before each shot comes a sample without drive."""
        drive = np.concatenate(drives)
        before = np.concatenate([np.concatenate([[0.0], sweep[:-1]]) for sweep in drives])
        light = np.concatenate(seen, axis=1)
        noise = usual_noise(knowledge)
        read = np.tile(readable(knowledge), light.shape[2] // knowledge.ports)
        # What clipped is NaN: a detector that did so anywhere in a sweep is left out of its fit.
        return [
            fit_drive(drive, before, one[:, read & np.isfinite(one).all(axis=0)],
                      knowledge.memory, noise, both=both)
            for one in light
        ]  # fmt: skip

    def _conclude(
        self,
        knowledge: Knowledge,
        curves: list[DriveCurve],
        tally: Tally,
        drives: list[Floats],
        seen: list[Complexes],
    ) -> Outcome:
        lit = [port for port, curve in enumerate(curves) if not _is_dark(curve, curves)]
        faults = _faults(knowledge, curves, lit)
        for port in lit:
            curve = curves[port]
            knowledge.value["modulator_gain"][port] = curve.gain
            knowledge.sigma["modulator_gain"][port] = curve.gain_sigma
            knowledge.value["modulator_bias"][port] = curve.bias
            knowledge.sigma["modulator_bias"][port] = curve.bias_sigma
        noise = usual_noise(knowledge)
        good = [curves[port] for port in lit]
        gates = [
            Gate("uncertainty of a V_pi, worst",
                 _worst([one.gain_sigma / one.gain for one in good]), V_PI_GATE, "relative"),
            Gate("uncertainty of a bias, worst",
                 _worst([one.bias_sigma for one in good]), BIAS_GATE, "rad"),
        ]  # fmt: skip
        if noise > 0.0:
            misfit = _worst([one.left / noise for one in good])
            gates.append(Gate("misfit over noise, worst", misfit, MISFIT_GATE, ""))
        notes = []
        if good and np.isfinite(good[0].leak):
            least = min(one.extinction_db for one in good)
            gates.append(Gate("extinction, least", least, EXTINCTION_GATE, "dB", least=True))
        else:
            notes.append("extinction: not to be told in one quadrature")
        if good:
            gains, biases = [one.gain for one in good], [one.bias for one in good]
            notes.append(
                f"kappa {min(gains):.4f} to {max(gains):.4f}, bias {min(biases):+.4f} to "
                f"{max(biases):+.4f} rad"
            )
        notes.append(tally.spent())
        raw = {
            "drive": np.concatenate(drives),
            "seen": np.concatenate(seen, axis=1).astype(np.complex64),
            "extinction_db": np.array([one.extinction_db for one in curves]),
        }
        return Outcome(tuple(gates), tuple(faults), tuple(notes), raw)


def _light(knowledge: Knowledge, seen: Observation) -> Floats:
    """Light (samples, ports) of an observation; NaN where it clipped."""
    return np.where(seen.clipped, np.nan, linear(knowledge, seen.measured))


def _is_dark(curve: DriveCurve, all_curves: list[DriveCurve]) -> bool:
    usual = float(np.median([one.strength for one in all_curves]))
    return not curve.strength > max(_DARK * usual, 3.0 * curve.left)


def _certain(curve: DriveCurve) -> bool:
    """Whether more sweeps are not needed."""
    return (
        curve.gain_sigma <= _GOAL * V_PI_GATE * curve.gain and curve.bias_sigma <= _GOAL * BIAS_GATE
    )


def _worst(values: list[float]) -> float:
    return max(values) if values else float("nan")


def _faults(knowledge: Knowledge, curves: list[DriveCurve], lit: list[int]) -> list[str]:
    usual = float(np.median([one.strength for one in curves]))
    faults = []
    for port, curve in enumerate(curves):
        if port not in lit:
            share = curve.strength / usual if usual > 0.0 else 0.0
            faults.append(
                port_fault(knowledge, "dark input", port, f"its drive changes no detector ("
                           f"{share:.1%} of the others' light); look at output, amplifier, "
                           "modulator and fibre")
            )  # fmt: skip
        elif abs(curve.gain - 1.0) > _OFF:
            faults.append(
                port_fault(knowledge, "wrong V_pi", port, f"V_pi is {1.0 / curve.gain:.3f} times "
                           "what the bench file says; correct v_pi or drive_gain")
            )  # fmt: skip
        elif abs(curve.bias) > _BIASED:
            faults.append(
                port_fault(knowledge, "off its null", port, f"biased {curve.bias:+.2f} rad off "
                           "its null; adjust the modulator's bias")
            )  # fmt: skip
        elif curve.extinction_db < EXTINCTION_GATE:
            faults.append(
                port_fault(knowledge, "poor extinction", port, f"{curve.extinction_db:.1f} dB; "
                           "the null of its bias is not dark: look at polarisation and bias")
            )  # fmt: skip
    return faults
