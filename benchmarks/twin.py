"""What the refits of the twin are worth on benches that drift: a table of docs/methods.md.

    python benchmarks/twin.py                                  # digits, plant seeds 11 12
    python benchmarks/twin.py --methods layered adam oracle --drift 0.2 --tasks digits
    python benchmarks/twin.py --methods layered --drift 0.1 --follow 1 --plant-seeds 11 12 13 14 15
    python benchmarks/twin.py --methods layered --drift 0 0.1 0.2 --digital-steps 0
    python benchmarks/twin.py --plant-seeds 1 2 3 4 5 --json runs.jsonl
    python benchmarks/twin.py --show runs.jsonl                # the table again

Simulated bench, slot path, training seed = plant seed. Drift is an Ornstein-Uhlenbeck walk of each
phase of `rms` rad, tau 300 planned training steps, nothing in common; `packaged` is the bench
file's own. Accuracy is that of the test part, measured with the last weights as training ends;
`2 s later` the same after two seconds in which nothing is done. The cosine is that of the gradient
that training believes in with central differences of the plant, after --cosine-epoch epochs. CPU is
that of the refit per batch.

Methods: `layered` and `adam` are `pat` with that refit; `layered-anneal` the same with rates that
fall to zero whatever the drift, `layered-neural` with a neural residual; `oracle` a twin that is
given the plant's parameters, and its phases at every batch: the ceiling of a twin; `fixed` has no
refit; `frozen` trains electronics alone.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from truth import Truth

import hil
import hil.learn.methods
from hil.control.trace import Floats, Trace
from hil.learn.api import Quiet, make_job, prepare_folder
from hil.learn.job import Job
from hil.learn.measuring import measure_accuracy
from hil.learn.methods import Assembly, Trained
from hil.learn.network import Network
from hil.learn.reports import EpochReport
from hil.learn.training import train_job
from hil.twin.protocol import SlotTwin
from hil.twin.refitting import KINDS, Refit, new_refit

METHODS = ("layered", "adam", "layered-anneal", "layered-neural", "oracle", "fixed", "frozen")
LATER = 2.0


@dataclass
class Run:
    """What one run came to."""

    task: str
    drift: str
    method: str
    seed: int
    accuracy: float = float("nan")
    later: float = float("nan")
    cosine: float = float("nan")
    residual: float = float("nan")
    cpu_ms: float = float("nan")


class Oracle:
    """A refit that is told the truth: nothing could keep a twin truer."""

    def __init__(self, twin: SlotTwin, truth: Truth, step: float) -> None:
        self.twin, self.truth = twin, truth
        self.residual, self.fallbacks = 0.0, 0
        numbers = truth.plant.spec.numbers
        self.drift = numbers.drift_rms * math.sqrt(-math.expm1(-2.0 * step / numbers.drift_tau))

    def observe(self, powers: Tensor, trace: Trace) -> float:
        """Take over the plant's parameters, and its phases at these powers."""
        devices, numbers = self.truth.plant.devices, self.truth.plant.spec.numbers
        q, y_sat = self.twin.parameters, numbers.saturation
        told: dict[str, Any] = {
            "alpha": devices.alpha,
            "beta": devices.beta,
            "loss_db": devices.loss_db,
            "leak": np.stack([devices.leak.real, devices.leak.imag], axis=-1),
            "kappa": devices.modulator_gain,
            "bias": devices.modulator_bias,
            "gain": devices.detector_gain,
            "zero": devices.detector_offset,
            "softness": 0.0 if y_sat is None else y_sat**-2,
            "memory": numbers.memory,
            "lo_phase": self.truth.plant.lo_phase(float(trace.times[0])),
        }
        q.update({k: torch.tensor(np.asarray(v, dtype=np.float64)) for k, v in told.items()})
        here = torch.from_numpy(self.truth.phases(powers.detach().numpy(), float(trace.times[0])))
        q["offset"] = q["offset"] + here - self.twin.phases(powers.detach())  # type: ignore
        return 0.0

    def adopt(self, parameters: Any) -> None:
        """The truth needs no advice."""


class Timed:
    """A refit whose CPU time is counted."""

    def __init__(self, refit: Refit, seconds: list[float]) -> None:
        self._refit, self._seconds = refit, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._refit, name)

    def observe(self, powers: Tensor, trace: Trace) -> float:
        """As the refit does."""
        began = time.process_time()
        try:
            return self._refit.observe(powers, trace)
        finally:
            self._seconds.append(time.process_time() - began)


class Scorer(Quiet):
    """Scores the gradient against the plant after some epoch."""

    def __init__(self, run: Run, job: Job, truth: Truth, epoch: int) -> None:
        self._run, self._job, self._truth, self._epoch = run, job, truth, epoch

    def epoch(self, report: EpochReport, network: Network, twin: SlotTwin) -> None:
        """Compare, when it is time."""
        if report.epoch == self._epoch:
            part = self._job.task.train
            self._run.cosine = self._truth.cosine(
                twin,
                network,
                self._job.schedule,
                part.features[:64],
                part.labels[:64],
                report.bench_time,
            )


def job_of(asked: argparse.Namespace, bench: hil.Bench, run: Run) -> Job:
    """The job of a run."""
    frozen, fixed = run.method == "frozen", run.method == "fixed"
    job = make_job(
        bench.core,
        run.task,
        "frozen" if frozen else "pat",
        twin="fixed" if fixed else "online",
        epochs=asked.epochs,
        seed=run.seed,
        digital_steps=asked.digital_steps,
    )
    kind = run.method if run.method in KINDS else "layered"
    refit = replace(job.settings.refit, kind=kind)
    settings = replace(job.settings, refit=refit)
    if asked.follow is not None:
        settings = replace(settings, follow=asked.follow)
    if run.method == "layered-anneal":
        settings = replace(settings, follow=0.0)
    return replace(job, settings=settings)


def one_run(asked: argparse.Namespace, run: Run) -> None:
    """Train on one bench."""
    overlay: dict[str, Any] = {}
    if run.drift != "packaged":
        overlay = {"drift_rms": float(run.drift), "drift_tau": 300 * step_time(asked, run.task)}
        overlay["drift_common"] = 0.0
    with (
        hil.open(asked.bench, path="slot", plant_seed=run.seed, plant=overlay) as bench,
        tempfile.TemporaryDirectory() as folder,
    ):
        job = job_of(asked, bench, run)
        truth = Truth(bench.core.file.document, job.n_banks)
        step = bench.core.plan(job.schedule, job.settings.batch).total
        seconds: list[float] = []

        def refit(twin: SlotTwin, settings: Any, seed: int) -> Any:
            found = Oracle(twin, truth, step) if run.method == "oracle" else None
            return Timed(found or new_refit(twin, settings, seed), seconds)

        with patched(refit, run):
            kept = prepare_folder(bench.core, job, asked.as_built, Path(folder) / "run")
            scorer = Scorer(run, job, truth, asked.cosine_epoch)
            result = bench.do(train_job(bench.core, job, kept, scorer))
    run.accuracy = result.accuracy
    run.residual = result.epochs[-1].residual or float("nan")
    run.cpu_ms = 1e3 * float(np.mean(seconds)) if seconds else float("nan")


class patched:
    """Lets runs use another refit, and measures the test part once more after a while."""

    def __init__(self, refit: Callable[..., Any], run: Run) -> None:
        self._refit, self._run = refit, run

    def __enter__(self) -> None:
        self._kept = hil.learn.methods.new_refit, Assembly.test_logits
        measure, run = self._kept[1], self._run

        async def twice(assembly: Assembly, trained: Trained) -> Floats:
            now = await measure(assembly, trained)
            await trained.machine.rest(LATER)
            run.later = await measure_accuracy(
                trained.machine, assembly.schedule, trained.network, assembly.task.test, "manual"
            )
            return now

        hil.learn.methods.new_refit, Assembly.test_logits = self._refit, twice

    def __exit__(self, *_: object) -> None:
        hil.learn.methods.new_refit, Assembly.test_logits = self._kept


def step_time(asked: argparse.Namespace, task: str) -> float:
    """Planned bench time of a training step, s."""
    with hil.open(asked.bench, path="slot") as bench:
        job = make_job(bench.core, task)
        return bench.core.plan(job.schedule, job.settings.batch).total


def table(runs: list[Run]) -> None:
    """Means over the seeds, one row a task, drift and method."""
    rows: dict[tuple[str, str, str], list[Run]] = defaultdict(list)
    for run in runs:
        rows[run.task, run.drift, run.method].append(run)
    head = f"{'task':11s} {'drift':9s} {'method':15s} accuracy  +-    2 s later  cosine  residual"
    print(f"{head}   ms  each")
    for (task, drift, method), found in rows.items():
        found.sort(key=lambda run: run.seed)

        def mean(name: str, found: list[Run] = found) -> float:
            return float(np.mean([getattr(run, name) for run in found]))

        spread = np.std([run.accuracy for run in found], ddof=1) if len(found) > 1 else math.nan
        print(
            f"{task:11s} {drift:9s} {method:15s} {mean('accuracy'):.3f}  "
            f"{spread / math.sqrt(len(found)):.3f}     {mean('later'):.3f}     "
            f"{mean('cosine'):.3f}   {mean('residual'):.4f}  {mean('cpu_ms'):5.1f}  "
            + " ".join(f"{run.accuracy:.3f}" for run in found)
        )


def main() -> None:
    """Run and print; `+-` is the standard error of the mean over the plants."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--methods", nargs="*", default=["layered", "adam"], choices=METHODS)
    p.add_argument("--drift", nargs="*", default=["0", "0.1", "0.2"], metavar="RAD|packaged")
    p.add_argument("--tasks", nargs="*", default=["digits"])
    p.add_argument("--plant-seeds", nargs="*", type=int, default=[11, 12])
    p.add_argument("--bench", default="relax-mzi-16")
    p.add_argument("--as-built", default="rough")
    p.add_argument("--follow", type=float, help="TrainingSettings.follow; default: its own")
    p.add_argument("--digital-steps", type=int, help="TrainingSettings.digital_steps")
    p.add_argument("--epochs", type=int, default=40)
    p.add_argument("--cosine-epoch", type=int, default=5)
    p.add_argument("--json", type=Path, help="append each run here, as it ends")
    p.add_argument(
        "--show", nargs="+", type=Path, help="print the table of such files; run nothing"
    )
    asked = p.parse_args()
    torch.set_num_threads(1)
    runs: list[Run] = []
    for file in asked.show or []:
        runs += [Run(**json.loads(line)) for line in file.read_text().splitlines()]
    if not asked.show:
        for task in asked.tasks:
            for drift in asked.drift:
                for method in asked.methods:
                    for seed in asked.plant_seeds:
                        runs.append(Run(task, drift, method, seed))
                        one_run(asked, runs[-1])
                        line = json.dumps(asdict(runs[-1]))
                        print(line, file=sys.stderr, flush=True)
                        if asked.json:
                            with asked.json.open("a") as out:
                                out.write(line + "\n")
    table(runs)


if __name__ == "__main__":
    main()
