"""What keeping everything costs a training step: a ratio, within one run.

    python benchmarks/recording.py
    python benchmarks/recording.py --path wire

One job on the simulated bench, whose record and checkpoints are left out of every second block of
steps: of what they cost nothing is left but an event loop that looks whether anybody listens. A
block counts as its median step, as a ratio to the blocks without a record before and after it; so
the machine's own pace cancels. Blocks are whole rounds of what the drift watch and the tellings do.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from resampling import interval

import hil
from hil.learn.api import Quiet
from hil.learn.loop import Trainer
from hil.learn.reports import StepReport
from hil.learn.resuming import CheckpointKeeper
from hil.record import folder as files
from hil.telemetry.bus import Outlet

#: Steps of a block, of which the first are still in the way of what was before. Batches of an
#: epoch of the task.
BLOCK, FIRST, EPOCH = 20, 2, 19


class Blocks(Quiet):
    """Takes the record out of every second block, and notes when each step was told."""

    def __init__(self, bench: hil.Bench) -> None:
        self._bus = bench.core.bus
        self._record: Outlet | None = None
        self.kept = True
        self.at: list[float] = []
        self.spent: list[float] = []

    def step(self, report: StepReport) -> None:
        """Note the time; begin another block where one is over."""
        self.at.append(time.perf_counter())
        self.spent.append(time.process_time())
        if self._record is None:
            (self._record,) = (one for one in self._bus.outlets if one.name == "record")
        if len(self.at) % BLOCK == 0:
            self.kept = not self.kept
            (self._bus.add if self.kept else self._bus.remove)(self._record)

    @contextmanager
    def leaving_out_checkpoints(self) -> Iterator[None]:
        """As long as this is entered, checkpoints are kept where the record is."""
        put = CheckpointKeeper._put

        def put_or_not(keeper: CheckpointKeeper, name: str, of: Trainer, *, heavy: bool) -> None:
            if self.kept:
                put(keeper, name, of, heavy=heavy)

        CheckpointKeeper._put = put_or_not  # type: ignore[method-assign]
        try:
            yield
        finally:
            CheckpointKeeper._put = put  # type: ignore[method-assign]


def main() -> None:
    """Run and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--bench", default="relax-mzi-16")
    p.add_argument("--path", default="slot", choices=["slot", "wire"])
    p.add_argument("--pairs", type=int, default=20, help="of blocks with and without a record")
    asked = p.parse_args()
    # The first pair warms up.
    epochs = math.ceil((2 * asked.pairs + 4) * BLOCK / EPOCH)
    with tempfile.TemporaryDirectory() as root:
        out = Path(root) / "run"
        with hil.open(asked.bench, path=asked.path) as bench:
            blocks = Blocks(bench)
            with blocks.leaving_out_checkpoints():
                hil.train(bench, "digits", epochs=epochs, out=out, watcher=blocks)
        size = sum(one.stat().st_size for one in out.iterdir() if one.name != files.METRICS)
    count = 2 * asked.pairs + 1
    # From the second block without a record on: without, with, without, ..., without.
    starts = BLOCK * (3 + np.arange(count)) - 1
    at, spent = np.array(blocks.at), np.array(blocks.spent)
    walls = np.array([np.median(np.diff(at[n + FIRST : n + BLOCK])) for n in starts])
    work = np.array([spent[n + BLOCK - 1] - spent[n + FIRST] for n in starts]) / (BLOCK - 1 - FIRST)
    without, around = walls[::2], 0.5 * (walls[:-1:2] + walls[2::2])
    more = 1e3 * (work[1::2] - 0.5 * (work[:-1:2] + work[2::2]))
    disturbed = 100.0 * np.median(np.abs(np.diff(without)) / around)
    print(
        f"step without a record      {1e3 * np.median(without):.1f} ms; from a block to the next "
        f"it differs by {disturbed:.1f} % (median)"
    )
    print(f"with, as a ratio           {interval(walls[1::2] / around)}")
    print(f"processor time of keeping  {interval(more, 1)} ms a step")
    print(f"run folder                 {size / 1e3 / (len(at) / 2):.0f} kB a step that is kept")


if __name__ == "__main__":
    main()
