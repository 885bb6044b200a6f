"""Hardware-in-the-loop training of photonic neural networks.

import hil

with hil.open("relax-mzi-16", backend="sim") as bench:
    result = hil.train(bench, task="digits", method="pat")
print(result.accuracy)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hil.api import (
        OnlineRefit,
        RefitSettings,
        Result,
        Slots,
        Twin,
        new_refit,
        train,
        train_async,
        twin_from_record,
    )
    from hil.bench_api import (
        AsyncBench,
        Bench,
        Electronics,
        Schedule,
        Trace,
        open,  # noqa: A004 - users type hil.open
        open_async,
        task_from_arrays,
    )

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


def __getattr__(name: str) -> Any:
    """Import what is offered when it is first asked for: who only opens a bench need not wait for
    torch, and a small process of this package (the guardian of a bench) must not load it.
    """
    if name not in __all__:
        raise AttributeError(f"module 'hil' has no attribute {name!r}")
    from hil import bench_api

    if name in bench_api.__all__:
        found = getattr(bench_api, name)
    else:
        from hil import api

        found = getattr(api, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The names that can be asked for, too."""
    return sorted({*globals(), *__all__})
