"""One training job on an open bench, from its beginning on the bus to its end there."""

from __future__ import annotations

import asyncio
import time
from importlib.metadata import version

from hil.bench.opening import OpenBench
from hil.bench.snapshot import snapshot
from hil.learn.job import Job, write_configuration
from hil.learn.limits import Limits
from hil.learn.methods import Assembly, logistic_regression
from hil.learn.position import batch_starts
from hil.learn.publishing import Publisher, array_room, described, spent
from hil.learn.recalibration import recalibration
from hil.learn.reports import EpochReport, Watcher
from hil.learn.results import Keeper, Result, conclude
from hil.learn.resuming import CheckpointKeeper, LeftOff
from hil.record import folder as files
from hil.record.checkpoints import Checkpoints
from hil.record.folder import RunFolder
from hil.record.recorder import Recorder
from hil.telemetry.commands import Stopped, obeying
from hil.telemetry.event import Event
from hil.telemetry.events import Baselines, Fault, RunEnded, RunResumed, RunStarted, Slots
from hil.twin.machine import twin_of

#: Why a run ended, where the error has no words.
_WITHOUT_WORDS = {"interrupted": "by Ctrl-C or a signal (SIGTERM, SIGHUP)"}


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
    bench.keep_record(lambda: _recorder(bench, job, folder), folder.path)
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
        why = bench.forsaken or str(error) or _WITHOUT_WORDS.get(outcome, type(error).__name__)
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
        watcher=Publisher(bench, Keeper(folder, bench, watcher)),
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
    await bench.check_held()  # before what was measured is believed
    await _keep_snapshot(bench, folder, files.SNAPSHOT_END)
    wall = time.perf_counter() - began
    result = conclude(bench, job, folder, trained, logits, baselines, wall)
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
