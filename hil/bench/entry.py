"""`hil.open` and `hil.open_async`: from a name or a file to an open bench."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hil.bench.by_hand import operator_for
from hil.bench.faces import AsyncBench, Bench, Tell, silent
from hil.bench.file import BenchFile, load
from hil.bench.opening import OpenBench
from hil.bench.states import BACKENDS, PATHS, check_choice


def plant_overlay(
    severity: str | None = None, plant_seed: int | None = None, **numbers: Any
) -> dict[str, Any]:
    """What replaces entries of the file's [plant] table, which hil itself does not read."""
    plant: dict[str, Any] = dict(numbers)
    if severity is not None:
        plant["severity"] = severity
    if plant_seed is not None:
        plant["seed"] = plant_seed
    return {"plant": plant} if plant else {}


def make_core(
    bench: str | Path | BenchFile,
    *,
    backend: str = "sim",
    path: str = "wire",
    start_time: float = 0.0,
    severity: str | None = None,
    plant_seed: int | None = None,
    plant: dict[str, Any] | None = None,
    assume: Iterable[str] = (),
    ask: bool = False,
) -> OpenBench:
    """A bench built but not opened; arguments as `open`."""
    check_choice("backend", backend, BACKENDS)
    check_choice("path", path, PATHS)
    if isinstance(bench, BenchFile):
        file = bench
    else:
        file = load(bench, plant_overlay(severity, plant_seed, **(plant or {})))
    core = OpenBench(
        file,
        backend="real" if backend == "real" else "sim",
        path="slot" if path == "slot" else "wire",
        start_time=start_time,
    )
    core.operator = operator_for(file, assume=assume, simulated=core.all_simulated, ask=ask)
    return core


def open_bench(bench: str | Path | BenchFile, *, tell: Tell = silent, **how: Any) -> Bench:
    """Open a bench and bring it to `idle`.

    Parameters
    ----------
    bench : name of a packaged bench, path of a bench file, or a loaded one.
    backend : `sim` or `real`, for instruments whose table does not say.
    path : `wire`, or `slot` (the simulated plant without instruments, for big sweeps).
    start_time : s, bench time at which a simulated bench begins.
    severity, plant_seed, plant : replace entries of the file's [plant] table.
    assume : names of what is worked by hand (`kind = "manual"`) and is done.
    ask : whether to ask at the terminal for what is not.
    tell : called with a line for each thing that opens or goes off.

    Raises
    ------
    BenchFileError, BenchError, IdentityError, LinkError
        Each naming the thing and the mend; nothing is left open.
    """
    return Bench(make_core(bench, **how), tell)


def open_bench_async(
    bench: str | Path | BenchFile, *, tell: Tell = silent, **how: Any
) -> AsyncBench:
    """The bench for `async with`; arguments as `open_bench`."""
    return AsyncBench(make_core(bench, **how), tell)
