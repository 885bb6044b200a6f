"""What `import hil` offers: a bench, training on it, and what they are given and give."""

from __future__ import annotations

from hil.bench.entry import open_bench as open  # noqa: A004 - users type hil.open
from hil.bench.entry import open_bench_async as open_async
from hil.bench.faces import AsyncBench, Bench
from hil.control import Electronics, Schedule, Trace
from hil.learn.api import train, train_async
from hil.learn.results import Result
from hil.learn.slots import Slots, twin_from_record
from hil.tasks import task_from_arrays
from hil.twin import Twin
from hil.twin.refit import OnlineRefit, RefitSettings
from hil.twin.refitting import new_refit

__all__ = [
    "AsyncBench",
    "Bench",
    "Electronics",
    "OnlineRefit",
    "RefitSettings",
    "Result",
    "Schedule",
    "Slots",
    "Trace",
    "Twin",
    "new_refit",
    "open",
    "open_async",
    "task_from_arrays",
    "train",
    "train_async",
    "twin_from_record",
]
