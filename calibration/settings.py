"""Settings seen one after the other, in parts that are kept, so that a step can be resumed.

A step plans its settings ahead, from a seed. What an interrupted run of it has kept is taken over
as far as it is of the same plan. The last of these settings is then gone back to and held until it
is warm, so that models of the slow thermal tail, which count from a setting held, stay right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from calibration.setup import Setup
from calibration.step import Array, Watch

Floats = NDArray[np.float64]
V = TypeVar("V")

#: Settings kept together: what a crash may cost.
PART = 20


class Viewer(Protocol[V]):
    """Looks at a bench, and packs what it saw into arrays."""

    async def at(self, levels: Floats) -> V:
        """Program levels (n_banks, elements) in W and look."""
        ...

    def packed(self, views: Sequence[V]) -> dict[str, Array]:
        """Views as arrays (S, ...), among them `times` (S,), bench s."""
        ...

    def unpacked(self, arrays: Mapping[str, Array]) -> list[V]:
        """The views that arrays were packed from."""
        ...


class Settings(Generic[V]):
    """The views of a plan's settings.

    plan : levels (S, n_banks, elements) in W, in the order in which they are seen.
    """

    def __init__(self, setup: Setup, watch: Watch, plan: Floats, viewer: Viewer[V]) -> None:
        self._watch = watch
        self._plan = plan
        self._viewer = viewer
        self._views: list[V] = []
        while (part := watch.kept(self._key())) is not None:
            end = len(self._views) + len(part["times"])
            mine = np.array_equal(part["levels"], plan[len(self._views) : end])
            # A clock that has begun anew says nothing of the time between.
            if not mine or float(part["times"][-1]) > setup.now():
                break
            self._views += viewer.unpacked(part)
        self._kept = len(self._views)

    @property
    def begin(self) -> Floats:
        """Levels (n_banks, elements) in W to hold before going on."""
        return self._plan[max(0, len(self._views) - 1)]

    async def upto(self, count: int) -> list[V]:
        """The views of the first `count` settings, kept; those missing are measured now."""
        while len(self._views) < count:
            self._views.append(await self._viewer.at(self._plan[len(self._views)]))
            self._watch.progress(len(self._views), count, "settings")
            if len(self._views) - self._kept == PART:
                self._keep()
        if len(self._views) > self._kept:
            self._keep()
        return self._views[:count]

    def _key(self) -> str:
        return f"settings-{len(self._views):04d}"

    def _keep(self) -> None:
        first, self._kept = self._kept, len(self._views)
        arrays: dict[str, Any] = self._viewer.packed(self._views[first:])
        levels = self._plan[first : self._kept]
        self._watch.keep(f"settings-{first:04d}", levels=levels, **arrays)
