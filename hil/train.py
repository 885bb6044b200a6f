"""Train a ReLaX-Net on a bench: `python -m hil.train --backend sim`.

Without hardware the simulated bench answers over the same drivers and the same bytes. The run ends
with the accuracy on held-out data measured on the bench, what it cost, and where the run folder is.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from calibration.record_reading import read_record
from hil.bench.banks import file_with_banks
from hil.bench.by_hand import by_hand
from hil.bench.entry import make_core, plant_overlay
from hil.bench.faces import Bench
from hil.bench.file import BenchFile, load
from hil.bench.opening import OpenBench
from hil.calibrating.folder import newest_record
from hil.calibrating.options import bench_words
from hil.calibrating.validity import check_holds
from hil.console import MENDABLE, HungUp, run_command
from hil.control.plan import plan_pass
from hil.learn.api import (
    AS_BUILT,
    default_folder,
    make_job,
    prepare_folder,
    prepare_resume,
    refuse_existing,
)
from hil.learn.compare import COMPARED, comparison_table
from hil.learn.continuing import bench_file_of, check_resumable, check_same_bench
from hil.learn.errors import MethodError
from hil.learn.job import Job
from hil.learn.options import BENCH, parser
from hil.learn.position import batch_starts
from hil.learn.results import Result
from hil.learn.showing import record_line, summary
from hil.learn.training import train_job
from hil.monitor.starting import open_window
from hil.progress import ConsoleProgress
from hil.record import folder as files
from hil.record.checkpoints import EPOCH, STEP
from hil.record.finding import find_run
from hil.record.folder import RunFolder, RunFolderError
from hil.record.guardian import last_word
from hil.record.holding import is_held
from hil.telemetry.commands import Stopped
from hil.telemetry.options import attach_telemetry


def bench_file(asked: argparse.Namespace) -> BenchFile:
    """The bench file as the options change it."""
    numbers: dict[str, Any] = {}
    if asked.converters == "coarse":
        numbers["heater_dac_bits"] = 12
        numbers["adc_bits"] = 6 if asked.severity == "harsh" else 8
    overlay = plant_overlay(asked.severity, asked.plant_seed, **numbers)
    file = load(asked.bench, overlay)
    if asked.n_banks is not None and asked.n_banks > file.n_banks and asked.backend == "sim":
        return file_with_banks(asked.bench, file, asked.n_banks, overlay)
    return file


def build(asked: argparse.Namespace, file: BenchFile, method: str) -> tuple[OpenBench, Job]:
    """A bench (not opened) and the job on it, both checked."""
    # A simulated bench goes on where its calibration left it, as a real one would have.
    began = 0.0 if asked.as_built in AS_BUILT else read_record(Path(asked.as_built)).bench_time
    core = make_core(
        file, backend=asked.backend, path=asked.path, start_time=began, **by_hand(asked)
    )
    job = make_job(
        core,
        asked.task,
        method,
        twin=asked.twin,
        n_banks=asked.n_banks,
        n_steps=asked.n_steps,
        epochs=asked.epochs,
        batch=asked.batch,
        seed=asked.seed,
        split_seed=asked.split_seed,
        digital_steps=asked.digital_steps,
        drift_watch=asked.drift_watch,
        gate=asked.gate,
        refit=asked.refit,
        traces=asked.traces,
    )
    return core, job


def dry_run(core: OpenBench, job: Job) -> int:
    """Print the schedule and the planned bench time."""
    batches = len(batch_starts(len(job.task.train), job.settings.batch))
    plan = core.plan(job.schedule, job.settings.batch)
    validation = plan_pass(core.parts, job.schedule, len(job.task.held_out))
    print(f"bench {core.file.name}: {core.file.ports} ports; task {job.task.name}: {job.task.note}")
    print(job.schedule.text(job.task.features, core.file.ports))
    print(plan.text(batches, validation))
    return 0


@contextmanager
def going_on(folder: Path, asked: argparse.Namespace) -> Iterator[None]:
    """Name the command that goes on with a run that is broken off."""
    try:
        yield
    except HungUp:
        raise  # nobody reads it
    except (KeyboardInterrupt, Stopped, *MENDABLE):
        if any((folder / name).is_file() for name in (STEP, EPOCH)):
            words = ["--resume", str(folder)]
            for name in asked.assume:
                words += ["--assume", name]
            print(f"broken off; go on with\n  python -m hil.train {shlex.join(words)}")
        raise


def run_one(asked: argparse.Namespace, file: BenchFile, method: str, out: Path | None) -> Result:
    """Open the bench, train by one method, close it again."""
    core, job = build(asked, file, method)
    path = out or default_folder(job)
    refuse_existing(path)
    if asked.as_built not in AS_BUILT:
        record = core.read_record(Path(asked.as_built))
        check_holds(record, core, asked.as_built, accept_stale=asked.accept_stale)
        print(record_line(record, asked.as_built))
    else:
        core.check_as_built()
    simulated = " (simulated)" if core.all_simulated else ""
    print(f"opening bench {file.name}{simulated}, path {core.path}")
    tell: Callable[[str], None] = lambda line: print(f"  {line}")  # noqa: E731
    attach_telemetry(asked, core, tell)
    with Bench(core, tell) as bench:
        folder: RunFolder = prepare_folder(
            core, job, asked.as_built, path, accept_stale=asked.accept_stale
        )
        if asked.monitor:
            open_window(path)
        with (
            going_on(path, asked),
            ConsoleProgress(f"{method:15s}", job.settings.epochs) as watcher,
        ):
            return bench.do(train_job(core, job, folder, watcher))


def resume(asked: argparse.Namespace) -> Result:
    """Go on with a run."""
    folder = RunFolder.existing(find_run(asked.resume))
    if is_held(folder.path):
        raise RunFolderError(f"{folder.path} goes on: let it end, or stop it")
    left = check_resumable(folder)
    asked_then = folder.read_json(files.CONFIGURATION)
    file = bench_file_of(folder, asked.bench)
    core = make_core(
        file,
        backend=asked_then["backend"],
        path=asked_then["path"],
        start_time=left.bench_time_now(simulated=asked_then["backend"] == "sim"),
        **by_hand(asked),
    )
    job, folder, left = prepare_resume(core, folder.path, accept_stale=asked.accept_stale)
    print(f"resuming {folder.path} after step {left.number}")
    if word := last_word(folder.path):
        print(f"its bench was {word}")
    simulated = " (simulated)" if core.all_simulated else ""
    print(f"opening bench {file.name}{simulated}, path {core.path}")
    tell: Callable[[str], None] = lambda line: print(f"  {line}")  # noqa: E731
    attach_telemetry(asked, core, tell)
    with Bench(core, tell) as bench:
        check_same_bench(folder, core)  # once more, now that instruments have told who they are
        if asked.monitor:
            open_window(folder.path)
        method = f"{job.settings.method:15s}"
        with going_on(folder.path, asked), ConsoleProgress(method, job.settings.epochs) as watcher:
            return bench.do(train_job(core, job, folder, watcher, left))


def command(asked: argparse.Namespace) -> int:
    """Do what was asked."""
    if asked.resume is not None:
        print(summary(resume(asked)))
        return 0
    asked.bench = asked.bench or BENCH
    file = bench_file(asked)
    if asked.record is not None:
        newest = asked.record == "newest"
        named = shlex.join(bench_words(asked))
        asked.as_built = str(newest_record(file.name, asked=named)) if newest else asked.record
    if asked.dry_run:
        return dry_run(*build(asked, file, asked.method))
    if not asked.compare:
        print(summary(run_one(asked, file, asked.method, asked.out)))
        return 0
    if asked.monitor:
        raise MethodError("--monitor shows one run; open python -m hil.monitor on one of several")
    _, job = build(asked, file, asked.method)
    root = RunFolder(asked.out or default_folder(job).with_suffix(".compare"))
    refuse_existing(root.path)
    began = time.perf_counter()
    results: dict[str, Result] = {}
    for label, method, twin in COMPARED:
        asked.twin = twin
        results[label] = run_one(asked, file, method, root.path / label.replace(" ", "-"))
    table, data = comparison_table(results)
    root.write_json("comparison.json", data)
    print(f"\n{table}\n\nrun folder {root.path}, wall {time.perf_counter() - began:.0f} s")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    asked = parser().parse_args(argv)
    return run_command(lambda: command(asked))


class _CallableModule(ModuleType):
    """`hil.train(bench, ...)` is the function; importing this module would put it in its place.

    So the module answers to a call as the function does, whichever of the two is found.
    """

    def __call__(self, *args: Any, **options: Any) -> Result:
        from hil.learn.api import train

        return train(*args, **options)


sys.modules[__name__].__class__ = _CallableModule

if __name__ == "__main__":
    sys.exit(main())
