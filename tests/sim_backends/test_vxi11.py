"""The VXI-11 server, byte by byte (VXI-11 revision 1.0, appendix B; RFC 5531)."""

from __future__ import annotations

import asyncio

import pytest

from sim_backends.faults import LinkFaults
from sim_backends.host.session import LinkTiming
from tests.sim_backends.vxi11_caller import (
    CHARACTER,
    CLEAR,
    CREATE,
    DESTROY,
    END,
    LOCK,
    READ,
    STATUS,
    TRIGGER,
    UNLOCK,
    WAIT,
    WRITE,
    Caller,
    opaque,
    record,
    visit,
    words,
)


@pytest.fixture
def scene(run, network):
    """Runs `main(caller, meter, network)` against a served meter in virtual time."""
    return lambda main, *options: run(visit(network, main, *options))


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

    scene(main, None, faults)
