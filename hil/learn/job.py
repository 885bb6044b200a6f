"""One training job: what is asked for, before a bench is opened."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from hil.bench.cores import MESH
from hil.bench.opening import OpenBench
from hil.control.schedule import Schedule, ScheduleError
from hil.learn.settings import TrainingSettings
from hil.record import folder as files
from hil.record.folder import RunFolder
from hil.record.versions import versions
from hil.tasks.task import Task
from hil.twin.refitting import kind_for


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
