"""Benches as people use them: `hil.open` for scripts and notebooks, `hil.open_async` for asyncio.

Both are thin: the bench lives on a loop of its own in a thread of its own.
"""

from __future__ import annotations

import asyncio
import atexit
import weakref
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hil.bench.driving_off import unfailing
from hil.bench.file import BenchFile
from hil.bench.loop_thread import LoopThread
from hil.bench.opening import OpenBench
from hil.bench.states import BenchError, BenchState
from hil.control.electronics import Electronics
from hil.control.feedback import run_schedule
from hil.control.schedule import Schedule
from hil.control.trace import Trace

T = TypeVar("T")
Floats = NDArray[np.float64]
Tell = Callable[[str], None]


def silent(message: str) -> None:
    """Tell nobody."""


class _Held:
    """What both faces hold: the bench, its loop, and whether it is open."""

    def __init__(self, core: OpenBench, tell: Tell) -> None:
        self.core = core
        self._tell = unfailing(tell)
        self._thread = LoopThread(core.new_loop(), core.file.name)
        self._open = False

    @property
    def file(self) -> BenchFile:
        """The bench file."""
        return self.core.file

    @property
    def ports(self) -> int:
        """Optical ports N."""
        return self.core.file.ports

    @property
    def n_banks(self) -> int:
        """Banks."""
        return self.core.file.n_banks

    @property
    def level_max(self) -> Floats:
        """Highest level (n_banks, elements) in W of every element."""
        return self.core.level_max

    @property
    def state(self) -> str:
        """`off`, `idle`, `running` or `tripped`."""
        return str(self.core.state)

    @property
    def ledger(self) -> dict[str, Any]:
        """What was spent so far; see docs/run-folder.md."""
        return self.core.ledger_table()

    def write_as_built(self, quality: str, path: str | Path) -> None:
        """Write what a survey of a simulated bench knows (best, std, rough, poor, bad) to a file.

        Raises
        ------
        BenchError
            On a real bench, which has a calibration record instead.
        """
        self.core.write_as_built(quality, Path(path))

    def _need_loop(self, work: Coroutine[Any, Any, Any]) -> None:
        """Refuse work for a bench whose loop has ended."""
        if self._thread.loop.is_closed():
            work.close()
            raise BenchError(f"bench {self.file.name} is closed; open it again")

    def _report(self, failed: list[str], error: BaseException | None) -> None:
        """Tell what could not be made safe; raise it too, unless an error is under way."""
        for line in failed:
            self._tell(f"FAILED to make safe: {line}")
        if failed and (error is None or isinstance(error, KeyboardInterrupt)):
            raise BenchError(
                f"bench {self.file.name} is NOT safe, switch it off by hand: {'; '.join(failed)}"
            ) from error

    async def _run(
        self,
        levels: ArrayLike,
        x: ArrayLike,
        schedule: Schedule | None,
        electronics: Electronics | None,
    ) -> Trace:
        schedule = schedule or Schedule(self.n_banks, self.n_banks)
        features = np.atleast_2d(np.asarray(x, dtype=np.float64))
        inputs = features if features.ndim == 3 else schedule.place(features, self.ports)
        machine = self.core.first_banks(schedule.n_banks)
        self.core.begin_running()
        return await run_schedule(
            machine,
            schedule,
            np.asarray(levels, dtype=np.float64),
            electronics or Electronics.plain(schedule.n_banks, self.ports),
            inputs,
        )


class Bench(_Held):
    """An open bench, used synchronously; close it, or use `with`."""

    def __init__(self, core: OpenBench, tell: Tell = silent) -> None:
        super().__init__(core, tell)
        try:
            self.do(core.open(self._tell))
        except BaseException:
            # Ctrl-C may have come when all was open already.
            try:
                self.do(core.close(self._tell))
            finally:
                self._thread.stop()
            raise
        self._open = True
        self._last_resort = partial(_close_forgotten, weakref.WeakMethod(self.close))
        atexit.register(self._last_resort)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the bench's loop and wait for it; Ctrl-C cancels it safely."""
        self._need_loop(work)
        return self._thread.call(work)

    def run(
        self,
        levels: ArrayLike,
        x: ArrayLike,
        *,
        schedule: Schedule | None = None,
        electronics: Electronics | None = None,
    ) -> Trace:
        """Pass samples through the schedule and return what was sent and measured.

        Parameters
        ----------
        levels : (n_banks, elements) in W.
        x : (batch, features) in V_pi, placed by the schedule; or (batch, n_steps, ports).
        schedule : by default each bank once.
        electronics : by default unit gain, no bias, no skip.

        Raises
        ------
        LimitError
            When a level is out of range, NaN or infinite: nothing is written.
        """
        return self.do(self._run(levels, x, schedule, electronics))

    def close(self) -> list[str]:
        """Drive to `off` and close every link; returns what failed. May be called again."""
        if not self._open:
            return []
        try:
            return self.do(self.core.close(self._tell))
        finally:
            # Otherwise Ctrl-C came before anything was done: it stays open, for the next attempt.
            if self.core.state in (BenchState.OFF, BenchState.TRIPPED):
                self._open = False
                atexit.unregister(self._last_resort)
                self._thread.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._report(self.close(), error)


def _close_forgotten(method: weakref.WeakMethod[Callable[[], list[str]]]) -> None:
    """At interpreter exit: a bench left open (in a notebook, say) is still driven off."""
    close = method()
    if close is not None:
        close()


class AsyncBench(_Held):
    """The same bench for code that runs an event loop of its own; use `async with`."""

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the bench's loop and await it."""
        self._need_loop(work)
        return await self._thread.call_async(work)

    async def run(
        self,
        levels: ArrayLike,
        x: ArrayLike,
        *,
        schedule: Schedule | None = None,
        electronics: Electronics | None = None,
    ) -> Trace:
        """As `Bench.run`."""
        return await self.do(self._run(levels, x, schedule, electronics))

    async def close(self) -> list[str]:
        """Drive to `off` and close every link; returns what failed."""
        if not self._open:
            return []
        self._open = False
        try:
            return await self.do(self.core.close(self._tell))
        finally:
            await asyncio.to_thread(self._thread.stop)

    async def __aenter__(self) -> Self:
        try:
            await self.do(self.core.open(self._tell))
        except BaseException:
            try:
                await self.do(self.core.close(self._tell))
            finally:
                await asyncio.to_thread(self._thread.stop)
            raise
        self._open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._report(await self.close(), error)
