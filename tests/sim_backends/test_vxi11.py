"""The VXI-11 server, byte by byte (VXI-11 revision 1.0, appendix B; RFC 5531)."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.faults import LinkFaults
from sim_backends.host import rpc
from sim_backends.host.session import LinkTiming
from sim_backends.host.vxi11 import (
    MAX_RECEIVE,
    Vxi11Connection,
    Vxi11Server,
    client_connected,
)
from sim_backends.virtual_time import VirtualTimeLoop
from tests.sim_backends.message_device import Meter

CREATE, WRITE, READ, STATUS, TRIGGER, CLEAR = 10, 11, 12, 13, 14, 15
LOCK, UNLOCK, DESTROY = 18, 19, 23
WAIT, END, CHARACTER = 1, 8, 128
PROGRAM = 0x0607AF


def words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def opaque(data: bytes) -> bytes:
    return words(len(data)) + data + bytes(-len(data) % 4)


def record(data: bytes) -> bytes:
    return words(len(data) | 0x80000000) + data


class Caller:
    """A client that calls and shows what comes."""

    def __init__(self, network: Any) -> None:
        self.wire = network.open(("meter", 1024))
        self.calls = 0
        self.link = 0

    def post(self, procedure: int, arguments: bytes = b"", program: int = PROGRAM) -> None:
        self.calls += 1
        header = words(self.calls, 0, 2, program, 1, procedure, 0, 0, 0, 0)
        self.wire.write(record(header + arguments))

    async def result(self, number: int | None = None) -> bytes:
        answer = await self.reply()
        assert answer[:24] == words(self.calls if number is None else number, 1, 0, 0, 0, 0)
        return answer[24:]

    async def reply(self) -> bytes:
        mark = int.from_bytes(await self.wire.exactly(4), "big")
        assert mark & 0x80000000
        return await self.wire.exactly(mark & 0x7FFFFFFF)

    async def call(self, procedure: int, arguments: bytes = b"") -> tuple[int, ...]:
        self.post(procedure, arguments)
        result = await self.result()
        return struct.unpack(f">{len(result) // 4}I", result)

    async def enter(self, locks: int = 0, patience: int = 0) -> Caller:
        found = await self.call(CREATE, words(1, locks, patience) + opaque(b"inst0"))
        assert found == (0, found[1], 0, 1 << 20)
        self.link = found[1]
        return self

    async def write(self, data: bytes, flags: int = END, patience: int = 0) -> tuple[int, ...]:
        arguments = words(self.link, 2000, patience, flags) + opaque(data)
        return await self.call(WRITE, arguments)

    async def read(
        self, most: int = 1000, timeout: int = 2000, flags: int = 0, stop: int = 0
    ) -> tuple[int, int, bytes]:
        self.post(READ, words(self.link, most, timeout, 0, flags, stop))
        result = await self.result()
        error, reason, length = struct.unpack_from(">3I", result)
        assert len(result) == 12 + length + -length % 4
        return error, reason, result[12 : 12 + length]

    async def ask(self, question: bytes) -> bytes:
        assert await self.write(question) == (0, len(question))
        error, reason, data = await self.read()
        assert (error, reason) == (0, 4)
        return data

    async def generic(self, procedure: int, flags: int = 0, patience: int = 0) -> tuple[int, ...]:
        return await self.call(procedure, words(self.link, flags, patience, 2000))


Scene = Callable[..., Any]


@pytest.fixture
def scene(run, network) -> Scene:
    """Runs `main(caller, meter, network)` against a served meter in virtual time."""

    def go(main: Callable[..., Any], timing: LinkTiming | None = None, **options: Any) -> Any:
        async def whole() -> Any:
            meter = Meter()
            served = client_connected(meter.converse, timing or LinkTiming(), **options)
            network.listen_tcp("meter", 1024, served)
            return await main(await Caller(network).enter(), meter, network)

        return run(whole())

    return go


def test_a_query_byte_by_byte(scene) -> None:
    async def main(caller, meter, network) -> None:
        wire = network.open(("meter", 1024))
        head = "00000007 00000000 00000002 000607af 00000001 {} 0000000000000000 0000000000000000"
        done = "80000000 00000007 00000001 00000000 0000000000000000 00000000"

        async def exchange(call: str, answer: str) -> None:
            sent = bytes.fromhex(call)
            wire.write(record(sent))
            expected = bytes.fromhex(answer)
            expected = words(len(expected) - 4 | 0x80000000) + expected[4:]
            assert await wire.exactly(len(expected)) == expected

        await exchange(
            head.format("0000000a") + "12345678 00000000 00002710 00000005 696e737430000000",
            done + "00000000 00000002 00000000 00100000",
        )
        await exchange(
            head.format("0000000b")
            + "00000002 000007d0 00002710 00000008 00000006 2a49444e3f0a0000",
            done + "00000000 00000006",
        )
        await exchange(
            head.format("0000000c") + "00000002 00000400 000007d0 00002710 00000000 00000000",
            done + "00000000 00000004 00000012" + b"MAKER,METER,7,1.0\n".hex() + "0000",
        )
        await exchange(head.format("00000017") + "00000002", done + "00000000")

    scene(main)


def test_reads_end_at_a_count_a_character_or_the_end(scene) -> None:
    async def main(caller, meter, network) -> None:
        await caller.write(b"*IDN?", flags=0)
        await caller.write(b"\n", flags=0)  # the terminator ends it without END
        assert await caller.read(2) == (0, 1, b"MA")
        assert await caller.read(100, flags=CHARACTER, stop=ord(",")) == (0, 2, b"KER,")
        assert await caller.read(6, flags=CHARACTER, stop=ord(",")) == (0, 3, b"METER,")
        assert await caller.read(6) == (0, 5, b"7,1.0\n")
        assert await caller.ask(b"SYST:ERR?") == b'0,"No error"\n'

    scene(main)


def test_a_read_waits_for_a_slow_answer_and_not_longer_than_told(scene) -> None:
    async def main(caller, meter, network) -> None:
        loop = asyncio.get_running_loop()
        await caller.write(b"AFT? 3")
        assert await caller.read(timeout=2000) == (15, 0, b"")
        assert loop.time() == 2.0
        assert await caller.read(timeout=2000) == (0, 4, b"late\n")
        assert loop.time() == 3.0
        # Nothing is asked: unterminated.
        assert await caller.read(timeout=1000) == (15, 0, b"")
        assert loop.time() == 4.0
        assert await caller.ask(b"SYST:ERR?") == b'-420,"Query UNTERMINATED"\n'
        assert await caller.ask(b"SYST:ERR?") == b'0,"No error"\n'

    scene(main)


def test_a_message_before_the_answer_is_read_discards_it(scene) -> None:
    async def main(caller, meter, network) -> None:
        await caller.write(b"*IDN?")
        assert await caller.ask(b"SYST:ERR?") == b'-410,"Query INTERRUPTED"\n'
        await caller.write(b"AFT? 3")
        await caller.write(b"SYST:ERR?")
        assert await caller.read(timeout=5000) == (0, 4, b'-410,"Query INTERRUPTED"\n')
        await caller.write(b"AFT? 3")
        await caller.write(b"SYST:", flags=0)
        await asyncio.sleep(4.0)
        assert await caller.ask(b"ERR?") == b'-410,"Query INTERRUPTED"\n'

    scene(main)


def test_status_trigger_and_clear(scene) -> None:
    async def main(caller, meter, network) -> None:
        assert await caller.generic(STATUS) == (0, 0)
        await caller.write(b"*SRE 32;*ESE 32;*IDN?")
        assert await caller.generic(STATUS) == (0, 16)
        assert await caller.generic(CLEAR) == (0,)
        assert await caller.generic(STATUS) == (0, 0)
        await caller.write(b"NONSENSE")
        assert await caller.generic(STATUS) == (0, 0x64)
        assert await caller.generic(STATUS) == (0, 0x24)
        assert await caller.ask(b"SYST:ERR?") == b'-113,"Undefined header"\n'
        assert await caller.generic(TRIGGER) == (0,)
        await caller.write(b"SHO", flags=0)
        await caller.generic(CLEAR)
        assert await caller.ask(b"SHOT?") == b"1\n"
        await caller.write(b"AFT? 3")
        await caller.generic(CLEAR)
        assert meter.sessions[-1].pending == 0
        assert await caller.generic(16) == (0,)
        assert await caller.generic(17) == (0,)

    scene(main)


def test_what_is_not_offered_or_not_there(scene) -> None:
    async def main(caller, meter, network) -> None:
        assert await caller.call(CREATE, words(1, 0, 0) + opaque(b"gpib0,5")) == (3, 0, 0, 0)
        assert await caller.call(20, words(caller.link, 1) + opaque(b"")) == (8,)
        assert (await caller.call(22, words(caller.link) + bytes(28)))[0] == 8
        assert await caller.call(25, bytes(20)) == (8,)
        assert await caller.call(26) == (6,)
        assert await caller.call(0) == ()
        mine, caller.link = caller.link, 99
        assert await caller.write(b"*IDN?") == (4, 0)
        assert await caller.read() == (4, 0, b"")
        assert await caller.generic(STATUS) == (4, 0)
        assert await caller.generic(TRIGGER) == (4,)
        assert await caller.call(LOCK, words(99, 0, 0)) == (4,)
        assert await caller.call(UNLOCK, words(99)) == (4,)
        assert await caller.call(DESTROY, words(99)) == (4,)
        assert await caller.call(DESTROY, words(mine)) == (0,)
        assert await caller.call(DESTROY, words(mine)) == (4,)

    scene(main)


def test_locks(scene) -> None:
    async def main(caller, meter, network) -> None:
        loop = asyncio.get_running_loop()
        other = await Caller(network).enter()
        assert await caller.call(LOCK, words(caller.link, 0, 0)) == (0,)
        assert await caller.call(LOCK, words(caller.link, 0, 0)) == (11,)
        assert await other.write(b"*IDN?") == (11, 0)
        assert await other.write(b"*IDN?", WAIT | END, 2000) == (11, 0)
        assert await other.read() == (11, 0, b"")
        assert loop.time() == 2.0
        assert await other.call(LOCK, words(other.link, 0, 3000)) == (11,)
        assert await other.call(LOCK, words(other.link, WAIT, 1000)) == (11,)
        assert loop.time() == 3.0
        third = Caller(network)
        assert await third.call(CREATE, words(1, 1, 500) + opaque(b"inst0")) == (11, 0, 0, 0)
        other.post(WRITE, words(other.link, 2000, 60_000, WAIT | END) + opaque(b"SHOT?"))
        await asyncio.sleep(1.0)
        assert await caller.call(UNLOCK, words(caller.link)) == (0,)
        assert await other.result() == words(0, 5)
        assert await other.read() == (0, 4, b"0\n")
        assert await caller.call(UNLOCK, words(caller.link)) == (12,)
        # A lock ends with its connection.
        await third.enter(locks=1)
        caller.post(LOCK, words(caller.link, WAIT, 60_000))
        third.wire.writer.close()
        assert await caller.result() == words(0)

    scene(main)


def test_a_client_that_goes_while_it_waits_for_a_lock_leaves_nothing_behind(scene) -> None:
    async def main(caller, meter, network) -> None:
        assert await caller.call(LOCK, words(caller.link, 0, 0)) == (0,)
        ghost = Caller(network)
        ghost.post(CREATE, words(1, 1, 60_000) + opaque(b"inst0"))
        await asyncio.sleep(0.1)
        ghost.wire.writer.close()
        await asyncio.sleep(0.1)
        assert await caller.call(UNLOCK, words(caller.link)) == (0,)
        assert await (await Caller(network).enter()).ask(b"SHOT?") == b"0\n"

    scene(main)


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


def test_links_are_counted_and_have_conversations_of_their_own(scene) -> None:
    async def main(caller, meter, network) -> None:
        first = caller.link
        await caller.write(b"*IDN?")
        for _ in range(63):
            await caller.enter()
        assert (await caller.call(CREATE, words(1, 0, 0) + opaque(b"INST0")))[0] == 9
        assert await caller.ask(b"SHOT?") == b"0\n"
        caller.link = first
        assert await caller.read() == (0, 4, b"MAKER,METER,7,1.0\n")

    scene(main)


def test_closing_ends_the_conversations(scene) -> None:
    async def main(caller, meter, network) -> None:
        await caller.write(b"AFT? 3")
        caller.post(READ, words(caller.link, 100, 60_000, 0, 0, 0))
        await asyncio.sleep(0.1)
        caller.wire.writer.close()
        await asyncio.sleep(0.1)
        assert meter.sessions[0].pending == 0
        await asyncio.sleep(100.0)

    scene(main)


def test_the_pace_of_the_link(scene) -> None:
    async def main(caller, meter, network) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await caller.generic(TRIGGER)
        assert loop.time() - began == pytest.approx(0.010 + (4 + 40 + 16 + 4 + 24 + 4) / 1000)

    scene(main, LinkTiming(0.010, 1000.0))


def test_faults_befall_answers(scene) -> None:
    faults = LinkFaults()

    async def main(caller, meter, network) -> None:
        loop = asyncio.get_running_loop()
        faults.silence()
        await caller.write(b"SHOT?")
        assert await caller.read() == (15, 0, b"")
        # It was answered, as far as the instrument knows: nothing was read in vain.
        assert await caller.ask(b"SYST:ERR?") == b'0,"No error"\n'
        faults.late(0.5)
        began = loop.time()
        assert await caller.ask(b"SHOT?") == b"0\n"
        assert loop.time() - began == 0.5
        faults.split(2, 0.25)
        assert await caller.ask(b"*IDN?") == b"MAKER,METER,7,1.0\n"
        assert loop.time() - began == 0.75
        faults.truncate(3)
        assert await caller.ask(b"*IDN?") == b"MAK"
        faults.duplicate()
        assert await caller.ask(b"SHOT?") == b"0\n"
        assert await caller.read() == (0, 4, b"0\n")
        faults.late(0.5)
        await caller.write(b"*IDN?")
        assert (await caller.generic(CLEAR)) == (0,)
        await asyncio.sleep(1.0)
        assert await caller.ask(b"SHOT?") == b"0\n"
        faults.drop()
        caller.post(WRITE, words(caller.link, 0, 0, END) + opaque(b"SHOT?"))
        assert await asyncio.wait_for(caller.wire.reader.read(), 1.0) == b""

    scene(main, faults=faults)


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
