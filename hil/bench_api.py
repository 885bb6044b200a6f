"""What `hil` offers of benches. Without torch: a bench is opened in a moment."""

from __future__ import annotations

from hil.bench.entry import open_bench as open  # noqa: A004 - users type hil.open
from hil.bench.entry import open_bench_async as open_async
from hil.bench.faces import AsyncBench, Bench
from hil.control import Electronics, Schedule, Trace
from hil.tasks import task_from_arrays

__all__ = [
    "AsyncBench",
    "Bench",
    "Electronics",
    "Schedule",
    "Trace",
    "open",
    "open_async",
    "task_from_arrays",
]
