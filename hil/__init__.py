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
        AsyncBench,
        Bench,
        Electronics,
        OnlineRefit,
        RefitSettings,
        Result,
        Schedule,
        Slots,
        Trace,
        Twin,
        new_refit,
        open,  # noqa: A004 - users type hil.open
        open_async,
        task_from_arrays,
        train,
        train_async,
        twin_from_record,
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
    """Import what is offered when it is first asked for: a small process of this package (the
    guardian of a bench) must not load torch.
    """
    if name not in __all__:
        raise AttributeError(f"module 'hil' has no attribute {name!r}")
    from hil import api

    found = getattr(api, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The names that can be asked for, too."""
    return sorted({*globals(), *__all__})
