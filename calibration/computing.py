"""Long computations beside the control loop, so that it goes on turning meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from calibration.step import Watch

T = TypeVar("T")


async def compute(work: Callable[[], T]) -> T:
    """Run `work` in the loop's executor; inline on a virtual loop."""
    return await asyncio.get_running_loop().run_in_executor(None, work)


def told(watch: Watch, note: str) -> Callable[[int, int], None]:
    """What a computation calls from its thread to tell the watch of its progress."""
    loop = asyncio.get_running_loop()

    def tell(done: int, total: int) -> None:
        loop.call_soon_threadsafe(watch.progress, done, total, note)

    return tell
