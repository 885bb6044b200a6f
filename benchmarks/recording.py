"""What keeping everything costs a training step: a ratio, both ways in one run.

    python benchmarks/recording.py
    python benchmarks/recording.py --path wire --rounds 3

The same job on the simulated bench, with its record and checkpoints and without, one after the
other; the wall time of a step is the median over all steps of a round, and rounds are paired.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import hil
import hil.learn.job
from hil.learn.api import Quiet
from hil.learn.reports import StepReport


class Clock(Quiet):
    """When each step was told."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def step(self, report: StepReport) -> None:
        """Note the time."""
        self.at.append(time.perf_counter())


class Nothing:
    """In place of recorder and checkpoints: keeps nothing."""

    def __init__(self, *args: Any, **options: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **options: None


def round_of(asked: argparse.Namespace, folder: Path, kept: bool) -> tuple[float, float, int]:
    """Median wall s of a step, mean processor s, and bytes left in the run folder."""
    real = hil.learn.job.Recorder, hil.learn.job.Checkpoints
    if not kept:
        hil.learn.job.Recorder = hil.learn.job.Checkpoints = Nothing  # type: ignore[misc,assignment]
    clock, spent = Clock(), time.process_time()
    try:
        with hil.open(asked.bench, path=asked.path) as bench:
            hil.train(bench, "digits", epochs=asked.epochs, out=folder, watcher=clock)
    finally:
        hil.learn.job.Recorder, hil.learn.job.Checkpoints = real  # type: ignore[misc]
    size = sum(path.stat().st_size for path in folder.iterdir())
    shutil.rmtree(folder)
    spent = (time.process_time() - spent) / len(clock.at)
    return float(np.median(np.diff(clock.at))), spent, size


def main() -> None:
    """Run and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--bench", default="relax-mzi-16")
    p.add_argument("--path", default="slot", choices=["slot", "wire"])
    p.add_argument("--epochs", type=int, default=4)
    p.add_argument("--rounds", type=int, default=5)
    asked = p.parse_args()
    ratios, steps, cpu = [], [], []
    with tempfile.TemporaryDirectory() as root:
        round_of(asked, Path(root) / "warm", True)
        for number in range(asked.rounds):
            order = (True, False) if number % 2 else (False, True)
            found = {kept: round_of(asked, Path(root) / "run", kept) for kept in order}
            ratios.append(found[True][0] / found[False][0])
            steps.append(found[False][0])
            cpu.append(1e3 * (found[True][1] - found[False][1]))
            size = found[True][2]
    print(f"step without a record      {1e3 * np.median(steps):.1f} ms")
    spread = f"({min(ratios):.3f} to {max(ratios):.3f})"
    print(f"with, as a ratio           {np.median(ratios):.3f}  {spread}")
    print(f"processor time of keeping  {np.median(cpu):.1f} ms a step")
    print(f"run folder of {asked.epochs} epochs     {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
