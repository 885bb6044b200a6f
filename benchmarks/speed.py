"""What a step costs on this machine, as ratios of one run: python benchmarks/speed.py

Absolute times of shared machines mean little; the ratios between lines of one run carry over. One
torch thread throughout.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import hil
from hil.learn.pat import measured_pass


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


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    schedule = hil.Schedule(2, 6)
    lines: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for path in ("slot", "wire"):
            with hil.open("relax-mzi-16", path=path) as bench:
                x = rng.uniform(-0.5, 0.5, (64, bench.ports))
                levels = [rng.uniform(0.008, 0.032, (2, 256)) for _ in range(2)]
                turn = iter(range(1_000_000))

                def one_pass(
                    bench: hil.Bench = bench,
                    x: np.ndarray = x,
                    levels: list[np.ndarray] = levels,
                    turn: object = turn,
                ) -> hil.Trace:
                    return bench.run(levels[next(turn) % 2], x, schedule=schedule)  # type: ignore[call-overload]

                lines.append((f"bench pass, {path}: 512 writes, 6 slots of 64", cost(one_pass)))
                if path == "wire":
                    continue
                record = Path(folder) / "as-built.json"
                bench.write_as_built("rough", record)
                twin = hil.twin_from_record(bench, record)
                trace = one_pass()
                refit = hil.OnlineRefit(twin, hil.RefitSettings(), seed=0)
                powers = torch.tensor(levels[0] / 0.02).requires_grad_()
                gain = torch.ones(2, dtype=torch.float64, requires_grad=True)
                bias = torch.zeros(2, 16, dtype=torch.float64, requires_grad=True)
                inputs = torch.from_numpy(schedule.place(x, 16))

                def learn() -> None:
                    measured_pass(twin, powers, gain, bias, 0.0, inputs, trace).sum().backward()

                for _ in range(8):
                    refit.observe(powers, trace)
                lines.append(("PAT forward and backward, 6 slots", cost(learn)))
                lines.append(("twin refit of a batch", cost(lambda: refit.observe(powers, trace))))
    dense = [torch.nn.Linear(16, 16, dtype=torch.float64) for _ in range(6)]

    def digital() -> None:
        v = torch.from_numpy(x)
        for layer in dense:
            v = torch.sin(layer(v))
        v.sum().backward()

    unit = cost(digital)
    lines.append(("the same depth of dense layers, forward and backward", unit))
    for name, seconds in lines:
        print(f"{name:56s} {1e3 * seconds:8.2f} ms CPU  {seconds / unit:7.1f} x dense")


if __name__ == "__main__":
    main()
