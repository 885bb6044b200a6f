"""Going on with a run that stopped or was killed: the job as it was asked for, on the same bench.

Refused, with what differs, where the bench file (wiring, limits), the calibration record or the
data are not those that the run began with: what it has learnt holds for those alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hil.bench.errors import BenchFileError
from hil.bench.file import BenchFile, from_document, load
from hil.bench.opening import OpenBench
from hil.bench.packaged import packaged_names
from hil.bench.snapshot import exchanged
from hil.learn.job import Job
from hil.learn.resuming import LeftOff
from hil.learn.settings import TrainingSettings
from hil.record import folder as files
from hil.record.folder import RunFolder, RunFolderError
from hil.tasks import TASKS, Task, load_task

#: Differences that are told; more are counted.
TOLD = 5
#: Tables and keys of a bench file that change nothing of what is measured.
IDLE_KEYS = ("description", "guardian")


def bench_file_of(folder: RunFolder, bench: str | Path | None = None) -> BenchFile:
    """The bench file to go on with: `bench`, or the one that the run began with, as it is now.

    A simulated plant is the run's own.

    Raises
    ------
    RunFolderError
        Where it is gone, or differs from the one that the run began with.
    BenchFileError
        Where it cannot be read.
    """
    before = folder.read_json(files.BENCH)
    source = bench or folder.read_json(files.CONFIGURATION).get("bench_source", "")
    kept = from_document(before, source=str(folder.path / files.BENCH))
    if bench is None and not (source in packaged_names() or Path(source).suffix == ".toml"):
        return kept  # made for this run (more banks than the packaged file has), or in Python
    try:
        now = load(source, {"plant": before.get("plant", {})})
    except BenchFileError as error:
        if bench is None and not Path(source).exists():
            raise RunFolderError(
                f"the bench file {source} of {folder.path} is gone; name it with --bench FILE"
            ) from error
        raise
    check_same_file(folder, now)
    return now


def check_same_bench(folder: RunFolder, bench: OpenBench) -> None:
    """Refuse a bench other than the one that a run began on; as `check_same_file`."""
    asked = folder.read_json(files.CONFIGURATION)
    for key, now in (("backend", bench.backend), ("path", bench.path)):
        if asked[key] != now:
            raise RunFolderError(
                f"{folder.path} began with {key} {asked[key]}, not {now}: open the bench so"
            )
    check_same_file(folder, bench.file)
    if not (folder.path / files.SNAPSHOT_START).is_file():
        return
    if told := exchanged(folder.read_json(files.SNAPSHOT_START), bench):
        raise RunFolderError(f"{folder.path} began with other instruments: {'; '.join(told)}")


def check_same_file(folder: RunFolder, file: BenchFile) -> None:
    """Refuse a bench file that differs from the one that a run began with.

    Raises
    ------
    RunFolderError
        Naming what differs.
    """
    before = folder.read_json(files.BENCH)
    found = list(differences(before, file.document))
    if found:
        more = f", and {len(found) - TOLD} more" if len(found) > TOLD else ""
        raise RunFolderError(
            f"{folder.path} cannot be resumed on {file.source or file.name}, which is not as it "
            f"was: {'; '.join(found[:TOLD])}{more}. Start a new run, or put the bench file back"
        )


def differences(before: Any, now: Any, where: str = "") -> Iterator[str]:
    """Where two documents differ, a line each."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in [*before, *(key for key in now if key not in before)]:
            if not where and key in IDLE_KEYS:
                continue
            inner = f"{where}.{key}" if where else str(key)
            if key not in now:
                yield f"{inner} is gone"
            elif key not in before:
                yield f"{inner} is new"
            else:
                yield from differences(before[key], now[key], inner)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from differences(one, other, f"{where}[{index}]")
    elif before != now:
        yield f"{where} was {_short(before)}, is {_short(now)}"


def job_of(folder: RunFolder, task: Task | None = None) -> Job:
    """The job that a run was asked for. task : its data, where they were no packaged ones.

    Raises
    ------
    RunFolderError
        Where the configuration is another version's, or the data are not the run's.
    """
    asked = folder.read_json(files.CONFIGURATION)
    try:
        settings = TypeAdapter(TrainingSettings).validate_python(asked["settings"])
        name, split_seed = asked["task"], asked["split_seed"]
        if task is None and name not in TASKS:
            raise RunFolderError(
                f"{folder.path} was trained on data of its own, which the run folder does not "
                "hold; resume it from Python: hil.train(bench, task=(X, y), resume=RUN)"
            )
        chosen = load_task(name, split_seed) if task is None else task
        job = Job(chosen, asked["n_banks"], asked["n_steps"], settings, split_seed, asked["traces"])
        data = asked["data"]
    except (KeyError, ValidationError) as error:
        raise RunFolderError(
            f"{folder.path} was made by another version of this program, which cannot go on with "
            f"it: {str(error).splitlines()[0]}"
        ) from error
    if data != chosen.digest:
        raise RunFolderError(f"{folder.path} was trained on other data: task {name} has changed")
    return job


def check_resumable(folder: RunFolder) -> LeftOff:
    """Where a run was left.

    Raises
    ------
    RunFolderError
        Where it has ended, or left nothing to go on from.
    """
    if (folder.path / files.SUMMARY).is_file():
        raise RunFolderError(
            f"{folder.path} has come to its end; python -m hil.evaluate measures it again"
        )
    return LeftOff(folder)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "…"
