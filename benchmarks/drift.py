"""The drift watch of training: how soon steps alarm, and how often it alarms for nothing.

    python benchmarks/drift.py                              # plant seeds 1 to 5
    python benchmarks/drift.py --plant-seeds 11 12 --seeds 1 --refit layered
    python benchmarks/drift.py --stop 120 --between 25      # only while the twin is young
    python benchmarks/drift.py --bench relax-mrr-16 --size 0.3
    python benchmarks/drift.py --json drift.jsonl           # and keep what each run found
    python benchmarks/drift.py --show drift.jsonl           # the tables again

Simulated bench, slot path, the bench file's own drift, training as `python -m hil.train` does it.
The runs see no step: whatever alarms in them is false. Every --between batches, at a random phase
to the looks, a run is copied (a fork of the process), once for each kind of step; in each copy the
plant's phases (half-widths of rings) step at once and training goes on for --patience batches. So
each step is a real one, seen by the run as it was then, and the run itself goes on without it.

Kinds: `all`: every element by a normal step of --size rms of its own; `common`: all by --size;
`one`: a single element, drawn at random, by --size to either side.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import select
import signal
import sys
import tempfile
import traceback
from collections import defaultdict
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import chi2

import hil
from hil.learn.api import Quiet, make_job
from hil.learn.guard import Guard
from hil.learn.limits import Limits
from hil.learn.methods import Assembly
from hil.learn.network import Network
from hil.learn.position import batch_starts
from hil.learn.recalibration import recalibration
from hil.learn.reports import EpochReport, StepReport
from hil.twin.machine import twin_of
from hil.twin.protocol import SlotTwin
from sim_backends.plant.plant import Plant

KINDS = ("all", "common", "one")
#: s of wall time after which a copy of a run counts as failed.
PATIENCE_SECONDS = 120.0
Floats = NDArray[np.float64]


@dataclass
class Trial:
    """A step in a copy of a run.

    batch : after which it came; place : bank and element of a single one; delay : batches until the
    first alarm, or None; cause : that the alarm was put down to; worst : the place that it names;
    action : that followed. shown : rms change of what a look reads, signal units.
    """

    kind: str
    batch: int
    by: float
    place: tuple[int, int] | None = None
    shown: float = math.nan
    delay: int | None = None
    cause: str = ""
    worst: tuple[int, int] | None = None
    action: str = ""


@dataclass
class Run:
    """A run without a step. alarms : events (batch, text) of false ones."""

    plant_seed: int
    seed: int
    refit: str
    batches: int = 0
    accuracy: float = math.nan
    alarms: list[tuple[int, str]] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)


@dataclass(frozen=True)
class Kept(Assembly):
    """An assembly that keeps the guards it makes."""

    guards: list[Guard] = field(default_factory=list)

    def _guard(self, *arguments: Any) -> Guard:
        self.guards.append(super()._guard(*arguments))
        return self.guards[-1]


class StoppedError(Exception):
    """The run has come as far as it was asked to."""


class Stepper(Quiet):
    """Copies a run at certain batches, and steps the plant of the copy."""

    def __init__(self, asked: argparse.Namespace, run: Run, bench: hil.Bench, last: int) -> None:
        assert bench.core.simulation is not None
        self.plant: Plant = bench.core.simulation._bench._plant  # type: ignore
        self.guards: list[Guard] = []
        self._asked, self._run, self._bench, self._last = asked, run, bench, last
        self._rng = np.random.default_rng([run.plant_seed, run.seed, 0x57E9])
        self._next = self._draw(0)
        self._trial: Trial | None = None
        self._passed = 0
        self._pipe = -1

    def _draw(self, after: int) -> int:
        between = self._asked.between
        return after + between + int(self._rng.integers(-between // 4, between // 4 + 1))

    def step(self, report: StepReport) -> None:
        """After each batch: of the run, begin trials; of a copy, end it when all is known."""
        if self._trial is not None:
            self._trial_batch(self._trial)
            return
        if self._run.batches == self._last:
            raise StoppedError
        self._run.batches += 1
        if self._run.batches < self._next:
            return
        self._next = self._draw(self._run.batches)
        if self._run.batches + self._asked.patience <= self._last:
            for kind in self._asked.kinds:
                if self._trial is None:
                    self._try(kind)

    def epoch(self, report: EpochReport, network: Network, twin: SlotTwin) -> None:
        """Keep the accuracy as the run goes on."""
        self._run.accuracy = report.held_out_accuracy

    def _try(self, kind: str) -> None:
        spec = self.plant.spec
        step = np.zeros((spec.n_banks, spec.elements))
        size = self._asked.size
        trial = Trial(kind, self._run.batches, size)
        if kind == "all":
            step += size * self._rng.standard_normal(step.shape)
        elif kind == "common":
            step += size
        else:
            place = int(self._rng.integers(2)), int(self._rng.integers(spec.elements))
            trial.place, trial.by = place, size * float(self._rng.choice([-1.0, 1.0]))
            step[place] = trial.by
        self._loop = asyncio.get_running_loop()
        read, write = os.pipe()
        child = os.fork()
        if child:
            os.close(write)
            with os.fdopen(read) as found:
                ready = select.select([found], [], [], PATIENCE_SECONDS)[0]
                told = found.read() if ready else ""
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            if not told.startswith("{"):
                raise RuntimeError(f"a copy of the run at batch {trial.batch} failed: {told}")
            self._run.trials.append(Trial(**json.loads(told)))
            return
        os.close(read)
        self._trial, self._pipe = trial, write
        # asyncio takes a loop for not running in a process that did not start it.
        asyncio._set_running_loop(self._loop)
        try:
            trial.shown = self._step(step)
        except Exception:
            self._end(traceback.format_exc())

    def _step(self, step: Floats) -> float:
        """Step the plant; gives the rms change of what a look reads, signal units."""
        plant, now = self.plant, self._bench.core.now()
        before = np.stack([one.real.copy() for one in plant.detected(now)])
        drifted = plant._drifted

        def stepped(bank: int, still: Floats, at: float) -> Floats:
            return drifted(bank, still, at) + step[bank]

        plant._drifted = stepped  # type: ignore[method-assign]
        plant._held, plant._seen = [None] * plant.spec.n_banks, None
        change = np.stack([one.real for one in plant.detected(now)]) - before
        return float(np.sqrt(0.5 * (change[:2] ** 2).sum() / (2 * plant.spec.ports)))

    def _trial_batch(self, trial: Trial) -> None:
        self._passed += 1
        events = [e for e in self.guards[-1].events if e.batch > trial.batch]
        alarms = [e for e in events if e.kind == "alarm"]
        actions = [e for e in events if e.kind == "action"]
        if alarms:
            first = alarms[0]
            trial.delay, trial.cause = first.batch - trial.batch, first.data["cause"]
            trial.worst = (first.data["bank"], first.data["element"])
            trial.action = actions[0].data["action"] if actions else ""
        elif self._passed < self._asked.patience:
            return
        self._end(json.dumps(asdict(trial)))

    def _end(self, told: str) -> NoReturn:
        os.write(self._pipe, told.encode())
        os._exit(0)


def one_run(asked: argparse.Namespace, run: Run) -> None:
    """Train on one bench."""
    with (
        hil.open(asked.bench, path="slot", plant_seed=run.plant_seed) as bench,
        tempfile.TemporaryDirectory() as folder,
    ):
        core = bench.core
        job = make_job(
            core,
            asked.task,
            n_banks=2,
            epochs=asked.epochs,
            seed=run.seed,
            refit=run.refit,
            drift_watch=asked.drift_watch,
        )
        file = Path(folder) / "record.json"
        core.write_as_built(asked.as_built, file)
        record, p_pi = core.read_record(file), core.file.chip.p_pi
        whole = asked.epochs * len(batch_starts(len(job.task.train), job.settings.batch))
        stepper = Stepper(asked, run, bench, min(whole, asked.stop or whole))
        assembly = Kept(
            bench=core.first_banks(job.n_banks),
            schedule=job.schedule,
            task=job.task,
            new_twin=lambda: twin_of(record, p_pi, job.n_banks),
            limits=Limits.of(core.file, job.n_banks),
            warm_up=core.file.chip.warm_up,
            compute=core.compute,
            watcher=stepper,
            recalibrate=recalibration(core, record),
            guards=stepper.guards,
        )
        core.begin_running()
        with suppress(StoppedError):
            bench.do(assembly.train(job.settings))
        events = stepper.guards[-1].events
        run.alarms = [(e.batch, e.text) for e in events if e.kind == "alarm"]


def table(runs: list[Run], patience: int) -> None:
    """Delays by kind of step and part of training, what was missed, and false alarms."""
    rows: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for run in runs:
        for trial in run.trials:
            third = min(3 * trial.batch // max(run.batches, 1), 2)
            rows[trial.kind, ("first", "second", "last")[third]].append(trial)
            rows[trial.kind, "whole"].append(trial)
    refits = "/".join(sorted({run.refit for run in runs}))
    print(f"refit {refits}; delay in batches of the steps that alarmed within {patience}")
    print("step    part of run  steps  alarmed           median  most  right cause  shown, rms")
    for (kind, part), found in sorted(rows.items(), key=lambda row: _order(*row[0])):
        delays = [trial.delay for trial in found if trial.delay is not None]
        right = sum(_right(trial) for trial in found)
        share = f"{len(delays)} ({len(delays) / len(found):.1%})"
        print(
            f"{kind:7s} {part:12s} {len(found):5d}  {share:16s}  "
            f"{np.median(delays) if delays else math.nan:6.1f}  {max(delays, default=0):4d}  "
            f"{right / max(len(delays), 1):11.0%}  "
            f"{np.sqrt(np.mean([trial.shown**2 for trial in found])):.4f}"
        )
    for name, chosen in (("missed", False), ("alarmed", True)):
        of_one = [
            trial.shown
            for run in runs
            for trial in run.trials
            if trial.kind == "one" and (trial.delay is not None) is chosen
        ]
        if of_one:
            marks = " ".join(f"{q:.4f}" for q in np.quantile(of_one, [0.05, 0.25, 0.5, 0.75, 0.95]))
            print(f"single elements {name}: {len(of_one)}; shown (5, 25, 50, 75, 95 %): {marks}")
    batches, false = sum(run.batches for run in runs), sum(len(run.alarms) for run in runs)
    most = float(chi2.ppf(0.95, 2 * (false + 1))) / 2
    plants = len({run.plant_seed for run in runs})
    print(
        f"no step: {false} alarms in {batches} batches ({len(runs)} runs, {plants} plants): "
        f"{1e4 * false / batches:.2f} in 10^4, below {1e4 * most / batches:.2f} with 95 % (Poisson)"
    )
    for run in runs:
        for batch, text in run.alarms:
            print(f"  plant {run.plant_seed}, seed {run.seed}, batch {batch}: {text}")
    print("held-out accuracy " + " ".join(f"{run.accuracy:.3f}" for run in runs))


def _order(kind: str, part: str) -> tuple[int, int]:
    return KINDS.index(kind), ("first", "second", "last", "whole").index(part)


def _right(trial: Trial) -> bool:
    """Whether the alarm was put down to what it was."""
    if trial.kind == "one":
        return trial.cause == "element" and trial.worst == trial.place
    return trial.cause == {"all": "elements", "common": "common"}[trial.kind]


def read(files: list[Path]) -> list[Run]:
    """Runs that were kept."""
    runs = []
    for file in files:
        for line in file.read_text().splitlines():
            run = Run(**json.loads(line))
            run.trials = [
                Trial(**{**one, "place": _place(one["place"]), "worst": _place(one["worst"])})
                for one in map(dict, run.trials)  # type: ignore[call-overload]
            ]
            runs.append(run)
    return runs


def _place(told: list[int] | None) -> tuple[int, int] | None:
    return None if told is None else (told[0], told[1])


def main() -> None:
    """Run and print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--bench", default="relax-mzi-16")
    p.add_argument("--task", default="digits")
    p.add_argument("--as-built", default="rough")
    p.add_argument("--refit", default="adam")
    p.add_argument("--plant-seeds", nargs="*", type=int, default=[1, 2, 3, 4, 5])
    p.add_argument("--seeds", nargs="*", type=int, default=list(range(1, 9)), help="of training")
    p.add_argument("--epochs", type=int, default=40)
    p.add_argument("--drift-watch", type=int, help="batches between looks")
    p.add_argument("--stop", type=int, help="end each run after so many batches")
    p.add_argument("--size", type=float, default=0.2, help="rad, or half-widths")
    p.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    p.add_argument("--between", type=int, default=60, help="batches between steps (default 60)")
    p.add_argument("--patience", type=int, default=20, help="batches of a copy (default 20)")
    p.add_argument("--json", type=Path, help="append each run here, as it ends")
    p.add_argument("--show", nargs="+", type=Path, help="print such files; run nothing")
    asked = p.parse_args()
    torch.set_num_threads(1)
    runs = read(asked.show or [])
    if not asked.show:
        for plant_seed in asked.plant_seeds:
            for seed in asked.seeds:
                run = Run(plant_seed, seed, asked.refit)
                runs.append(run)
                one_run(asked, run)
                found = sum(trial.delay is not None for trial in run.trials)
                print(
                    f"plant {plant_seed} seed {seed}: {len(run.alarms)} false, "
                    f"{found} of {len(run.trials)} steps",
                    file=sys.stderr,
                    flush=True,
                )
                if asked.json:
                    with asked.json.open("a") as out:
                        out.write(json.dumps(asdict(run)) + "\n")
    table(runs, asked.patience)


if __name__ == "__main__":
    main()
