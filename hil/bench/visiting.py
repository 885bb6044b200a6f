"""A bench that is looked at: its instruments opened and identified, nothing driven, nothing set."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from hil.bench.connection import raise_first
from hil.bench.driving_off import unfailing
from hil.bench.loop_thread import LoopThread
from hil.bench.opening import OpenBench
from hil.bench.states import BenchError

T = TypeVar("T")


class Visit:
    """Use it in a `with` block. While `driven` is set, the end of the block drives the bench off;
    else only the links are closed, and outputs stay as they are.
    """

    def __init__(self, core: OpenBench, tell: Callable[[str], None]) -> None:
        self.core = core
        self.driven = self.touched = False
        self._tell = unfailing(tell)
        self._thread = LoopThread(core.new_loop(), core.file.name)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the bench's loop and wait for it; Ctrl-C cancels it safely."""
        return self._thread.call(work)

    def drive(self) -> None:
        """From now on the bench is touched, guarded, and driven off at the end.

        Raises
        ------
        BenchError
            When its guardian does not start: nothing was touched then.
        """
        self.do(self.core.guard(self._tell))
        self.driven = self.touched = True

    def __enter__(self) -> Self:
        try:
            self.do(self._open())
        except BaseException:
            try:
                self.do(self._leave())
            finally:
                self._thread.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        driven = self.driven
        failed: list[str] = []
        try:
            failed = self.do(self.core.close(self._tell) if driven else self._leave())
        finally:
            self._thread.stop()
        for line in failed:
            self._tell(f"FAILED: {line}")
        if driven and failed:
            raise BenchError(
                f"bench {self.core.file.name} is NOT safe, switch it off by hand: "
                f"{'; '.join(failed)}"
            ) from error

    async def _open(self) -> None:
        self.core.begin()
        raise_first(await self.core.open_instruments(self._tell, guarded=False))

    async def _leave(self) -> list[str]:
        failed = await self.core.close_instruments()
        await self.core.unguard()
        self.core.end()
        return failed
