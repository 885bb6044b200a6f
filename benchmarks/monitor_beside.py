"""What a window beside a run costs its training step: python benchmarks/monitor_beside.py

The same job on the simulated bench, path wire, over and over: with no window; with one open and
painting; with one that was stopped (SIGSTOP); with one that was killed (SIGKILL), both in the midst
of the run. The wall time of a step is the median over the steps that follow, as the record has
them; rounds are paired, each begins with another case, and ratios are to the run without a window.
The window draws into memory (offscreen), which costs it as much as drawing onto a screen.

On a machine with few cores a simulated bench computes where a real one is waited for: so this is
the worst case.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np

CASES = ("none", "open", "stopped", "killed")
#: Steps before the window is stopped or killed; s that it gets to open; s that a run may take.
FIRST, OPENING, PATIENCE = 15, 30.0, 600.0


def steps(folder: Path) -> list[float]:
    """Wall times of the steps told so far, s."""
    path = folder / "events.sqlite"
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)) as record:
        try:
            found = record.execute("SELECT wall_time FROM events WHERE kind = 'step' ORDER BY id")
            return [wall for (wall,) in found]
        except sqlite3.OperationalError:  # the tables are being made
            return []


def window_beside(folder: Path) -> subprocess.Popen[bytes]:
    """A window on a run that begins now."""
    return subprocess.Popen(
        [sys.executable, "-m", "hil.monitor", str(folder), "--wait"],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def run_of(case: str, epochs: int, folder: Path) -> tuple[float, float]:
    """Median wall s of a step, and processor s that the window took of a second."""
    command = [sys.executable, "-m", "hil.train", "--backend", "sim", "--path", "wire"]
    command += ["--epochs", str(epochs), "--out", str(folder)]
    trainer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    window = None if case == "none" else window_beside(folder)
    until = time.monotonic() + PATIENCE
    try:
        while len(steps(folder)) < FIRST and trainer.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        began, before = time.monotonic(), 0.0
        if window is not None:
            if window.poll() is not None:
                raise SystemExit("the window did not stay open: try python -m hil.monitor")
            if case == "stopped":
                window.send_signal(signal.SIGSTOP)
            elif case == "killed":
                window.kill()
            before = processor(window.pid) if case == "open" else 0.0
        used = 0.0
        while trainer.poll() is None and time.monotonic() < until:
            if window is not None and case == "open":
                used = (processor(window.pid) - before) / (time.monotonic() - began + 1e-9)
            time.sleep(0.2)
    finally:
        for process in (trainer, window):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
    at = np.array(steps(folder)[FIRST:])
    return float(np.median(np.diff(at))), used


def processor(pid: int) -> float:
    """Processor time that a process has taken, s (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=6, help="of each run, 19 steps each")
    asked = parser.parse_args()
    times: dict[str, list[float]] = {case: [] for case in CASES}
    used: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(asked.rounds):
            turned = [CASES[(number + k) % len(CASES)] for k in range(len(CASES))]
            for case in turned:
                step, share = run_of(case, asked.epochs, Path(folder) / f"{case}-{number}")
                times[case].append(step)
                used += [share] if case == "open" else []
            told = "  ".join(f"{case} {1e3 * times[case][-1]:.1f}" for case in CASES)
            print(f"round {number}: ms a step: {told}", flush=True)
    alone = np.array(times["none"])
    print(f"no window: {1e3 * np.median(alone):.1f} ms a step, {os.cpu_count()} cores")
    for case in CASES[1:]:
        ratios = np.array(times[case]) / alone
        print(
            f"{case:8s} {np.median(ratios):.3f} times that "
            f"(rounds {ratios.min():.3f} to {ratios.max():.3f})"
        )
    print(f"the open window took {100 * np.median(used):.0f} % of a core")


if __name__ == "__main__":
    main()
