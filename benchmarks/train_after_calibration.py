"""From an unknown chip to a trained network: python benchmarks/train_after_calibration.py

For each plant seed a bench of sixteen ports, of which nothing is known, is calibrated, and a
network then trained by `pat` from that record, on the same bench, whose phases drift on meanwhile.
The same from the as-built class `bad`, with no calibration, stands beside (--uncalibrated).
Converters as in benchmarks/figures.py: 12-bit heaters, 8-bit inputs.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from calibrate_mesh import Run, calibrate, start_from

import hil
from calibration.procedures import mesh_steps
from calibration.writing import record_document, write_record
from hil.calibrating.validity import bench_table


def one_run(asked: argparse.Namespace, seed: int, folder: Path) -> tuple[float, float]:
    """Test accuracy, and bench s of the calibration."""
    plant = {"heater_dac_bits": 12, "adc_bits": 8}
    seconds, as_built = 0.0, "bad"
    with hil.open(asked.bench, path="slot", plant_seed=seed, plant=plant) as bench:
        if not asked.uncalibrated:
            known, run = start_from(bench.core, "nothing"), Run()
            bench.do(calibrate(bench.core, known, mesh_steps(), run, tell=False))
            seconds = sum(run.seconds.values())
            as_built = str(folder / f"{seed}.json")
            document = record_document(
                known,
                bench=bench_table(bench.core),
                created="",
                method="calibrated from nothing",
                code_version="",
                serials={},
                steps=[],
                complete=True,
                bench_time=bench.core.now(),
            )
            write_record(Path(as_built), document)
        result = hil.train(
            bench, "digits", "pat", twin="online", as_built=as_built, seed=seed,
            epochs=asked.epochs, out=folder / f"run-{seed}",
        )  # fmt: skip
    return result.accuracy, seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bench", default="relax-mzi-16")
    parser.add_argument("--plant-seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--uncalibrated", action="store_true")
    asked = parser.parse_args()
    print("| seed | accuracy | calibration, bench s |\n|---|---|---|")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in asked.plant_seeds:
            found.append(one_run(asked, seed, Path(folder)))
            print(f"| {seed} | {found[-1][0]:.3f} | {found[-1][1]:.1f} |", flush=True)
    accuracy, seconds = np.mean(found, axis=0)
    print(f"| mean | {accuracy:.3f} | {seconds:.1f} |")


if __name__ == "__main__":
    main()
