"""Training over true links against training in memory, on the same chips.

    python benchmarks/served.py                                          # relax-mzi-8, seeds 1 2 3
    python benchmarks/served.py --bench relax-mzi-8-precise --seeds 1
    python benchmarks/served.py --bench relax-mzi-4-scopes --task spirals

For each seed a bench of that plant seed is served (`python -m sim_backends serve`, instruments
behind TCP, HTTP, HiSLIP and serial ports), calibrated from nothing and trained with `--backend
real`; then the same chip is calibrated and trained with `--backend sim`, over drivers and bytes but
in memory, with the same training seed. Programs are started as a user starts them. A served bench
goes by the wall clock, so drift, noise and times are other draws of the same laws: accuracies agree
within what two such runs differ by. Needs a machine that has nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

PATIENCE = 60.0
"""Seconds until a bench is served."""
Run = dict[str, Any]


def chip(name: str, seed: int, folder: Path) -> Path:
    """A bench file like the packaged one, of another chip."""
    text = resources.files("hil").joinpath("benches", f"{name}.toml").read_text()
    plant = text.index("[plant]")
    drawn = re.sub(r"(?m)^seed = \d+", f"seed = {seed}", text[plant:], count=1)
    path = folder / f"{name}.toml"
    path.write_text(text[:plant] + drawn)
    return path


@contextmanager
def served(bench: Path, folder: Path) -> Iterator[Path]:
    """The bench file of a served bench. Raises `RuntimeError` where it does not come up."""
    addressed = folder / "served.toml"
    command = ["sim_backends", "serve", str(bench), "--free-ports", "--as-bench", str(addressed)]
    with (
        (folder / "serve.log").open("w") as log,
        subprocess.Popen([sys.executable, "-m", *command], stdout=log, stderr=log) as server,
    ):
        end = time.monotonic() + PATIENCE
        try:
            while "Ctrl-C" not in (folder / "serve.log").read_text():
                if server.poll() is not None or time.monotonic() > end:
                    raise RuntimeError((folder / "serve.log").read_text())
                time.sleep(0.1)
            yield addressed
        finally:
            server.send_signal(signal.SIGINT)


def one_run(bench: Path, backend: str, seed: int, asked: argparse.Namespace, folder: Path) -> Run:
    """What a training run told in the end, started from its own calibration."""
    folder.mkdir()
    record, out = folder / "calibration", folder / "run"
    calibrate = ["hil.calibrate", "run", str(bench), "--backend", backend, "--out", str(record)]
    train = ["hil.train", "--bench", str(bench), "--backend", backend, "--task", asked.task]
    train += ["--record", str(record / "record.json"), "--seed", str(seed), "--out", str(out)]
    for command in (calibrate, [*train, "--epochs", str(asked.epochs)]):
        words = [sys.executable, "-m", *command]
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads((out / "summary.json").read_text())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bench", default="relax-mzi-8", help="a packaged bench")
    parser.add_argument("--task", default="digits")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    asked = parser.parse_args()
    print("| seed | served | in memory | served, bench s | in memory, bench s |")
    print("|---|---|---|---|---|")
    found: list[tuple[float, float]] = []
    for seed in asked.seeds:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            bench = chip(asked.bench, seed, folder)
            with served(bench, folder) as addressed:
                real = one_run(addressed, "real", seed, asked, folder / "real")
            sim = one_run(bench, "sim", seed, asked, folder / "sim")
        found.append((real["accuracy"], sim["accuracy"]))
        seconds = [run["ledger"]["bench_seconds"] for run in (real, sim)]
        print(
            f"| {seed} | {found[-1][0]:.3f} | {found[-1][1]:.3f} | {seconds[0]:.1f} | "
            f"{seconds[1]:.1f} |",
            flush=True,
        )
    mean = np.mean(found, axis=0)
    print(f"| mean | {mean[0]:.3f} | {mean[1]:.3f} | | |")
    if len(found) > 1:
        less = np.diff(np.array(found)[:, ::-1], axis=1)[:, 0]
        half = stats.t.ppf(0.975, len(less) - 1) * np.std(less, ddof=1) / np.sqrt(len(less))
        print(f"\nserved minus in memory: {less.mean():+.3f} +- {half:.3f} (95 % of Student's t)")


if __name__ == "__main__":
    main()
