"""Accuracies of the training methods over several plants: the table of docs/figures.md.

    python benchmarks/figures.py                      # slot path, plant seeds 1 2 3
    python benchmarks/figures.py --path wire --rows digits-rough
    python benchmarks/figures.py --plant-seeds 11 12 13 --epochs 100

Every run has its own plant (all device constants drawn from its seed) and its own training seed of
the same number; the split of the data is the same. The difference to `ideal` is paired: the same
training seed and split. Intervals are 95 % of Student's t over the seeds; the test part's own
sampling error (about 1.7 points at 0.88 for 360 items) is common to all rows and not in them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

import hil


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    task: str
    method: str
    twin: str
    as_built: str
    severity: str = "std"


ROWS = {
    "digits-rough": Row("digits", "pat", "online", "rough"),
    "digits-rough-fixed": Row("digits", "pat", "fixed", "rough"),
    "digits-poor": Row("digits", "pat", "online", "poor"),
    "digits-poor-fixed": Row("digits", "pat", "fixed", "poor"),
    "digits-rough-final": Row("digits", "pat-final", "fixed", "rough"),
    "digits-in-silico": Row("digits", "in-silico", "fixed", "rough"),
    "digits-in-silico-refit": Row("digits", "in-silico-refit", "fixed", "rough"),
    "digits-frozen": Row("digits", "frozen", "online", "rough"),
    "digits-ideal": Row("digits", "ideal", "fixed", "rough"),
    "pca-harsh-rough": Row("digits-pca", "pat", "online", "rough", "harsh"),
    "pca-harsh-frozen": Row("digits-pca", "frozen", "online", "rough", "harsh"),
    "pca-ideal": Row("digits-pca", "ideal", "fixed", "rough"),
    "spirals-rough": Row("spirals", "pat", "online", "rough"),
    "spirals-frozen": Row("spirals", "frozen", "online", "rough"),
    "spirals-ideal": Row("spirals", "ideal", "fixed", "rough"),
}
IDEAL = {"digits": "digits-ideal", "digits-pca": "pca-ideal", "spirals": "spirals-ideal"}


def accuracy(row: Row, seed: int, asked: argparse.Namespace, out: Path) -> float:
    """One run's test accuracy."""
    adc_bits = 6 if row.severity == "harsh" else 8
    plant = {"heater_dac_bits": 12, "adc_bits": adc_bits} if asked.converters == "coarse" else {}
    with hil.open(
        asked.bench, path=asked.path, severity=row.severity, plant_seed=seed, plant=plant
    ) as bench:
        result = hil.train(
            bench,
            row.task,
            row.method,
            twin=row.twin,
            as_built=row.as_built,
            seed=seed,
            n_steps=asked.n_steps,
            epochs=asked.epochs,
            out=out,
        )
    return result.accuracy


def interval(values: np.ndarray) -> float:
    """Half width of the 95 % interval of a mean."""
    if len(values) < 2:
        return float("nan")
    return float(stats.sem(values) * stats.t.ppf(0.975, len(values) - 1))


def main() -> None:
    """Run and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS))
    p.add_argument("--plant-seeds", nargs="*", type=int, default=[1, 2, 3])
    p.add_argument("--path", default="slot", choices=["slot", "wire"])
    p.add_argument("--bench", default="relax-mzi-16")
    p.add_argument("--converters", default="coarse", choices=["own", "coarse"])
    p.add_argument("--n-steps", type=int, default=6)
    p.add_argument("--epochs", type=int, default=40)
    p.add_argument("--json", type=Path, help="write all accuracies here too")
    asked = p.parse_args()
    rows = list(asked.rows)
    for name in [IDEAL[ROWS[r].task] for r in asked.rows]:
        if name not in rows:
            rows.append(name)
    rows.sort(key=lambda name: ROWS[name].method != "ideal")
    found: dict[str, np.ndarray] = {}
    print(f"{'row':24s} {'mean':>6s} {'+-95%':>6s} {'minus ideal':>12s} {'+-95%':>6s}  each")
    with tempfile.TemporaryDirectory() as folder:
        for name in rows:
            row = ROWS[name]
            found[name] = np.array(
                [
                    accuracy(row, seed, asked, Path(folder) / f"{name}-{seed}")
                    for seed in asked.plant_seeds
                ]
            )
            paired = found[name] - found[IDEAL[row.task]]
            print(
                f"{name:24s} {found[name].mean():6.3f} {interval(found[name]):6.3f} "
                f"{paired.mean():12.3f} {interval(paired):6.3f}  "
                + " ".join(f"{value:.3f}" for value in found[name]),
                flush=True,
            )
    if asked.json:
        asked.json.write_text(json.dumps({k: v.tolist() for k, v in found.items()}, indent=2))


if __name__ == "__main__":
    main()
