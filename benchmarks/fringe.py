"""How well the law of one phase shifter is found: python benchmarks/fringe.py [--seeds 200]

Random heaters (resistance that rises with temperature, thermo-optic curvature, any phase at zero
power) are swept linearly in V^2 up to 2.2 of their P_pi and fitted by each law. Printed is the rms
error of the phase over the sweep in rad, as median / 95th percentile over the heaters. The volts
are known exactly; the power is measured as volts times amperes, to 0.5 % of full scale of each
heater's own gain, which is a scale and so costs nothing.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.fringe import fit_fringe
from calibration.projected import Law

Floats = NDArray[np.float64]

#: Highest power of a sweep, in units of the heater's P_pi.
TOP = 2.2


@dataclass(frozen=True)
class Heater:
    """phase = offset + pi x (1 + bend x), x the power over P_pi; R rises by `rise` x."""

    offset: float
    rise: float
    bend: float

    def power(self, level: Floats) -> Floats:
        """Power over P_pi that levels (V^2 / R cold, over P_pi) dissipate: x (1 + rise x) = p."""
        if self.rise == 0.0:
            return level
        return (np.sqrt(1.0 + 4.0 * self.rise * level) - 1.0) / (2.0 * self.rise)

    def phase(self, power: Floats) -> Floats:
        """Phases in rad at powers over P_pi."""
        return self.offset + np.pi * power * (1.0 + self.bend * power)


LAWS = {
    "V^2": (False, Law.LINEAR),
    "V^2 + V^4": (False, Law.QUADRATIC),
    "measured P": (True, Law.LINEAR),
    "measured P, quadratic": (True, Law.QUADRATIC),
}
COLUMNS = ((16, 0.01), (16, 0.002), (64, 0.01), (64, 0.002))


def errors(
    name: str, points: int, noise: float, seeds: int, *, rise: float = 0.1, bend: float = 0.03
) -> Floats:
    """Rms phase errors (seeds,) in rad over the sweep, modulo 2 pi."""
    measured, law = LAWS[name]
    found = np.empty(seeds)
    for seed in range(seeds):
        rng = np.random.default_rng([seed, points, round(noise * 1e6)])
        heater = Heater(rng.uniform(0.0, 2 * np.pi), rise, bend)
        level = np.linspace(0.0, TOP * (1.0 + rise * TOP), points)
        power = heater.power(level)
        visibility = rng.uniform(0.9, 1.0)
        signal = 0.5 * (1.0 + visibility * np.cos(heater.phase(power)))
        signal += noise * rng.standard_normal(points)
        fit = fit_fringe(power if measured else level, signal[:, None], noise, law=law)
        finer = np.linspace(0.0, level[-1], 401)
        true = heater.power(finer)
        left = fit.phase(true if measured else finer, 0) - heater.phase(true)
        # A cosine is even: the fit may have found the mirrored phase only if its slope is negative,
        # and it never is; whole turns mean nothing.
        left -= 2 * np.pi * np.round(left.mean() / (2 * np.pi))
        found[seed] = np.sqrt(np.mean(left**2))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--rise", type=float, default=0.1, help="relative rise of R at P_pi")
    parser.add_argument("--bend", type=float, default=0.03, help="curvature at P_pi")
    asked = parser.parse_args()
    heads = [f"{points} points, {100 * noise:g} %" for points, noise in COLUMNS]
    print(f"| law, {asked.seeds} heaters, rad | " + " | ".join(heads) + " |")
    print("|---" * (len(heads) + 1) + "|")
    for name in LAWS:
        cells = []
        for points, noise in COLUMNS:
            all_ = errors(name, points, noise, asked.seeds, rise=asked.rise, bend=asked.bend)
            cells.append(f"{np.median(all_):.3f} / {np.percentile(all_, 95):.3f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
