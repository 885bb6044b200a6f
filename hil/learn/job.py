"""One training job on an open bench: train, judge, and leave everything in the run folder."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hil.bench.cores import MESH
from hil.bench.opening import OpenBench
from hil.bench.snapshot import snapshot
from hil.control.schedule import Schedule, ScheduleError
from hil.control.trace import Floats
from hil.learn.limits import Limits
from hil.learn.measuring import confusion
from hil.learn.methods import Assembly, Trained, logistic_regression
from hil.learn.network import Network
from hil.learn.position import batch_starts
from hil.learn.publishing import Publisher, array_room, described, spent
from hil.learn.recalibration import recalibration
from hil.learn.reports import EpochReport, StepReport, Watcher
from hil.learn.resuming import CheckpointKeeper, LeftOff
from hil.learn.settings import TrainingSettings
from hil.record import folder as files
from hil.record.checkpoints import Checkpoints
from hil.record.folder import RunFolder
from hil.record.recorder import Recorder
from hil.record.versions import versions
from hil.tasks.task import Task
from hil.telemetry.commands import Stopped, obeying
from hil.telemetry.event import Event
from hil.telemetry.events import Baselines, Fault, RunEnded, RunResumed, RunStarted, Slots
from hil.twin.machine import twin_of
from hil.twin.protocol import SlotTwin
from hil.twin.refitting import kind_for

#: Why a run ended, where the error has no words.
_WITHOUT_WORDS = {"interrupted": "by Ctrl-C or a signal (SIGTERM, SIGHUP)"}


@dataclass(frozen=True)
class Job:
    """What is to be trained: the task, the schedule's size, the settings.

    traces : of every so many steps the record keeps what was sent and measured; 0: of none.
    """

    task: Task
    n_banks: int
    n_steps: int
    settings: TrainingSettings
    split_seed: int = 0
    traces: int = 1

    @property
    def schedule(self) -> Schedule:
        """The schedule of the job."""
        return Schedule(self.n_banks, self.n_steps, self.task.injection)

    def check(self, bench: OpenBench) -> None:
        """Refuse what the bench cannot do, before anything is opened.

        Raises
        ------
        ScheduleError, RefitError
        """
        kind_for(self.settings.refit.kind, mesh=bench.file.core == MESH, ports=bench.file.ports)
        self.schedule.injected_steps(self.task.features, bench.file.ports)
        if self.n_banks > bench.file.n_banks:
            raise ScheduleError(
                f"n_banks is {self.n_banks}, but bench {bench.file.name} has "
                f"{bench.file.n_banks}; write a bench file with more (python -m hil.bench new)"
            )


@dataclass(frozen=True)
class Result:
    """What a job found.

    accuracy : test items answered right, measured on the bench with the last weights.
    baselines : accuracies of references on the same items.
    """

    accuracy: float
    held_out_accuracy: float
    baselines: dict[str, float]
    ledger: dict[str, Any]
    folder: Path
    epochs: list[EpochReport]
    wall_seconds: float
    bench_time: float
    summary: dict[str, Any] = field(repr=False)


class _Keeper:
    """Writes what a run finds as it finds it, and passes progress on."""

    def __init__(self, folder: RunFolder, bench: OpenBench, next_watcher: Watcher) -> None:
        self._folder = folder
        self._bench = bench
        self._next = next_watcher

    def step(self, report: StepReport) -> None:
        """Pass on."""
        self._next.step(report)

    def epoch(self, report: EpochReport, network: Network, twin: SlotTwin) -> None:
        """Metrics, checkpoint, twin and ledger to disk."""
        self._folder.append_metrics(report.as_row())
        keep(self._folder, network, twin, {"epoch": report.epoch, "bench_time": report.bench_time})
        self._folder.write_json(files.LEDGER, self._bench.ledger_table())
        self._next.epoch(report, network, twin)


def keep(folder: RunFolder, network: Network, twin: SlotTwin, notes: Mapping[str, Any]) -> None:
    """Write the network, and the effective parameters of the twin that trained it."""
    folder.write_tensors(files.CHECKPOINT, network.tensors(), {"p_pi": network.p_pi, **notes})
    folder.write_tensors(files.TWIN, twin.parameters, {"parameters": twin.describe(), **notes})


async def train_job(
    bench: OpenBench,
    job: Job,
    folder: RunFolder,
    watcher: Watcher,
    left: LeftOff | None = None,
) -> Result:
    """Train on an open bench, measure the test part once, write the run folder.

    left : where the run was left, if it is gone on with.

    The folder's calibration record must be there already. Beginning and end are published on the
    bench's bus, and everything between them; the folder's record hears it until the bench is closed
    or trained on again.
    """
    bench.keep_record(lambda: _recorder(bench, job, folder))
    bench.bus.publish(_started(bench, job, folder))
    if left is not None:
        bench.bus.publish(RunResumed(step=left.number, epochs=left.epochs))
    bench.bus.publish(described(bench, job.n_banks))
    checkpoints = Checkpoints(folder)
    try:
        with obeying(bench.desk):
            result = await _train(bench, job, folder, watcher, checkpoints, left)
    except BaseException as error:
        outcome = "failed"
        if isinstance(error, Stopped):
            outcome = "stopped"
        elif isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
            outcome = "interrupted"
        why = str(error) or _WITHOUT_WORDS.get(outcome, type(error).__name__)
        if outcome == "failed":
            source = getattr(error, "instrument", type(error).__name__)
            bench.bus.publish(Fault(source=str(source), text=why))
        bench.bus.publish(RunEnded(outcome=outcome, why=why))
        raise
    finally:
        checkpoints.close()
    bench.bus.publish(spent(bench))
    bench.bus.publish(RunEnded(outcome="finished", accuracy=result.accuracy))
    return result


def _recorder(bench: OpenBench, job: Job, folder: RunFolder) -> Recorder:
    batch = batch_starts(len(job.task.train), job.settings.batch).step

    def keep(event: Event) -> bool:
        return not isinstance(event, Slots) or (bool(job.traces) and event.step % job.traces == 0)

    room = array_room(batch, job.n_steps, job.n_banks, bench.file.ports)
    return Recorder(folder.path, bench.bus, bench.desk, room, keep)


def _started(bench: OpenBench, job: Job, folder: RunFolder) -> RunStarted:
    settings = job.settings
    return RunStarted(
        run=folder.path.name,
        bench=bench.file.name,
        backend=bench.backend,
        path=bench.path,
        task=job.task.name,
        method=str(settings.method),
        epochs=settings.epochs,
        batches=len(batch_starts(len(job.task.train), settings.batch)),
        n_banks=job.n_banks,
        n_steps=job.n_steps,
        ports=bench.file.ports,
        code_version=version("hil-photonics"),
    )


async def _train(
    bench: OpenBench,
    job: Job,
    folder: RunFolder,
    watcher: Watcher,
    checkpoints: Checkpoints,
    left: LeftOff | None,
) -> Result:
    began = time.perf_counter()
    record = bench.read_record(folder.record)
    p_pi = bench.file.chip.p_pi
    if left is None:
        write_configuration(bench, job, folder)
    else:
        bench.ledger.carry(left.ledger)
    await _keep_snapshot(bench, folder, files.SNAPSHOT_START)
    earlier = [] if left is None else _earlier_reports(folder, left, job)
    assembly = Assembly(
        bench=bench.first_banks(job.n_banks),
        schedule=job.schedule,
        task=job.task,
        new_twin=lambda: twin_of(record, p_pi, job.n_banks),
        limits=Limits.of(bench.file, job.n_banks),
        warm_up=bench.file.chip.warm_up,
        compute=bench.compute,
        watcher=Publisher(bench, _Keeper(folder, bench, watcher)),
        recalibrate=recalibration(bench, record),
        hold=bench.between_steps,
        keeper=lambda stage: CheckpointKeeper(checkpoints, bench, stage),
        left=left,
    )
    baselines = {"logistic regression": await bench.compute(lambda: logistic_regression(job.task))}
    bench.bus.publish(Baselines(accuracy=baselines))
    bench.begin_running()
    trained = await assembly.train(job.settings)
    trained.reports[:0] = earlier
    logits = await assembly.test_logits(trained)
    await _keep_snapshot(bench, folder, files.SNAPSHOT_END)
    wall = time.perf_counter() - began
    result = _conclude(bench, job, folder, trained, logits, baselines, wall)
    checkpoints.forget()
    return result


async def _keep_snapshot(bench: OpenBench, folder: RunFolder, name: str) -> None:
    """Identity and settings of the instruments, where there are any."""
    if bench.path == "wire":
        folder.write_json(name, await snapshot(bench))


def _earlier_reports(folder: RunFolder, left: LeftOff, job: Job) -> list[EpochReport]:
    """Reports of the epochs before a run was left; what came after is cut off."""
    # Only in-silico-refit has two stages, the first of them of `epochs` epochs.
    rows = folder.read_metrics()[: left.epochs + left.stage * job.settings.epochs]
    folder.write_metrics(rows)
    return [EpochReport(**row) for row in rows]


def _conclude(
    bench: OpenBench,
    job: Job,
    folder: RunFolder,
    trained: Trained,
    logits: Floats,
    baselines: dict[str, float],
    wall: float,
) -> Result:
    last = trained.reports[-1]
    bench_time = bench.machine.now()
    labels, answers = job.task.test.labels, logits.argmax(axis=1)
    accuracy = float(np.mean(answers == labels))
    tested = {"logits": torch.from_numpy(logits), "labels": torch.from_numpy(labels)}
    folder.write_tensors(files.ANSWERS, tested, {"accuracy": accuracy})
    # The time at which the weights were final: a later evaluation opens the bench there, and after
    # its warm-up measures when this run did.
    notes = {"epoch": last.epoch, "bench_time": last.bench_time}
    keep(folder, trained.network, trained.twin, notes)
    ledger = bench.ledger_table()
    folder.write_json(files.LEDGER, ledger)
    summary = {
        "schema": "hil-run-summary",
        "version": 1,
        "accuracy": accuracy,
        "test_items": len(job.task.test),
        "confusion": confusion(labels, answers, job.task.classes),
        "held_out_accuracy": last.held_out_accuracy,
        "loss": last.loss,
        "twin_residual": last.residual,
        "twin_fallbacks": last.fallbacks,
        "clamped_levels": last.clamped,
        "drift_watch": trained.watched,
        "baselines": baselines,
        "method": str(job.settings.method),
        "twin": str(job.settings.twin),
        "task": job.task.name,
        "bench": bench.file.name,
        "backend": bench.backend,
        "path": bench.path,
        "measured_on": "twin" if trained.digital else "bench",
        "bench_time": bench_time,
        "wall_seconds": wall,
        "ledger": ledger,
        "versions": versions(),
    }
    folder.write_json(files.SUMMARY, summary)
    return Result(
        accuracy=accuracy,
        held_out_accuracy=last.held_out_accuracy,
        baselines=baselines,
        ledger=ledger,
        folder=folder.path,
        epochs=trained.reports,
        wall_seconds=wall,
        bench_time=bench_time,
        summary=summary,
    )


def write_configuration(bench: OpenBench, job: Job, folder: RunFolder) -> None:
    """The resolved configuration and the bench file as it was used."""
    settings = asdict(job.settings)
    folder.write_json(
        files.CONFIGURATION,
        {
            "schema": "hil-run-configuration",
            "version": 1,
            "bench": bench.file.name,
            "bench_source": bench.file.source,
            "backend": bench.backend,
            "path": bench.path,
            "task": job.task.name,
            "data": job.task.digest,
            "traces": job.traces,
            "split_seed": job.split_seed,
            "n_banks": job.n_banks,
            "n_steps": job.n_steps,
            "classes": job.task.classes,
            "settings": settings,
            "versions": versions(),
        },
    )
    folder.write_json(files.BENCH, bench.file.document)
