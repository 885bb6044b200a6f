"""A thread with an event loop of its own, real time, that keeps a connection to a broker up.

The bench's loop may run in virtual time, and must never wait for a broker.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from hil.telemetry.errors import TelemetryError
from hil.telemetry.mqtt.access import Access
from hil.telemetry.mqtt.address import Address
from hil.telemetry.mqtt.client import Link, LinkLost, Will, connect

logger = logging.getLogger(__name__)

T = TypeVar("T")
#: s that the first connection may take, rights verified.
PATIENCE = 30.0
#: How often the first connection may break after it was made.
BROKEN = 3


@dataclass(frozen=True)
class BackOff:
    """Between attempts, s: doubled each time; spread, so that many clients do not come at once."""

    first: float = 0.5
    most: float = 30.0

    def after(self, attempts: int) -> float:
        """How long to wait after so many attempts in a row."""
        return min(self.most, self.first * 2.0 ** min(attempts, 20)) * random.uniform(0.8, 1.2)


class Service:
    """Use `start`, then `call` and `ask` from any thread, then `stop`.

    Parameters
    ----------
    serve : what is done with a connection; is to call `up` once it is as it should be, and to
        return only when `ending` is set. A `LinkLost` has it called again with the next one.

    Attributes
    ----------
    trouble : why there is no connection; empty: there is one. counts : of `reconnects`, and what
        the connection threw away.
    """

    def __init__(
        self,
        name: str,
        address: Address,
        access: Access,
        serve: Callable[[Link], Coroutine[Any, Any, None]],
        *,
        will: Will | None = None,
        back_off: BackOff | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.trouble = "not connected yet"
        self._address, self._access, self._will = address, access, will
        self._back_off = back_off or BackOff()
        self._serve = serve
        self._name = name
        self._was_up = False
        self._begun = threading.Event()
        self._failure: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.ending = asyncio.Event()

    def start(self, patience: float = PATIENCE) -> None:
        """Connect for the first time.

        Raises
        ------
        TelemetryError
            Where that does not go well; later failures are met by further attempts.
        """
        self._thread.start()
        if not self._begun.wait(patience):
            self.stop(0.0)
            raise TelemetryError(f"{self._address.broker}: no connection within {patience:.0f} s")
        if self._failure is not None:
            self._thread.join()
            raise TelemetryError(str(self._failure)) from self._failure

    def up(self) -> None:
        """Say that the connection is as it should be. On the loop."""
        if self._was_up:
            logger.info("%s: connected again", self._name)
        self._was_up = True
        self.trouble = ""
        self._begun.set()

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Have a function called on the loop, soon; dropped where that has ended."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(function, *arguments)

    def ask(self, work: Coroutine[Any, Any, T], patience: float) -> T:
        """Run a coroutine on the loop and wait.

        Raises
        ------
        TimeoutError, LinkLost
        """
        loop = self._loop
        if loop is None or loop.is_closed():
            work.close()
            raise LinkLost("closed")
        return asyncio.run_coroutine_threadsafe(work, loop).result(patience)

    def stop(self, patience: float) -> bool:
        """Let `serve` come to its end, for `patience` s at most; whether it did."""
        if not self._thread.is_alive():
            return True
        self.call(self.ending.set)
        self._thread.join(patience)
        in_order = not self._thread.is_alive()
        if not in_order:
            self.call(self._cancel)
            self._thread.join(2.0)
        return in_order

    def _cancel(self) -> None:
        if self._main is not None:
            self._main.cancel()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._keep_up())
        self.trouble = self.trouble or "closed"
        self._begun.set()

    async def _keep_up(self) -> None:
        self._loop, self._main = asyncio.get_running_loop(), asyncio.current_task()
        attempts = broken = 0
        while not self.ending.is_set():
            met = False
            try:
                async with connect(self._address, self._access, self.counts, self._will) as link:
                    met = True
                    await self._serve(link)
            except Exception as error:
                if not isinstance(error, LinkLost | TelemetryError):
                    logger.exception("%s failed", self._name)
                    self.counts["failures"] += 1
                attempts = 0 if not self.trouble else attempts + 1
                if not self._was_up:
                    # amqtt 0.12.1 hangs up on who connects while another subscribes.
                    broken += 1
                    if broken > BROKEN or not (met and isinstance(error, LinkLost)):
                        self._failure = error
                        return
                if not self.trouble:
                    logger.warning("%s: %s; tries again", self._name, error)
                self.trouble = str(error)
                self.counts["reconnects"] += 1
            await self._rest(self._back_off.after(attempts))

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.ending.wait(), seconds)


@asynccontextmanager
async def alongside(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Run `work` as a task while the body runs; it ends with the body."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def first_to_end(*works: Coroutine[Any, Any, None]) -> None:
    """Run several until one ends; cancel the others, and raise what it raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
