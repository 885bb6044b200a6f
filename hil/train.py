"""Train a ReLaX-Net on a bench: `python -m hil.train --backend sim`.

Without hardware the simulated bench answers over the same drivers and the same bytes. The run ends
with the accuracy on held-out data measured on the bench, what it cost, and where the run folder is.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from calibration.record import CalibrationRecord
from calibration.record_reading import read_record
from hil.bench.banks import file_with_banks
from hil.bench.by_hand import add_assume_option, by_hand
from hil.bench.entry import make_core, plant_overlay
from hil.bench.faces import Bench
from hil.bench.file import BenchFile, load
from hil.bench.opening import OpenBench
from hil.bench.states import BACKENDS
from hil.calibrating.folder import newest_record
from hil.calibrating.validity import check_holds, failed_steps
from hil.console import OneLineParser, run_command
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
from hil.learn.job import Job
from hil.learn.position import batch_starts
from hil.learn.results import Result
from hil.learn.settings import Method, MethodError, TwinMode
from hil.learn.training import train_job
from hil.monitor.starting import open_window
from hil.progress import ConsoleProgress
from hil.record import folder as files
from hil.record.finding import find_run
from hil.record.folder import RunFolder, RunFolderError
from hil.record.holding import is_held
from hil.tasks import TASKS
from hil.telemetry.options import add_telemetry_options, attach_telemetry
from hil.twin.refitting import KINDS

#: The bench of a newcomer.
BENCH = "relax-mzi-16"


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    p = OneLineParser(
        prog="python -m hil.train",
        description="Train a ReLaX-Net (time-multiplexed photonic network) with the bench in the "
        "loop.",
        epilog="examples:\n"
        "  python -m hil.train --backend sim\n"
        "  python -m hil.train --backend sim --path slot --task digits-pca --severity harsh\n"
        "  python -m hil.train --backend sim --path slot --compare\n"
        "  python -m hil.train --backend sim --dry-run --n-steps 9\n"
        "  python -m hil.train --backend real --bench my-bench.toml --as-built record.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = p.add_argument_group("bench")
    where.add_argument("--backend", default="sim", help=f"{' or '.join(BACKENDS)} (default sim)")
    add_assume_option(where)
    where.add_argument(
        "--bench",
        metavar="NAME|FILE",
        help=f"packaged bench, or a bench file (default {BENCH}; see python -m hil.bench list)",
    )
    where.add_argument(
        "--path",
        default="wire",
        help="wire: drivers and bytes (default); slot: the simulated plant directly, for sweeps",
    )
    where.add_argument(
        "--severity", choices=("std", "harsh"), help="imperfection of the simulated bench"
    )
    where.add_argument("--plant-seed", type=int, metavar="K", help="which simulated bench")
    where.add_argument(
        "--converters",
        choices=("own", "coarse"),
        default="own",
        help="simulated converters: the instruments' own 16/14 bits (default), or coarse: 12-bit "
        "heater DAC and 8-bit ADC (6-bit when harsh)",
    )
    what = p.add_argument_group("network and task")
    what.add_argument("--task", default="digits", help=f"{', '.join(TASKS)} (default digits)")
    what.add_argument("--n-banks", type=int, metavar="K", help="weight banks used (default: all)")
    what.add_argument("--n-steps", type=int, default=6, metavar="T", help="slots (default 6)")
    how = p.add_argument_group("training")
    how.add_argument("--method", default="pat", help=f"{', '.join(Method)} (default pat)")
    how.add_argument("--twin", default="online", help=f"{' or '.join(TwinMode)} (default online)")
    how.add_argument(
        "--as-built",
        default="rough",
        metavar="CLASS|FILE",
        help=f"what the twin starts from: {', '.join(AS_BUILT)} (default rough), or a record file",
    )
    how.add_argument(
        "--record",
        metavar="FILE|newest",
        help="the same from a calibration record (python -m hil.calibrate run), or the bench's "
        "newest one under calibrations/; refused where it is stale or another bench's",
    )
    how.add_argument(
        "--accept-stale", action="store_true", help="use a stale or foreign record all the same"
    )
    how.add_argument(
        "--drift-watch",
        type=_every,
        metavar="K|off",
        help="look at reference inputs every K batches, sound an alarm when the bench has moved, "
        "and put the twin right (default 10: about 2 %% of passes and of bench time)",
    )
    how.add_argument(
        "--refit",
        choices=KINDS,
        help="how the twin of a mesh is kept true: layered (default; Kalman filters, which follow "
        "fast drift), layered-neural (and a small neural residual for what physics leaves), or "
        "adam (simpler, half the work, for drift of 0.03 rad or less)",
    )
    how.add_argument(
        "--digital-steps",
        type=_every,
        metavar="K|off",
        help="follow each measured step of pat by K on the online twin alone, from other training "
        "items (default 2: no bench time, about 7 ms of computing; off: as in the literature)",
    )
    how.add_argument(
        "--gate",
        type=_every,
        metavar="K|off",
        help="check the twin's gradient on the bench every K batches, by a small step to either "
        "side, and after each repair (default 300: under 1 %% of passes and of bench time)",
    )
    how.add_argument("--epochs", type=int, default=40)
    how.add_argument("--batch", type=int, default=64)
    how.add_argument("--seed", type=int, default=0, help="start and order of training")
    how.add_argument("--split-seed", type=int, default=0, help="split of the data")
    add_telemetry_options(p)
    out = p.add_argument_group("output")
    out.add_argument(
        "--resume",
        metavar="RUN",
        help="go on with a run that was stopped or killed, from its last checkpoint; of the other "
        "options only --bench (where its file has moved) and --accept-stale count then",
    )
    out.add_argument(
        "--traces",
        type=_every,
        default=1,
        metavar="K|off",
        help="keep what was sent and measured of every K-th step (default 1: of all, some 50 kB a "
        "step of 16 ports), or of none",
    )
    out.add_argument(
        "--compare", action="store_true", help="run every method on the same bench; one table"
    )
    out.add_argument(
        "--dry-run", action="store_true", help="print schedule and planned bench time; open nothing"
    )
    out.add_argument(
        "--monitor", action="store_true", help="open the live window on this run (docs/monitor.md)"
    )
    out.add_argument("--out", type=Path, metavar="DIR", help="run folder (default under runs/)")
    return p


def _every(text: str) -> int:
    """How many, or every so many: a whole number from 1 on, or 0 for `off`."""
    if text == "off":
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number from 1 on nor off")
    return int(text)


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


def run_one(asked: argparse.Namespace, file: BenchFile, method: str, out: Path | None) -> Result:
    """Open the bench, train by one method, close it again."""
    core, job = build(asked, file, method)
    path = out or default_folder(job)
    refuse_existing(path)
    if asked.as_built not in AS_BUILT:
        record = core.read_record(Path(asked.as_built))
        check_holds(record, core, asked.as_built, accept_stale=asked.accept_stale)
        print(_record_line(record, asked.as_built))
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
        with ConsoleProgress(f"{method:15s}", job.settings.epochs) as watcher:
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
    simulated = " (simulated)" if core.all_simulated else ""
    print(f"opening bench {file.name}{simulated}, path {core.path}")
    tell: Callable[[str], None] = lambda line: print(f"  {line}")  # noqa: E731
    attach_telemetry(asked, core, tell)
    with Bench(core, tell) as bench:
        check_same_bench(folder, core)  # once more, now that instruments have told who they are
        if asked.monitor:
            open_window(folder.path)
        with ConsoleProgress(f"{job.settings.method:15s}", job.settings.epochs) as watcher:
            return bench.do(train_job(core, job, folder, watcher, left))


def _record_line(record: CalibrationRecord, source: str) -> str:
    """Which record a run starts from, and what is doubtful about it."""
    doubts = [f"step {name} FAILED its gate" for name in failed_steps(record)]
    if record.raw.get("complete") is False:
        doubts.append("the calibration did not come to its end")
    return f"starting from {source}" + "".join(f"; {doubt}" for doubt in doubts)


def _watched(found: dict[str, Any] | None) -> list[str]:
    """What drift watch and gate found, where there was anything."""
    if found is None:
        return []
    counted = [f"alarms {found['alarms']}"]
    counted += [f"{name} {number}" for name, number in found["actions"].items()]
    counted += [f"gate {name} {number}" for name, number in found["gate"].items()]
    return [f"{'drift watch':15s} " + ", ".join(counted)]


def summary(result: Result) -> str:
    """The end of a run, for a person."""
    s, ledger = result.summary, result.ledger
    lines = [
        "",
        f"accuracy        {result.accuracy:.4f}  on {s['test_items']} test items, measured on the "
        f"{s['measured_on']} with the last weights",
        f"held-out        {result.held_out_accuracy:.4f}",
        *(f"{name:15s} {value:.4f}" for name, value in result.baselines.items()),
        f"bench time      {ledger['bench_seconds']:.1f} s, wall {result.wall_seconds:.1f} s",
        "  by category   "
        + ", ".join(f"{name} {value:.1f} s" for name, value in ledger["seconds"].items()),
        "  device passes "
        + ", ".join(f"{name} {value}" for name, value in ledger["device_passes"].items()),
        "  counts        "
        + ", ".join(f"{name} {value}" for name, value in ledger["counts"].items()),
        *_watched(s["drift_watch"]),
        f"run folder      {result.folder}",
    ]
    return "\n".join(lines)


def command(asked: argparse.Namespace) -> int:
    """Do what was asked."""
    if asked.resume is not None:
        print(summary(resume(asked)))
        return 0
    asked.bench = asked.bench or BENCH
    file = bench_file(asked)
    if asked.record is not None:
        newest = asked.record == "newest"
        asked.as_built = str(newest_record(file.name)) if newest else asked.record
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
