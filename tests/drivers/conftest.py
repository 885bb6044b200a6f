"""Scripted instruments in memory, and a loop whose time jumps: no test here waits in real time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import pytest

from drivers.link_model import LinkModel
from drivers.transport.memory import MemoryNetwork, MemoryWriter

T = TypeVar("T")
Reply = bytes | Callable[[MemoryWriter], Awaitable[None] | None] | None


class JumpingSelector(selectors.DefaultSelector):
    """Never waits: what would be waited for is added to the time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Ready files, without waiting."""
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("the scenario waits for ever")
        if not ready and timeout:
            self.now += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop on the time of its `JumpingSelector`."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._jumping.now


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """Run a scenario on a loop whose time jumps; errors in servers fail it."""
    failures: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: failures.append(context))
        result = runner.run(asyncio.wait_for(scenario, 1e6))
    assert not failures, failures
    return result


class Script:
    """A server that expects exactly these bytes, one entry after the other, and answers each.

    An answer of None is silence; a callable is given the writer and does as it likes. Each
    connection goes on where the last one stopped. `finish` sees that nothing was left over.

    `closing` is for drivers on streams that ask who is there behind each question for errors: then
    that question is expected behind each entry that ends in one, and answered by `closing` (a
    callable sends it itself).
    """

    def __init__(
        self, entries: Sequence[tuple[bytes, Reply]] = (), *, closing: bytes = b""
    ) -> None:
        self._closing = closing
        self.entries = [self._closed(*entry) for entry in entries]
        self.connections = 0
        self.unexpected = b""
        self.writers: list[MemoryWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: MemoryWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        self.writers.append(writer)
        while True:
            if not self.entries:
                self.unexpected += await reader.read(4096)
                return
            expected, reply = self.entries[0]
            try:
                got = await reader.readexactly(len(expected))
            except asyncio.IncompleteReadError as stop:
                self.unexpected += stop.partial
                return
            if got != expected:
                self.unexpected += got
                writer.close()
                raise AssertionError(f"expected {expected!r}, got {got!r}")
            del self.entries[0]
            if callable(reply):
                doing = reply(writer)
                if doing is not None:
                    await doing
            elif reply is not None:
                writer.write(reply)

    def extend(self, *entries: tuple[bytes, Reply]) -> None:
        """Expect more."""
        self.entries.extend(self._closed(*entry) for entry in entries)

    def _closed(self, sent: bytes, reply: Reply) -> tuple[bytes, Reply]:
        line = sent.rstrip(b"\r\n")
        if not self._closing or not line.endswith((b"SYST:ERR?", b"LERR?")):
            return sent, reply
        end = sent[len(line) :]
        return sent + b"*IDN?" + end, reply + self._closing if isinstance(reply, bytes) else reply

    def finish(self) -> None:
        """All was said, and nothing else."""
        assert not self.entries, f"never sent: {self.entries[0][0]!r}"
        assert not self.unexpected, f"sent besides: {self.unexpected!r}"


LINK = LinkModel(latency=0.001, bytes_per_second=1e6)


@pytest.fixture
def network() -> MemoryNetwork:
    """An empty network."""
    return MemoryNetwork()


@pytest.fixture
def script() -> type[Script]:
    """The class of scripted servers."""
    return Script


@pytest.fixture
def virtual() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a scenario in jumping time."""
    return run


@pytest.fixture
def link() -> LinkModel:
    """A quick link."""
    return LINK
