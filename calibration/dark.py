"""Step `dark`: what the detectors read without signal light, and how much they rustle.

With the signal gate shut and the local oscillator on: the mean is a port's offset, the scatter its
read noise. With the oscillator off too, the offset is that of detector and converter alone; the
record holds one number a port, so a difference is told in the notes.

Gauge: none; an offset adds to the signal behind gain and saturation. An offset that is smaller
than the converter's step is known no better than noise dithers it: with 6 bits, to 0.1 % of full
scale.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.port_faults import forget, port_fault, ports_with
from calibration.setup import Detection, Setup, Shot
from calibration.step import Gate, Outcome, Watch
from calibration.tally import Tally

Floats = NDArray[np.float64]

#: Largest uncertainty of an offset, of full scale (physics.md C.1: 0.1 %).
OFFSET_GATE = 1e-3
#: An offset beyond this share of full scale costs range and is a fault.
_LARGE = 0.1
#: Noise of a port beyond this many times the median of all is a fault.
_NOISY = 4.0
#: Faults that this step finds.
FAULTS = ("clipped dark", "stuck", "noisy", "large offset")


class Dark:
    """Offset and noise of each port.

    samples : of a round; rounds follow until every offset is known to a third of its gate, and
    the noise to some 5 %. rounds : most rounds.
    """

    name = "dark"
    needs = ()
    summary = "offset and noise of every detector, signal light off"

    def __init__(self, samples: int = 240, rounds: int = 4) -> None:
        self.samples = samples
        self.rounds = rounds

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Read in the dark; no level is changed. All modes of detection the bench has are read."""
        forget(knowledge, *FAULTS)
        tally, nothing = Tally(setup), np.zeros((self.samples, setup.ports))
        others = sorted(setup.detections - {Detection.HOMODYNE})
        modes = [Detection.HOMODYNE, *others]
        read: dict[Detection, list[Floats]] = {mode: [] for mode in modes}
        clipped = np.zeros(setup.ports)
        goal = OFFSET_GATE / 3.0 * setup.full_scale
        for number in range(self.rounds):
            asked = modes if number == 0 else modes[:1]
            shots = [Shot(0, nothing, mode, lit=False) for mode in asked]
            for mode, seen in zip(asked, await tally.observe(shots), strict=True):
                read[mode].append(seen.measured)
                clipped = np.maximum(clipped, seen.clipped.mean(axis=0))
            watch.progress(number + 1, self.rounds, "dark")
            if (_error(read[Detection.HOMODYNE]) <= goal).all():
                break
        levels = {mode: np.concatenate(parts) for mode, parts in read.items()}
        dark = levels[Detection.HOMODYNE]
        offset, noise = dark.mean(axis=0), dark.std(axis=0, ddof=1)
        sigma = _error(read[Detection.HOMODYNE])
        faults = self._faults(setup, knowledge, offset, noise, clipped)
        knowledge.value["detector_offset"] = offset
        knowledge.sigma["detector_offset"] = sigma
        knowledge.noise = noise
        good = np.array([port not in ports_with(knowledge, *FAULTS) for port in range(setup.ports)])
        worst = float((sigma / setup.full_scale)[good].max()) if good.any() else float("nan")
        gates = (Gate("uncertainty of an offset, worst", worst, OFFSET_GATE, "of full scale"),)
        notes = [
            f"offset {np.median(np.abs(offset)):.4g} signal units in the median, noise of a sample "
            f"{np.median(noise):.4g}",
            *self._differences(levels, sigma),
            tally.spent(),
        ]
        return Outcome(gates, tuple(faults), tuple(notes), {"offset": offset, "noise": noise})

    def _faults(
        self, setup: Setup, knowledge: Knowledge, offset: Floats, noise: Floats, clipped: Floats
    ) -> list[str]:
        usual, faults = float(np.median(noise)), []
        for port in range(setup.ports):
            share = offset[port] / setup.full_scale[port]
            if clipped[port] > 0.5:
                faults.append(
                    port_fault(knowledge, "clipped dark", port, f"reads {offset[port]:+.3g} in the "
                               "dark, at the converter's end; look at detector and cable")
                )  # fmt: skip
            elif noise[port] < 1e-6 * usual:
                faults.append(
                    port_fault(knowledge, "stuck", port, f"reads {offset[port]:+.4g} again and "
                               "again without any noise; look at the converter's input")
                )  # fmt: skip
            elif abs(share) > _LARGE:
                faults.append(
                    port_fault(knowledge, "large offset", port, f"reads {offset[port]:+.3g} in the "
                               f"dark, {abs(share):.0%} of full scale; balance the detector, or "
                               "look for stray light")
                )  # fmt: skip
            elif noise[port] > _NOISY * usual > 0.0:
                faults.append(
                    port_fault(knowledge, "noisy", port, f"noise of a sample {noise[port]:.3g}, "
                               f"others {usual:.3g}; look at its amplifier and its ground")
                )  # fmt: skip
        return faults

    def _differences(self, levels: dict[Detection, Floats], sigma: Floats) -> list[str]:
        """Notes on modes of detection whose offsets are not those of homodyne detection."""
        notes = []
        dark = levels[Detection.HOMODYNE].mean(axis=0)
        for mode, read in levels.items():
            error = np.hypot(sigma, read.std(axis=0, ddof=1) / np.sqrt(len(read)))
            off = read.mean(axis=0) - dark
            wrong = np.abs(off) > 5.0 * np.maximum(error, 1e-12)
            if wrong.any():
                ports = ", ".join(map(str, np.flatnonzero(wrong)))
                notes.append(
                    f"in mode {mode} ports {ports} read {float(np.abs(off).max()):.3g} off their "
                    "dark level in homodyne detection; the record holds the latter"
                )
        return notes


def _error(parts: list[Floats]) -> Floats:
    """Standard uncertainty (ports,) of the mean of all samples."""
    whole = np.concatenate(parts)
    return whole.std(axis=0, ddof=1) / np.sqrt(len(whole))
