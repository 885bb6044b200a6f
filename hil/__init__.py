"""Hardware-in-the-loop training of photonic neural networks.

import hil

with hil.open("relax-mzi-16", backend="sim") as bench:
    result = hil.train(bench, task="digits", method="pat")
print(result.accuracy)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

#: Where each name comes from. It is imported when it is first asked for: a small process of this
#: package (the guardian of a bench) must not load torch.
_FROM = {
    "open": ("hil.bench.entry", "open_bench"),
    "open_async": ("hil.bench.entry", "open_bench_async"),
    "AsyncBench": ("hil.bench.faces", "AsyncBench"),
    "Bench": ("hil.bench.faces", "Bench"),
    "Electronics": ("hil.control", "Electronics"),
    "Schedule": ("hil.control", "Schedule"),
    "Trace": ("hil.control", "Trace"),
    "train": ("hil.learn.api", "train"),
    "train_async": ("hil.learn.api", "train_async"),
    "Result": ("hil.learn.results", "Result"),
    "Slots": ("hil.learn.slots", "Slots"),
    "twin_from_record": ("hil.learn.slots", "twin_from_record"),
    "task_from_arrays": ("hil.tasks", "task_from_arrays"),
    "Twin": ("hil.twin", "Twin"),
    "OnlineRefit": ("hil.twin.refit", "OnlineRefit"),
    "RefitSettings": ("hil.twin.refit", "RefitSettings"),
    "new_refit": ("hil.twin.refitting", "new_refit"),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in _FROM:
        raise AttributeError(f"module 'hil' has no attribute {name!r}")
    module, attribute = _FROM[name]
    found = getattr(import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The names that can be asked for, too."""
    return sorted({*globals(), *__all__})
