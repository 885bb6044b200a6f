"""What a VXI-11 server makes of clients that do not keep to the protocol."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.faults import LinkFaults
from sim_backends.host import rpc
from sim_backends.host.vxi11 import MAX_RECEIVE, Vxi11Connection, Vxi11Server
from sim_backends.virtual_time import VirtualTimeLoop
from tests.sim_backends.message_device import Meter
from tests.sim_backends.vxi11_caller import (
    CREATE,
    PROGRAM,
    READ,
    STATUS,
    WRITE,
    opaque,
    record,
    visit,
    words,
)


@pytest.fixture
def scene(run, network):
    """Runs `main(caller, meter, network)` against a served meter in virtual time."""
    return lambda main, *options: run(visit(network, main, *options))


def test_calls_that_cannot_be_carried_out(scene) -> None:
    async def main(caller, meter, network) -> None:
        caller.post(99)
        assert await caller.reply() == words(caller.calls, 1, 0, 0, 0, 3)
        caller.post(CREATE, program=100000)
        assert await caller.reply() == words(caller.calls, 1, 0, 0, 0, 1)
        caller.post(WRITE, words(caller.link))
        assert await caller.reply() == words(caller.calls, 1, 0, 0, 0, 4)
        caller.post(WRITE, words(caller.link, 0, 0, 8, 0xFFFFFFFF))
        assert await caller.reply() == words(caller.calls, 1, 0, 0, 0, 4)
        caller.wire.write(record(words(7, 0, 2, PROGRAM, 9, 0, 0, 0, 0, 0)))
        assert await caller.reply() == words(7, 1, 0, 0, 0, 2, 1, 1)
        caller.wire.write(record(words(8, 0, 3, PROGRAM, 1, 0, 0, 0, 0, 0)))
        assert await caller.reply() == words(8, 1, 1, 0, 2, 2)
        assert await caller.ask(b"SHOT?") == b"0\n"

    scene(main)


def test_a_record_in_fragments(scene) -> None:
    async def main(caller, meter, network) -> None:
        call = words(9, 0, 2, PROGRAM, 1, STATUS, 0, 0, 0, 0, caller.link, 0, 0, 0)
        for at in range(0, len(call), 5):
            piece = call[at : at + 5]
            last = at + 5 >= len(call)
            caller.wire.write(words(len(piece) | (0x80000000 if last else 0)) + piece)
        assert await caller.result(9) == words(0, 0)

    scene(main)


@pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        words(0xFFFFFFFF),
        words(0x7FFFFFFF),
        record(words(1, 1, 0, 0, 0, 0)),
        record(b"short"),
        record(words(1, 0, 2, PROGRAM, 1, 0, 0, 500) + bytes(508)),
        words(0) * 2000,
        words(MAX_RECEIVE) + bytes(MAX_RECEIVE) + words(2000),
    ],
    ids=range(8),
)
def test_what_is_no_call_ends_the_connection(scene, noise) -> None:
    async def main(caller, meter, network) -> None:
        stranger = network.open(("meter", 1024))
        stranger.write(noise)
        assert await asyncio.wait_for(stranger.reader.read(), 1.0) == b""
        assert await caller.ask(b"SHOT?") == b"0\n"

    scene(main)


def test_calls_sent_at_once_are_answered_in_order_and_bounded(scene) -> None:
    async def main(caller, meter, network) -> None:
        await caller.write(b"AFT? 1")
        caller.post(READ, words(caller.link, 100, 5000, 0, 0, 0))
        first = caller.calls
        for _ in range(5000):
            caller.post(0)
        assert (await caller.result(first))[12:17] == b"late\n"
        for number in range(first + 1, first + 5001):
            assert await caller.result(number) == b""
        await caller.write(b"AFT? 60")
        caller.post(READ, words(caller.link, 100, 90_000, 0, 0, 0))
        for _ in range(5):
            caller.post(WRITE, words(caller.link, 0, 0, 0) + opaque(bytes(MAX_RECEIVE)))
        assert await asyncio.wait_for(caller.wire.reader.read(), 1.0) == b""

    scene(main)


@given(st.lists(st.lists(st.binary(max_size=20), min_size=1, max_size=4)), st.integers(1, 30))
def test_records_come_whole_however_they_are_cut(written, step) -> None:
    stream = b"".join(
        words(len(piece) | (at == len(pieces) - 1) << 31) + piece
        for pieces in written
        for at, piece in enumerate(pieces)
    )
    reader = rpc.Records(1000)
    found: list[bytes] = []
    for at in range(0, len(stream), step):
        found += reader.feed(stream[at : at + step])
    assert found == [b"".join(pieces) for pieces in written]


@given(st.binary(max_size=120), st.booleans(), st.integers(0, 30))
def test_any_record_gives_a_call_an_answer_or_an_end(noise, begins_well, procedure) -> None:
    """And any arguments to any procedure leave the server alive."""

    async def main() -> None:
        meter = Meter()
        sent: list[bytes] = []
        connection = Vxi11Connection(Vxi11Server(meter.converse, LinkFaults()))
        connection._open(sent.append)
        head = words(1, 0, 2, PROGRAM, 1, procedure, 0, 0, 0, 0) if begins_well else b""
        connection.receive(record(head + noise))
        connection.close()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
