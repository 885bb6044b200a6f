"""`hil.train`: the training job for scripts and notebooks, under the command line as well."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from numpy.typing import ArrayLike

from hil.bench.faces import AsyncBench, Bench
from hil.bench.opening import OpenBench
from hil.calibrating.validity import check_holds
from hil.learn.continuing import check_resumable, check_same_bench, job_of
from hil.learn.errors import MethodError
from hil.learn.job import Job
from hil.learn.network import Network
from hil.learn.reports import EpochReport, StepReport, Watcher
from hil.learn.results import Result
from hil.learn.resuming import LeftOff
from hil.learn.settings import TrainingSettings, TwinMode, parse_method
from hil.learn.training import train_job
from hil.record.finding import RUNS
from hil.record.folder import RECORD, RunFolder, RunFolderError, check_makable
from hil.tasks import Task, TaskError, load_task, task_from_arrays
from hil.twin.protocol import SlotTwin
from hil.twin.refitting import check_kind

AS_BUILT = ("best", "std", "rough", "poor", "bad")
#: What scikit-learn's splitter takes.
SPLIT_SEED_MAX = 2**32 - 1
TaskLike = str | Task | tuple[ArrayLike, ArrayLike]


class Quiet:
    """Watches and says nothing."""

    def step(self, report: StepReport) -> None:
        """Nothing."""

    def epoch(self, report: EpochReport, network: Network, twin: SlotTwin) -> None:
        """Nothing."""


def make_job(
    bench: OpenBench,
    task: TaskLike = "digits",
    method: str = "pat",
    *,
    twin: str = "online",
    n_banks: int | None = None,
    n_steps: int = 6,
    epochs: int = 40,
    batch: int = 64,
    seed: int = 0,
    split_seed: int = 0,
    digital_steps: int | None = None,
    drift_watch: int | None = None,
    gate: int | None = None,
    refit: str | None = None,
    traces: int = 1,
) -> Job:
    """Assemble and check a job; arguments as `train`. Touches nothing."""
    if twin not in tuple(TwinMode):
        raise MethodError(f"no twin mode {twin!r}; there are {', '.join(TwinMode)}")
    if not 0 <= split_seed <= SPLIT_SEED_MAX:
        raise TaskError(f"split_seed is {split_seed}; it must be from 0 to {SPLIT_SEED_MAX}")
    settings = TrainingSettings(
        method=parse_method(method), twin=TwinMode(twin), epochs=epochs, batch=batch, seed=seed
    )
    if drift_watch is not None:
        settings = replace(settings, watch=replace(settings.watch, every=drift_watch))
    if refit is not None:
        settings = replace(settings, refit=replace(settings.refit, kind=check_kind(refit)))
    if digital_steps is not None:
        settings = replace(settings, digital_steps=digital_steps)
    if gate is not None:
        settings = replace(settings, gate=replace(settings.gate, every=gate))
    if isinstance(task, Task):
        chosen = task
    elif isinstance(task, str):
        chosen = load_task(task, split_seed)
    else:
        chosen = task_from_arrays(*task, seed=split_seed)
    banks = bench.file.n_banks if n_banks is None else n_banks
    job = Job(chosen, banks, n_steps, settings, split_seed, traces)
    job.check(bench)
    _load_optimisers(bench)
    return job


def _load_optimisers(bench: OpenBench) -> None:
    """Torch loads 800 modules when its first optimiser is made, for seconds: here, not on a loop
    that talks to instruments, which would be silent for so long.
    """
    if not bench.all_simulated:
        torch.optim.Adam([torch.zeros(1, requires_grad=True)])


def refuse_existing(path: Path) -> None:
    """Refuse a run folder that exists, as a finished run is never written over, or cannot be made.

    Raises
    ------
    RunFolderError
    """
    if path.exists():
        raise RunFolderError(f"run folder {path} exists; name another (--out), or move it away")
    check_makable(path)


def default_folder(job: Job) -> Path:
    """runs/<time>-<task>-<method>-seed<seed>."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    name = f"{stamp}-{job.task.name}-{job.settings.method}-seed{job.settings.seed}"
    return RUNS / name


def train(
    bench: Bench,
    task: TaskLike = "digits",
    method: str = "pat",
    *,
    as_built: str | Path = "rough",
    out: str | Path | None = None,
    watcher: Watcher | None = None,
    accept_stale: bool = False,
    resume: str | Path | None = None,
    **options: Any,
) -> Result:
    """Train a ReLaX-Net on an open bench and measure its test accuracy there.

    Parameters
    ----------
    bench : from `hil.open`.
    task : `digits`, `digits-pca`, `spirals`, a Task, or one's own (X, y): X (items, features)
        in V_pi, y (items,) whole numbers.
    method : `pat`, `pat-final`, `in-silico`, `in-silico-refit`, `frozen`, `ideal`.
    as_built : what the twin starts from: a class of the simulated bench (best, std, rough, poor,
        bad), or the file of a calibration record.
    out : run folder, which must not exist; by default a new one under `runs`.
    watcher : told of each batch and epoch.
    accept_stale : start from a record that is stale or another bench's all the same.
    resume : run folder to go on with from its last checkpoint; of the other arguments only
        `watcher`, `accept_stale` and (for data of one's own) `task` count then.
    options : twin (online, fixed), refit (layered, layered-neural, adam: docs/methods.md),
        n_banks, n_steps, epochs, batch, seed, split_seed; digital_steps: on the twin alone, after
        each measured one of `pat` (default 2; 0: none); drift_watch and gate: batches between
        looks at the reference inputs, and between checks of the gradient on the bench (0: never;
        by default 10 and 300); traces: of every so many steps the record keeps what was sent
        and measured (default 1: all; 0: none).

    Returns
    -------
    Result
        accuracy, baselines, ledger, folder and the reports of the epochs.

    Raises
    ------
    TaskError, MethodError, RefitError, ScheduleError, RunFolderError, RecordError, BenchError
        Before anything is written or sent; each names the thing and the mend.
    """
    if resume is not None:
        job, folder, left = prepare_resume(
            bench.core, resume, own_data(task), accept_stale=accept_stale
        )
    else:
        job = make_job(bench.core, task, method, **options)
        folder = prepare_folder(bench.core, job, as_built, out, accept_stale=accept_stale)
        left = None
    return bench.do(train_job(bench.core, job, folder, watcher or Quiet(), left))


async def train_async(
    bench: AsyncBench,
    task: TaskLike = "digits",
    method: str = "pat",
    *,
    as_built: str | Path = "rough",
    out: str | Path | None = None,
    watcher: Watcher | None = None,
    accept_stale: bool = False,
    **options: Any,
) -> Result:
    """`train` for `async with hil.open_async(...)`; arguments and results the same."""
    job = await asyncio.to_thread(make_job, bench.core, task, method, **options)
    folder = prepare_folder(bench.core, job, as_built, out, accept_stale=accept_stale)
    return await bench.do(train_job(bench.core, job, folder, watcher or Quiet()))


def own_data(task: TaskLike, seed: int = 0) -> Task | None:
    """A task of one's own data; None for one that is named."""
    if isinstance(task, str):
        return None
    return task if isinstance(task, Task) else task_from_arrays(*task, seed=seed)


def prepare_resume(
    bench: OpenBench,
    run: str | Path,
    task: Task | None = None,
    *,
    accept_stale: bool = False,
) -> tuple[Job, RunFolder, LeftOff]:
    """Check that a run can be gone on with on a bench, and read where it was left.

    Raises
    ------
    RunFolderError, RecordError
        Where it cannot, saying why: nothing is changed then.
    """
    folder = RunFolder.existing(Path(run))
    left = check_resumable(folder)
    folder.check_writable()
    job = job_of(folder, task)
    job.check(bench)
    _load_optimisers(bench)
    check_same_bench(folder, bench)
    if bench.now() < left.bench_time:
        raise RunFolderError(
            f"bench time is {bench.now():.1f} s, but {folder.path} was left at "
            f"{left.bench_time:.1f} s: open the bench with start_time={left.bench_time:.1f}"
        )
    record = bench.read_record(folder.record)
    check_holds(record, bench, str(folder.record), accept_stale=accept_stale)
    return job, folder, left


def prepare_folder(
    bench: OpenBench,
    job: Job,
    as_built: str | Path,
    out: str | Path | None,
    *,
    accept_stale: bool = False,
) -> RunFolder:
    """Make the run folder with the calibration record that the twin will start from.

    accept_stale : use a record that is stale or another bench's all the same.
    """
    path = Path(out) if out is not None else default_folder(job)
    refuse_existing(path)
    if as_built in AS_BUILT:
        bench.check_as_built()
        folder = RunFolder.create(path)
        bench.write_as_built(str(as_built), folder.record)
        return folder
    source = Path(as_built)
    check_holds(bench.read_record(source), bench, str(source), accept_stale=accept_stale)
    folder = RunFolder.create(path)
    (folder.path / RECORD).write_bytes(source.read_bytes())
    return folder
