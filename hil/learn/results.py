"""What a job finds: written to its run folder as it is found, and judged at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hil.bench.opening import OpenBench
from hil.control.trace import Floats
from hil.learn.job import Job
from hil.learn.measuring import confusion
from hil.learn.methods import Trained
from hil.learn.network import Network
from hil.learn.reports import EpochReport, StepReport, Watcher
from hil.record import folder as files
from hil.record.folder import RunFolder
from hil.record.versions import versions
from hil.twin.protocol import SlotTwin


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


class Keeper:
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


def conclude(
    bench: OpenBench,
    job: Job,
    folder: RunFolder,
    trained: Trained,
    logits: Floats,
    baselines: dict[str, float],
    wall: float,
) -> Result:
    """Judge the answers on the test part, write what is left to write, and the summary last.

    logits : (items, classes) on the test part. wall : s that the job took.
    """
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
