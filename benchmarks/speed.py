"""What a step costs on this machine, as ratios of one run: python benchmarks/speed.py

Absolute times of shared machines mean little; the ratios between lines of one run carry over. One
torch thread throughout.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import hil
from hil.learn.pat import measured_pass

SCHEDULE = hil.Schedule(2, 6)
BATCH = 64


def cost(work: Callable[[], object], seconds: float = 1.0) -> float:
    """CPU seconds of one call, the least of several groups."""
    work()
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.process_time()
        for _ in range(5):
            work()
        best = min(best, (time.process_time() - began) / 5)
    return best


def bench_pass(path: str) -> float:
    """A batch through all slots at levels that all change."""
    rng = np.random.default_rng(0)
    with hil.open("relax-mzi-16", path=path) as bench:
        x = rng.uniform(-0.5, 0.5, (BATCH, bench.ports))
        turns = itertools.cycle([rng.uniform(0.008, 0.032, (2, 256)) for _ in range(2)])
        return cost(lambda: bench.run(next(turns), x, schedule=SCHEDULE))


def digital_side() -> tuple[float, float]:
    """The digital work of a step: PAT forward and backward, and the twin's refit."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, hil.open("relax-mzi-16", path="slot") as bench:
        record = Path(folder) / "as-built.json"
        bench.write_as_built("rough", record)
        twin = hil.twin_from_record(bench, record)
        levels = rng.uniform(0.008, 0.032, (2, 256))
        x = rng.uniform(-0.5, 0.5, (BATCH, bench.ports))
        trace = bench.run(levels, x, schedule=SCHEDULE)
    powers = torch.tensor(levels / twin.p_pi, requires_grad=True)
    gain = torch.ones(2, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(2, 16, dtype=torch.float64, requires_grad=True)
    inputs = torch.from_numpy(SCHEDULE.place(x, 16))
    refit = hil.OnlineRefit(twin, hil.RefitSettings(), seed=0)
    for _ in range(8):
        refit.observe(powers, trace)

    def learn() -> None:
        measured_pass(twin, powers, gain, bias, 0.0, inputs, trace).sum().backward()

    return cost(learn), cost(lambda: refit.observe(powers, trace))


def dense() -> float:
    """The same depth and width of dense layers, forward and backward."""
    layers = [torch.nn.Linear(16, 16, dtype=torch.float64) for _ in range(SCHEDULE.n_steps)]
    x = torch.rand(BATCH, 16, dtype=torch.float64)

    def step() -> None:
        v = x
        for layer in layers:
            v = torch.sin(layer(v))
        v.sum().backward()

    return cost(step)


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    unit = dense()
    learn, refit = digital_side()
    lines = [
        ("six dense layers of 16, forward and backward", unit),
        ("PAT of six slots, forward and backward", learn),
        ("online refit of the twin, a batch", refit),
        ("bench pass on the slot path (512 writes, 6 slots of 64)", bench_pass("slot")),
        ("bench pass on the wire path (the same)", bench_pass("wire")),
    ]
    for name, seconds in lines:
        print(f"{name:56s} {1e3 * seconds:8.2f} ms CPU  {seconds / unit:7.1f} x dense")


if __name__ == "__main__":
    main()
