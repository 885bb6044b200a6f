"""How well a calibrated mesh is made a target unitary: python benchmarks/program_mesh.py

For each plant seed a bench is calibrated from nothing; then each bank is asked for a Haar-random
unitary, programmed from the calibrated model without and with local correction of the splitters'
errors, and by self-configuration on what is measured. Printed is the matrix fidelity of the
plant's true matrix to the target when it has been reached, mean over the banks: the field at the
detectors, what leaks in from the other bank included. Only this benchmark looks at the plant.
"""

from __future__ import annotations

import argparse

import numpy as np
from calibrate_mesh import Run, calibrate, chosen, start_from, true_seen

from calibration.configure import configure
from calibration.correct import program_for
from calibration.decompose import haar
from calibration.mesh import amplitude_fidelity, matrix_fidelity
from calibration.step import Silent
from calibration.sweeping import ramp
from hil.bench.calibration_setup import BenchSetup
from hil.bench.entry import make_core
from sim_backends.plant.plant import Plant

WAYS = ("no correction", "local correction", "self-configuration")


def one_plant(asked: argparse.Namespace, seed: int) -> tuple[dict[str, tuple[float, float]], float]:
    """Matrix and amplitude fidelity by way, and the bench s of the self-configuration."""
    core = make_core(asked.bench, path="slot", plant_seed=seed, severity=asked.severity)
    loop = core.new_loop()
    reached: dict[str, tuple[float, float]] = {}

    async def whole() -> float:
        await core.open()
        try:
            setup = BenchSetup(core)
            knowledge = start_from(core, "nothing")
            await calibrate(core, knowledge, chosen(asked, ()), Run(), tell=False)
            targets = [haar(setup.ports, 100 * seed + k) for k in range(setup.n_banks)]
            gains = Plant.from_document(core.file.document).devices.detector_gain
            low, high = setup.level_idle, setup.level_max

            def judge(way: str) -> None:
                levels, now = setup.levels, setup.now()
                seen = true_seen(core.file.document, levels, now)
                true = seen / gains[:, None]
                goal = np.stack(targets)
                reached[way] = (
                    float(matrix_fidelity(true, goal).mean()),
                    float(amplitude_fidelity(true, goal).mean()),
                )

            for way in WAYS[:2]:
                levels = np.stack([
                    program_for(knowledge, k, targets[k], low[k], high[k], setup.levels[k],
                                correct=way == WAYS[1]).levels
                    for k in range(setup.n_banks)
                ])  # fmt: skip
                await ramp(setup, levels)
                judge(way)
            await ramp(setup, low)
            began = setup.now()
            await configure(setup, knowledge, targets, Silent())
            judge(WAYS[2])
            return setup.now() - began
        finally:
            await core.close()

    try:
        seconds = loop.run_until_complete(whole())
    finally:
        loop.close()
    return reached, seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bench", default="relax-mzi-8")
    parser.add_argument("--severity", choices=("std", "harsh"), default="std")
    parser.add_argument("--plant-seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    asked = parser.parse_args()
    asked.only, asked.settings = [], None
    print("| seed | " + " | ".join(f"{way}, F | F_a" for way in WAYS) + " | bench s |")
    print("|---" * (2 + 2 * len(WAYS)) + "|")
    rows = []
    for seed in asked.plant_seeds:
        reached, seconds = one_plant(asked, seed)
        row = [number for way in WAYS for number in reached[way]]
        rows.append([*row, seconds])
        told = " | ".join(f"{number:.5f}" for number in row)
        print(f"| {seed} | {told} | {seconds:.1f} |", flush=True)
    mean = np.mean(rows, axis=0)
    print(f"| mean | {' | '.join(f'{n:.5f}' for n in mean[:-1])} | {mean[-1]:.1f} |")


if __name__ == "__main__":
    main()
