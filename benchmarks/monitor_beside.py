"""What a window beside a run costs its training step: python benchmarks/monitor_beside.py

Within one run, so finely interleaved that the machine's own pace cancels. Two like runs on the
simulated bench, path wire, one of which is held (SIGSTOP) while the other steps: beside the first
windows are opened, the second never sees one. In cycles of some steps a block:

    none, the other run, a window opens, open, stopped, stopped, open, killed

open: it has read the record so far, and is painting. stopped: by SIGSTOP. killed: by SIGKILL, just
now. A block counts as its median step. Each is told as a ratio to the blocks without a window
before and after, with what 95 % of resampled cycles say (bootstrap). That a run which has had
windows killed is like one that never had any: its blocks without one against the other run's, as a
ratio to the same before the first window. What opening costs stands by itself: the steps until the
window has read the record, and paints.

The window draws into memory (offscreen), which costs it as much as drawing onto a screen. On a
machine with few cores a simulated bench computes where a real one is waited for: so this is the
worst case. --nice 0: a window that does not give way.
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
from typing import Any

import numpy as np
from resampling import Floats, interval, ratio

CASES = ("open", "stopped", "killed")
#: s that a block, or opening a window, may take.
PATIENCE = 120.0
#: Pictures after which a window counts as painting; and between which it tells how many there were.
PAINTING = 30


class Run:
    """A training run that goes on for as long as it is let; stopped but for where it is asked."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "hil.train", "--backend", "sim", "--path", "wire"]
        command += ["--epochs", "100000", "--out", str(folder)]
        self.folder, self._log = folder, folder.with_suffix(".log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def begun(self, steps: int) -> None:
        """Wait for so many steps, then hold it."""
        while not (self.folder / "events.sqlite").exists():
            self._check()
        began = time.time()
        while len(self._since(0.0)) < steps:
            self._check()
            if time.time() - began > PATIENCE:
                raise SystemExit(f"no {steps} steps within {PATIENCE:.0f} s")
        self._process.send_signal(signal.SIGSTOP)

    def let(self) -> float:
        """Let it go on; gives when, s."""
        self._process.send_signal(signal.SIGCONT)
        return time.time()

    def hold(self) -> None:
        """Hold it where it is."""
        self._process.send_signal(signal.SIGSTOP)

    def walls(self, begin: float) -> Floats:
        """Wall s of the steps since a time; not of that which was under way then."""
        return np.diff(self._since(begin))

    def block(self, steps: int) -> float:
        """Median wall s of so many steps from now on."""
        began = time.time()
        while len(found := self.walls(began)) < steps:
            self._check()
            if time.time() - began > PATIENCE:
                raise SystemExit(f"no {steps} steps within {PATIENCE:.0f} s")
        return float(np.median(found[:steps]))

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _since(self, begin: float) -> list[float]:
        with closing(
            sqlite3.connect(f"file:{self.folder}/events.sqlite?mode=ro", uri=True, timeout=5.0)
        ) as record:
            found = record.execute(
                "SELECT wall_time FROM events WHERE kind = 'step' AND wall_time > ? ORDER BY id",
                (begin,),
            )
            return [wall for (wall,) in found]

    def _check(self) -> None:
        if self._process.poll() is not None:
            raise SystemExit(f"the run ended: {self._log.read_text(encoding='utf-8')}")
        time.sleep(0.02)


class Window:
    """A window on a run: its process, and how many pictures it has painted."""

    def __init__(self, folder: Path, nice: int) -> None:
        self._told, self._log = folder.with_suffix(".pictures"), folder.with_suffix(".window")
        self._told.unlink(missing_ok=True)
        command = [sys.executable, __file__, "--window", str(folder), "--nice", str(nice)]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--told", str(self._told)],
                env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
                stdout=log,
                stderr=log,
            )

    def painting(self) -> None:
        """Wait until it paints."""
        until = time.monotonic() + PATIENCE
        while not self.pictures():
            self.check()
            if time.monotonic() > until:
                raise SystemExit(f"the window did not paint within {PATIENCE:.0f} s")
            time.sleep(0.02)

    def pictures(self) -> int:
        """How many it has painted."""
        try:
            return int(self._told.read_text(encoding="ascii") or "0")
        except OSError:
            return 0

    def used(self) -> float:
        """Processor time that it has taken, s (Linux)."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def check(self) -> None:
        """End with what it said, where it did not stay open."""
        if (code := self.process.poll()) is not None:
            said = self._log.read_text(encoding="utf-8").strip()
            raise SystemExit(f"the window did not stay open: exit code {code}: {said}")

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()


def be_window(asked: argparse.Namespace) -> int:
    """In the window's own process: `python -m hil.monitor FOLDER`, which tells of its pictures."""
    from hil.monitor.__main__ import main as monitor
    from hil.monitor.window import application
    from hil.monitor.window.main_window import MonitorWindow

    painted, read, tick = 0, False, MonitorWindow.tick

    def counted(window: MonitorWindow, **options: Any) -> None:
        nonlocal painted, read
        tick(window, **options)
        # What was recorded before is read first: that belongs to opening, however long the record.
        read = read or window.feed.caught_up
        painted += read
        if painted and painted % PAINTING == 0:
            asked.told.write_text(str(painted), encoding="ascii")

    MonitorWindow.tick = counted  # type: ignore[method-assign]
    application.NICE = asked.nice
    return monitor([str(asked.window)])


class Cycles:
    """What was measured: a row a cycle."""

    def __init__(self) -> None:
        #: Median s of a step: of the two runs, before any window; without one; by case; the other.
        self.before: list[tuple[float, float]] = []
        self.none: list[float] = []
        self.by: dict[str, list[float]] = {case: [] for case in CASES}
        self.other: list[float] = []
        #: Of each opening: s in all, steps in it, and their median s.
        self.opening: list[tuple[float, int, float]] = []
        self.share: list[float] = []
        self.rate: list[float] = []

    def cycle(self, run: Run, other: Run, asked: argparse.Namespace) -> None:
        """Measure one; both runs are held, before and after."""
        run.let()
        self.none.append(run.block(asked.block))
        began = time.time()
        window = Window(run.folder, asked.nice)
        try:
            window.painting()
            steps = run.walls(began)
            self.opening.append((float(steps.sum()), len(steps), float(np.median(steps))))
            used, pictures, at = window.used(), window.pictures(), time.monotonic()
            opened = [run.block(asked.block)]
            spent = time.monotonic() - at
            self.share.append((window.used() - used) / spent)
            self.rate.append((window.pictures() - pictures) / spent)
            window.process.send_signal(signal.SIGSTOP)
            self.by["stopped"].append(np.mean([run.block(asked.block) for _ in range(2)]).item())
            window.process.send_signal(signal.SIGCONT)
            opened.append(run.block(asked.block))
            window.check()
            self.by["open"].append(float(np.mean(opened)))
        finally:
            window.kill()
        self.by["killed"].append(run.block(asked.block))
        run.hold()
        self.other.append(beside(other, asked.block))

    def line(self) -> str:
        """The last cycle: ms a step."""
        told = {"none": self.none, **self.by, "other run": self.other}
        return "  ".join(f"{name} {1e3 * values[-1]:.1f}" for name, values in told.items())

    def text(self) -> str:
        """The figures."""
        none = np.array(self.none)
        around = 0.5 * (none[:-1] + none[1:])
        disturbed = 100.0 * np.median(np.abs(np.diff(none)) / around)
        without = 0.5 * (np.array(self.by["killed"]) + around) / np.array(self.other)
        before = np.array([one / other for one, other in self.before])
        lines = [
            f"no window: {1e3 * np.median(none):.1f} ms a step; {len(around)} cycles, "
            f"{os.cpu_count()} cores, load {os.getloadavg()[2]:.1f}; from a cycle to the next it "
            f"differs by {disturbed:.1f} % (median)",
            *(
                f"{case:8s} {interval(np.array(self.by[case]) / around)} times that"
                for case in CASES
            ),
            f"after windows were killed {interval(without)} times a run that never had one,",
            f"before the first was opened {interval(before)}; the former as a ratio to the latter "
            f"{ratio(without, before)}",
            opening(np.array(self.opening), np.array(self.none)),
            f"an open window paints {np.median(self.rate):.0f} pictures a second and takes "
            f"{100 * np.median(self.share):.0f} % of a core",
        ]
        return "\n".join(lines)


def beside(run: Run, steps: int) -> float:
    """A block of a run that is held before and after."""
    run.let()
    found = run.block(steps)
    run.hold()
    return found


def opening(found: Floats, none: Floats) -> str:
    """What the steps while windows opened cost."""
    usual = np.median(none)
    seconds, steps, median = np.median(found, axis=0)
    late = np.median(found[:, 0] - found[:, 1] * usual)
    return (
        f"opening: {seconds:.1f} s until it has read and paints, {steps:.0f} steps of "
        f"{median / usual:.2f} times that; a run ends {late:.2f} s later for it"
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cycles", type=int, default=30)
    parser.add_argument("--block", type=int, default=12, help="steps")
    parser.add_argument("--nice", type=int, default=10, help="of the window (10: as it is)")
    parser.add_argument("--window", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--told", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.window:
        return be_window(asked)
    found = Cycles()
    with tempfile.TemporaryDirectory() as root:
        runs = [Run(Path(root) / name) for name in ("first", "other")]
        try:
            for run in runs:
                run.begun(asked.block)
            for _ in range(asked.cycles):
                found.before.append((beside(runs[0], asked.block), beside(runs[1], asked.block)))
            for number in range(asked.cycles):
                found.cycle(runs[0], runs[1], asked)
                print(f"cycle {number + 1}: {found.line()}", flush=True)
            found.none.append(beside(runs[0], asked.block))
            print(found.text())
        finally:
            for run in runs:
                run.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
