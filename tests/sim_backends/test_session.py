"""Timing of a link, and faults on order."""

from __future__ import annotations

import asyncio

import pytest

from sim_backends.faults import LinkFaults
from sim_backends.host.session import LinkTiming, client_connected


class Echo:
    """Answers every line with itself."""

    def __init__(self, send) -> None:
        self.send = send
        self.closed = False

    def receive(self, data: bytes) -> None:
        for line in data.splitlines(keepends=True):
            self.send(line)

    def close(self) -> None:
        self.closed = True


def serve(network, timing: LinkTiming, faults: LinkFaults | None = None):
    network.listen_tcp("echo", 1, client_connected(Echo, timing, faults))
    return network.open(("echo", 1))


def test_an_exchange_costs_latency_and_bytes_both_ways(run, network) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        client = serve(network, LinkTiming(0.016, 1000.0))
        assert await client.ask(b"123456789\n") == b"123456789\n"
        assert loop.time() == pytest.approx(0.016 + 20 / 1000)
        # Two at once share the wire: the second byte string waits for the first.
        began = loop.time()
        client.write(b"a\n")
        client.write(b"b\n")
        assert await client.line() == b"a\n"
        assert await client.line() == b"b\n"
        assert loop.time() - began == pytest.approx(0.016 + 8 / 1000)

    run(main())


def test_answers_may_cross_at_another_rate(run, network) -> None:
    async def main() -> float:
        client = serve(network, LinkTiming(0.0, 1000.0, 100.0))
        await client.ask(b"123456789\n")
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(10 / 1000 + 10 / 100)


def test_bytes_under_way_at_closing_still_arrive(run, network) -> None:
    """The last bytes before closing may be the zeros that cool a chip."""
    heard: list[bytes] = []

    class Listener(Echo):
        def receive(self, data: bytes) -> None:
            heard.append(data)

    async def main() -> None:
        network.listen_tcp("ear", 1, client_connected(Listener, LinkTiming(0.016, 1000.0)))
        client = network.open(("ear", 1))
        client.write(b"off\n")
        client.writer.close()
        await asyncio.sleep(1.0)

    run(main())
    assert heard == [b"off\n"]


def test_faults_come_once_and_in_order(run, network) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        faults = LinkFaults()
        client = serve(network, LinkTiming(), faults)
        faults.silence()
        faults.garbage(b"\xff")
        faults.late(0.5)
        faults.split(2, 0.25)
        faults.truncate(1)
        faults.replace(b"E10:00\n")
        client.write(b"lost\n")
        assert await client.ask(b"noisy\n") == b"\xffnoisy\n"
        assert await client.ask(b"late\n") == b"late\n"
        assert loop.time() == 0.5
        client.write(b"split\n")
        assert await client.exactly(2) == b"sp"
        assert loop.time() == 0.5
        assert await client.line() == b"lit\n"
        assert loop.time() == 0.75
        client.write(b"cut\n")
        assert await client.exactly(1) == b"c"
        assert await client.ask(b"x\n") == b"E10:00\n"
        assert await client.ask(b"well\n") == b"well\n"
        faults.drop()
        client.write(b"bye\n")
        assert await client.rest() == b""

    run(main())


def test_closing_ends_the_conversation(run, network) -> None:
    async def main() -> list[bool]:
        made: list[Echo] = []

        def converse(send) -> Echo:
            made.append(Echo(send))
            return made[-1]

        network.listen_serial("/dev/x", client_connected(converse, LinkTiming(0.1, 1e3)))
        client = network.open("/dev/x")
        client.write(b"on its way\n")
        await asyncio.sleep(0.01)
        client.writer.close()
        await asyncio.sleep(1.0)
        return [echo.closed for echo in made]

    assert run(main()) == [True]
