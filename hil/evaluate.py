"""Measure a finished run again: `python -m hil.evaluate RUN`.

Opens the same bench (a simulated one at the bench time at which the run ended) with the last
weights, and measures the accuracy on the same test items.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hil.bench.by_hand import add_assume_option, by_hand
from hil.bench.entry import make_core
from hil.bench.faces import Bench
from hil.bench.file import from_document
from hil.bench.states import BACKENDS, PATHS
from hil.console import OneLineParser, run_command
from hil.control.schedule import Schedule
from hil.learn.measuring import deploy, measure_accuracy
from hil.learn.network import Network
from hil.record import folder as files
from hil.record.finding import find_run
from hil.record.folder import RunFolder, RunFolderError
from hil.tasks import TASKS, load_task


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    p = OneLineParser(
        prog="python -m hil.evaluate",
        description="Measure the accuracy of a finished run again, on its bench.",
        epilog="example: python -m hil.evaluate runs/20260101-120000-digits-pat-seed0",
    )
    p.add_argument(
        "run", metavar="RUN", help="run folder, its name, the start of its id, or newest"
    )
    p.add_argument("--backend", choices=BACKENDS, help="default: the run's")
    add_assume_option(p)
    p.add_argument("--path", choices=PATHS, help="default: the run's")
    return p


def read_network(folder: RunFolder) -> tuple[Network, float]:
    """The run's last weights, and the bench time at which they were kept."""
    tensors, notes = folder.read_tensors(files.CHECKPOINT)
    return Network.of(tensors, float(notes["p_pi"])), float(notes["bench_time"])


def command(asked: argparse.Namespace) -> int:
    """Do what was asked."""
    folder = RunFolder.existing(find_run(asked.run), files.CHECKPOINT)
    configuration = folder.read_json(files.CONFIGURATION)
    if configuration["task"] not in TASKS:
        raise RunFolderError(
            f"{folder.path} was trained on data of its own ({configuration['task']}), which the "
            "run folder does not hold; measure it from Python"
        )
    if configuration["settings"]["method"] == "ideal":
        raise RunFolderError(f"{folder.path} is an ideal, digital run: no bench holds its weights")
    network, bench_time = read_network(folder)
    task = load_task(configuration["task"], configuration["split_seed"])
    schedule = Schedule(configuration["n_banks"], configuration["n_steps"], task.injection)
    file = from_document(folder.read_json(files.BENCH), source=str(folder.path / files.BENCH))
    core = make_core(
        file,
        backend=asked.backend or configuration["backend"],
        path=asked.path or configuration["path"],
        start_time=bench_time,
        **by_hand(asked),
    )
    print(f"opening bench {file.name} at bench time {bench_time:.1f} s")
    with Bench(core, lambda line: print(f"  {line}")) as bench:
        machine = core.first_banks(schedule.n_banks)
        core.begin_running()
        bench.do(deploy(machine, network, file.chip.warm_up))
        accuracy = bench.do(measure_accuracy(machine, schedule, network, task.test, "evaluation"))
        bench.do(core.check_held())  # before what was measured is believed
    before = folder.read_json(files.SUMMARY).get("accuracy") if _ended(folder) else None
    print(
        f"\naccuracy        {accuracy:.4f}  on {len(task.test)} test items, measured on the bench"
    )
    if before is not None:
        print(f"the run's own   {before:.4f}")
    return 0


def _ended(folder: RunFolder) -> bool:
    """Whether the run got as far as its summary."""
    return (folder.path / files.SUMMARY).is_file()


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    asked = parser().parse_args(argv)
    return run_command(lambda: command(asked))


if __name__ == "__main__":
    sys.exit(main())
