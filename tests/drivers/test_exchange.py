"""Whole exchanges: the lock, recovery after any failure, the latch, the clock."""

from __future__ import annotations

import asyncio

import pytest

from drivers.exchange import MAX_FAILURES, ExchangeClock, GuardedLink
from drivers.transport.link import ByteLink, LinkClosed, LinkTimeout
from drivers.transport.memory import MemoryNetwork


class Bench:
    """An echoing server that can be told to fall silent, and a guarded link to it."""

    def __init__(self, *, marker: bool = False) -> None:
        self.network = MemoryNetwork()
        self.network.listen_tcp("box", 1, self._serve)
        self.clock = ExchangeClock()
        self.greetings = 0
        self.delay = 0.0
        self.connected = 0
        self.guard = GuardedLink(
            "box-0", "TCPIP::box::1::SOCKET", self.clock, lambda: self.network.tcp("box", 1),
            self._greet, self._synchronise if marker else None,
        )  # fmt: skip

    async def _serve(self, reader: asyncio.StreamReader, writer) -> None:
        self.connected += 1
        while line := await reader.readline():
            await asyncio.sleep(self.delay)
            if line == b"bye\n":
                writer.close()
                return
            writer.write(line)

    async def _greet(self, link: ByteLink) -> None:
        self.greetings += 1
        await link.write(b"hello\n")
        await link.read_until(b"\n", 1.0)

    async def _synchronise(self, link: ByteLink) -> None:
        await link.write(b"marker\n")
        while await link.read_until(b"\n", 10.0) != b"marker\n":
            pass

    async def ask(self, text: bytes, kind: str = "query", timeout: float = 1.0) -> bytes:
        async with self.guard.exchange(kind) as link:
            await link.write(text)
            return await link.read_until(b"\n", timeout)


@pytest.mark.parametrize("marker", [False, True])
def test_a_late_answer_never_answers_the_next_question(virtual, marker: bool) -> None:
    async def scenario() -> None:
        bench = Bench(marker=marker)
        await bench.guard.open()
        bench.delay = 1.5
        with pytest.raises(LinkTimeout):
            await bench.ask(b"first\n")
        bench.delay = 0.0
        assert bench.guard.doubtful
        assert await bench.ask(b"second\n") == b"second\n"
        assert await bench.ask(b"third\n") == b"third\n"
        assert (bench.connected, bench.greetings) == ((1, 1) if marker else (2, 2))

    virtual(scenario())


@pytest.mark.parametrize("marker", [False, True])
def test_a_cancelled_exchange_leaves_no_answer_behind(virtual, marker: bool) -> None:
    async def scenario() -> None:
        bench = Bench(marker=marker)
        await bench.guard.open()
        bench.delay = 0.5
        task = asyncio.create_task(bench.ask(b"first\n"))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await bench.ask(b"second\n") == b"second\n"

    virtual(scenario())


def test_exchanges_do_not_mix(virtual) -> None:
    async def scenario() -> None:
        bench = Bench()
        await bench.guard.open()
        bench.delay = 0.01
        texts = [f"{number}\n".encode() for number in range(20)]
        assert await asyncio.gather(*(bench.ask(text) for text in texts)) == texts
        assert bench.clock.count == 20
        assert bench.clock.busy == {"query": pytest.approx(0.2, rel=1e-3)}

    virtual(scenario())


def test_a_closed_connection_is_made_again_and_greeted(virtual) -> None:
    async def scenario() -> None:
        bench = Bench()
        await bench.guard.open()
        with pytest.raises(LinkClosed):
            await bench.ask(b"bye\n")
        assert await bench.ask(b"again\n") == b"again\n"
        assert bench.greetings == 2

    virtual(scenario())


def test_repeated_failure_latches_until_it_is_opened_again(virtual) -> None:
    async def scenario() -> None:
        bench = Bench()
        await bench.guard.open()
        bench.delay = 5.0
        for _ in range(1 + MAX_FAILURES):
            with pytest.raises(LinkTimeout):
                await bench.ask(b"x\n")
        connections = bench.connected
        with pytest.raises(LinkClosed, match="given up after 3"):
            await bench.ask(b"x\n")
        assert bench.connected == connections
        bench.delay = 0.0
        await bench.guard.close()
        await bench.guard.open()
        assert await bench.ask(b"x\n") == b"x\n"

    virtual(scenario())


def test_before_open_and_after_close(virtual) -> None:
    async def scenario() -> None:
        bench = Bench()
        with pytest.raises(LinkClosed, match=r"box-0.*not open"):
            await bench.ask(b"x\n")
        await bench.guard.open()
        await bench.guard.open()
        assert bench.greetings == 1
        await bench.guard.close()
        await bench.guard.close()
        with pytest.raises(LinkClosed, match="not open"):
            await bench.ask(b"x\n")
        await bench.guard.blurt(b"no link, no harm\n")

    virtual(scenario())


@pytest.mark.parametrize("marker", [False, True])
def test_an_error_of_the_link_says_whose_it_is(virtual, marker: bool) -> None:
    """A bench has several: a resource alone does not tell an operator which cable to look at."""

    async def scenario() -> None:
        bench = Bench(marker=marker)
        await bench.guard.open()
        bench.delay = 20.0
        for _ in range(2):  # in the exchange, then in the recovery
            with pytest.raises(LinkTimeout, match=r"^box-0: TCPIP::box::1::SOCKET: .*; see"):
                await bench.ask(b"x\n")
        await bench.network.close()

        bench = Bench(marker=marker)
        await bench.guard.open()
        with pytest.raises(LinkClosed, match=r"^box-0: TCPIP::box::1::SOCKET: ") as closed:
            await bench.ask(b"bye\n")
        assert closed.value.instrument == "box-0"

        lost = GuardedLink(
            "box-1", "TCPIP::box::2::SOCKET", bench.clock, lambda: bench.network.tcp("box", 2),
            bench._greet, None,
        )  # fmt: skip
        with pytest.raises(LinkClosed, match=r"^box-1: TCPIP::box::2::SOCKET: nothing listens"):
            await lost.open()
        await bench.network.close()

    virtual(scenario())
