"""A bench's own event loop in its own thread.

A notebook already runs a loop, and a simulated bench needs one whose time is virtual: so each open
bench has its own. Calls from other threads are handed over and waited for.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from hil.bench.patience import interruptions_noted

T = TypeVar("T")


async def to_the_end(
    future: asyncio.Future[T], interrupted: Callable[[], object] = lambda: None
) -> T:
    """Wait until `future` is done, however often the caller is cancelled meanwhile.

    `interrupted` is called at each cancellation; the last one is raised at the end.
    """
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
            interrupted()
    if cancelled is None:
        return future.result()
    if not future.cancelled():
        future.exception()  # looked at, so that nobody complains that it never was
    raise cancelled


#: Work that is under way on the loops of benches, and why it was ended from within.
_works: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
_ended: weakref.WeakKeyDictionary[asyncio.Task[Any], BaseException] = weakref.WeakKeyDictionary()


async def end_works(error: BaseException, patience: float) -> None:
    """Cancel what was handed to the running loop; who waits for it is given `error`.

    Returns when it has wound down, after `patience` s at most.
    """
    loop = asyncio.get_running_loop()
    mine = [one for one in _works if one.get_loop() is loop and not one.done()]
    for one in mine:
        _ended[one] = error
        one.cancel(str(error))
    if mine:
        await asyncio.wait(mine, timeout=patience)


class LoopThread:
    """Runs coroutines on a loop that only this thread drives."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self.loop = loop
        self._thread = threading.Thread(target=self._drive, name=f"bench {name}", daemon=True)
        self._thread.start()

    def _drive(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine and wait. Ctrl-C cancels it and waits until it has wound down.

        Ctrl-C again does not shorten that: a bench half-way to `off` must get there.
        """
        handed = _Handed[T](self.loop)
        with interruptions_noted(handed.cancel):
            handed.begin(work)
            concurrent.futures.wait([handed.done])
        return handed.done.result()

    async def call_async(self, work: Coroutine[Any, Any, T]) -> T:
        """As `call`, awaited on the loop of the caller, whose cancellation is as Ctrl-C there."""
        handed = _Handed[T](self.loop)
        handed.begin(work)
        return await to_the_end(asyncio.wrap_future(handed.done), handed.cancel)

    def stop(self) -> None:
        """Stop the loop and end the thread; idempotent."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
        if not self.loop.is_closed():
            self.loop.close()


class _Handed(Generic[T]):
    """A coroutine on the loop; `done` is set only when its task has really ended."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.done: concurrent.futures.Future[T] = concurrent.futures.Future()
        self.done.set_running_or_notify_cancel()  # so that only the task's end ends it
        self._loop = loop
        self._task: asyncio.Task[T] | None = None

    def begin(self, work: Coroutine[Any, Any, T]) -> None:
        """Start the coroutine on the loop."""
        self._loop.call_soon_threadsafe(self._begin, work)

    def _begin(self, work: Coroutine[Any, Any, T]) -> None:
        self._task = self._loop.create_task(work)
        _works.add(self._task)
        self._task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            why = _ended.get(task)
            self.done.set_exception(concurrent.futures.CancelledError() if why is None else why)
        elif (error := task.exception()) is not None:
            self.done.set_exception(error)
        else:
            self.done.set_result(task.result())

    def cancel(self) -> None:
        """Ask the coroutine to stop; `done` follows when it has."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
