"""A thread of one link's own, which does what blocks, one job after the other."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
Tell = Callable[[Any, BaseException | None], None]
"""Takes the result of a job, or what it raised."""

LAST_WAIT = 2.0
"""Seconds that the end of the program waits for what was begun."""


class Worker:
    """Does jobs in the order given. To wait for one costs two wake-ups, of thread and of loop.

    A lean thread: the standard library's executor makes two futures with locks for each job.
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Tell] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()
        atexit.register(self._finish)

    def run(self, job: Callable[[], T]) -> asyncio.Future[T]:
        """Do a job; the result or the exception comes in the running loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def tell(result: Any, error: BaseException | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_settle, future, result, error)

        self._jobs.put((job, tell))
        return future

    def post(self, job: Callable[[], None]) -> None:
        """Do a job that nobody waits for. It must not raise."""
        self._jobs.put((job, _nobody))

    def stop(self) -> None:
        """End the thread when it has done what it was given."""
        self._jobs.put(None)
        atexit.unregister(self._finish)

    def _finish(self) -> None:
        self._jobs.put(None)
        self._thread.join(LAST_WAIT)

    def _work(self) -> None:
        while (given := self._jobs.get()) is not None:
            job, tell = given
            try:
                result = job()
            except BaseException as error:
                tell(None, error)
            else:
                tell(result, None)
            del given, job, tell  # nothing of it is held while the next is awaited
            result = None


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _nobody(result: Any, error: BaseException | None) -> None:
    del result, error
