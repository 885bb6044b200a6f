"""The HiSLIP server, byte by byte (IVI-6.1; the header vectors were written by hand from it)."""

from __future__ import annotations

import asyncio

import pytest

from sim_backends.host.hislip_packets import MAX_PAYLOAD, Packet
from sim_backends.host.session import LinkTiming
from tests.sim_backends.hislip_visitor import (
    DATA,
    DATA_END,
    FIRST,
    NEXT,
    THIRD,
    TRIGGER,
    Visitor,
    packet,
    visit,
)


@pytest.fixture
def scene(run, network):
    """Runs `main(visitor, meter, network)` against a served meter in virtual time."""
    return lambda main, *options: run(visit(network, main, *options))


def test_handshake_and_a_query(scene) -> None:
    async def main(visitor, meter, network) -> None:
        visitor.sync.write(bytes.fromhex("48530700ffffff000000000000000006") + b"*IDN?\n")
        answer = await visitor.sync.exactly(16 + 18)
        assert answer == bytes.fromhex("48530700ffffff000000000000000012") + b"MAKER,METER,7,1.0\n"
        # END ends a message without its terminator, and the terminator one without END.
        assert await visitor.ask(b"*IDN?", NEXT, 1) == b"MAKER,METER,7,1.0\n"
        visitor.say(b"*IDN?\n", THIRD, 1, DATA)
        answer = await visitor.hear()
        assert (answer.kind, answer.parameter) == (DATA_END, THIRD)

    scene(main)


def test_the_sub_address_may_be_left_out_and_versions_are_the_lower_one(scene) -> None:
    async def main(visitor, meter, network) -> None:
        late = network.open(("meter", 4880))
        late.write(packet(0, 0, 0x02005454))
        answer = await late.exactly(16)
        assert answer[4:6] == b"\x01\x00"

    scene(main)


def test_a_message_in_pieces_is_one_message(scene) -> None:
    async def main(visitor, meter, network) -> None:
        data = bytes(range(256)) * 10
        whole = b"DATA #42560" + data + b"\n"
        for at in range(0, len(whole), 1000):
            last = at + 1000 >= len(whole)
            kind = DATA_END if last else DATA
            visitor.say(whole[at : at + 1000], FIRST + at // 500, 0, kind)
        assert await visitor.ask(b"DATA?", THIRD + 2) == b"#42560" + data + b"\n"

    scene(main)


def test_answers_keep_to_the_clients_largest_message(scene) -> None:
    async def main(visitor, meter, network) -> None:
        visitor.aside.write(packet(15, 0, 0, (516).to_bytes(8, "big")))
        answer = await visitor.hear(aside=True)
        assert answer == Packet(16, 0, 0, MAX_PAYLOAD.to_bytes(8, "big"))
        meter.data = bytes(1000)
        visitor.say(b"DATA?")
        parts = [await visitor.hear() for _ in range(3)]
        assert [part.kind for part in parts] == [DATA, DATA, DATA_END]
        assert {part.parameter for part in parts} == {FIRST}
        assert [len(part.payload) for part in parts] == [500, 500, 7]
        assert b"".join(part.payload for part in parts) == b"#41000" + bytes(1000) + b"\n"
        # As many bytes as fit leave no empty message behind.
        meter.data = bytes(500 - 7)
        assert len(await visitor.ask(b"DATA?", NEXT, 1)) == 499
        meter.data = bytes(500 - 6)
        assert len(await visitor.ask(b"DATA?", THIRD, 1)) == 500

    scene(main)


def test_the_status_byte_tells_of_an_answer_until_it_is_read(scene) -> None:
    async def main(visitor, meter, network) -> None:
        assert await visitor.poll(0xFFFFFEFE) == 0
        visitor.say(b"*IDN?")
        assert await visitor.poll(FIRST) == 16
        assert await visitor.poll(NEXT) == 16  # as pyvisa-py counts
        assert await visitor.poll(THIRD) == 0  # of a message that is still to come
        assert await visitor.poll(FIRST, read=1) == 0
        # The poll has said that it was read: the next message interrupts nothing.
        assert (await visitor.hear()).parameter == FIRST
        assert await visitor.ask(b"SYST:ERR?", NEXT) == b'0,"No error"\n'

    scene(main)


def test_a_message_before_the_answer_is_read_is_interrupted(scene) -> None:
    async def main(visitor, meter, network) -> None:
        visitor.say(b"*IDN?")
        visitor.say(b"SYST:ERR?", NEXT)
        assert (await visitor.hear()).parameter == FIRST  # which a client discards by its number
        answer = await visitor.hear()
        assert (answer.parameter, answer.payload) == (NEXT, b'-410,"Query INTERRUPTED"\n')
        assert await visitor.ask(b"SYST:ERR?", THIRD, read=1) == b'0,"No error"\n'
        # pyvisa-py still says that it has read an answer after a device clear: no error.
        assert await visitor.ask(b"SYST:ERR?", FIRST, read=1) == b'0,"No error"\n'

    scene(main)


@pytest.mark.parametrize("kind", [DATA, DATA_END])
def test_an_answer_that_comes_after_the_next_message_is_never_sent(scene, kind) -> None:
    async def main(visitor, meter, network) -> None:
        visitor.say(b"AFT? 3")
        visitor.say(b"SYST:", NEXT, 0, kind)
        assert await visitor.hear() == Packet(13, 0, NEXT)
        assert asyncio.get_running_loop().time() == 3.0
        assert await visitor.hear(aside=True) == Packet(14, 0, NEXT)
        if kind == DATA_END:
            visitor.say(b"SYST:", THIRD, 0, DATA)
        answer = await visitor.ask(b"ERR?;ERR?", THIRD + 2)
        assert answer.startswith(b'-410,"Query INTERRUPTED";')

    scene(main)


def test_a_slow_answer_bears_the_number_of_its_question(scene) -> None:
    async def main(visitor, meter, network) -> None:
        assert await visitor.ask(b"AFT? 3", NEXT) == b"late\n"
        assert asyncio.get_running_loop().time() == 3.0

    scene(main)


def test_device_clear_ends_what_is_awaited_and_drops_what_is_under_way(scene) -> None:
    async def main(visitor, meter, network) -> None:
        visitor.say(b"NONSENSE")
        visitor.say(b"AFT? 3", NEXT)
        visitor.say(b"SHOT", THIRD, 0, DATA)
        await asyncio.sleep(0.1)
        visitor.aside.write(bytes.fromhex("48531300000000000000000000000000"))
        assert await visitor.aside.exactly(16) == bytes.fromhex("48531700000000000000000000000000")
        visitor.say(b"*IDN?", THIRD + 2)  # discarded
        visitor.sync.write(packet(TRIGGER, 0, THIRD + 4))
        visitor.sync.write(bytes.fromhex("48530800000000000000000000000000"))
        assert await visitor.sync.exactly(16) == bytes.fromhex("48530900000000000000000000000000")
        assert await visitor.ask(b"SHOT?") == b"0\n"
        # Errors stay; and no answer of before turns up.
        assert await visitor.ask(b"SYST:ERR?", NEXT, 1) == b'-113,"Undefined header"\n'
        assert await visitor.sync.rest(10.0) == b""

    scene(main)


def test_trigger(scene) -> None:
    async def main(visitor, meter, network) -> None:
        visitor.sync.write(bytes.fromhex("48530c00ffffff000000000000000000"))
        visitor.sync.write(packet(TRIGGER, 0, NEXT))
        assert await visitor.ask(b"SHOT?", THIRD) == b"2\n"
        visitor.sync.write(packet(TRIGGER, 0, THIRD + 2))  # with an answer unread
        assert await visitor.ask(b"SYST:ERR?", THIRD + 4) == b'-410,"Query INTERRUPTED"\n'

    scene(main)


def test_service_is_requested_once_until_polled(scene) -> None:
    async def main(visitor, meter, network) -> None:
        visitor.say(b"*SRE 32;*ESE 32")
        visitor.say(b"NONSENSE", NEXT)
        assert await visitor.hear(aside=True) == Packet(20, 0x64)
        visitor.say(b"NONSENSE", THIRD)
        assert await visitor.poll(THIRD) == 0x64
        assert await visitor.poll(THIRD) == 0x24
        assert await visitor.ask(b"*ESR?", THIRD + 2) == b"32\n"
        visitor.say(b"NONSENSE", THIRD + 4, 1)
        assert await visitor.hear(aside=True) == Packet(20, 0x64)

    scene(main)


def test_service_is_requested_by_what_happens_between_messages(scene) -> None:
    async def main(visitor, meter, network) -> None:
        loop = asyncio.get_running_loop()
        visitor.say(b"*SRE 32;*ESE 1")
        await asyncio.sleep(1.0)
        meter.operations.begin_for(3.0)
        visitor.say(b"*OPC", NEXT)
        assert await visitor.hear(aside=True) == Packet(20, 0x60)
        assert loop.time() == 4.0
        assert await visitor.poll(NEXT) == 0x60
        # An answer that comes by itself, and another client's error.
        visitor.say(b"*CLS;*SRE 16;:AFT? 2", THIRD)
        assert await visitor.hear(aside=True) == Packet(20, 0x50)
        assert loop.time() == 6.0
        assert await visitor.poll(THIRD) == 0x50
        assert (await visitor.hear()).payload == b"late\n"
        assert await visitor.ask(b"*SRE 4;*SRE?", 0, 1) == b"4\n"
        other = await Visitor(network).enter()
        other.say(b"NONSENSE")
        assert (await visitor.hear(aside=True)).control & 0x44 == 0x44
        visitor.sync.writer.close()
        other.sync.writer.close()
        await asyncio.sleep(0.1)
        assert meter.status.watchers == []

    scene(main)


def test_remote_and_local(scene) -> None:
    async def main(visitor, meter, network) -> None:
        for mode in range(7):
            visitor.aside.write(packet(10, mode, FIRST))
            assert await visitor.hear(aside=True) == Packet(11)
        visitor.aside.write(packet(10, 7, FIRST))
        answer = await visitor.hear(aside=True)
        assert (answer.kind, answer.control) == (3, 2)

    scene(main)


def test_clients_do_not_hear_each_others_answers(scene) -> None:
    async def main(visitor, meter, network) -> None:
        other = await Visitor(network).enter()
        visitor.say(b"AFT? 3")
        assert await other.ask(b"*IDN?") == b"MAKER,METER,7,1.0\n"
        assert (await visitor.hear()).payload == b"late\n"

    scene(main)


def test_closing_ends_the_session(scene) -> None:
    async def main(visitor, meter, network) -> None:
        visitor.say(b"AFT? 3")
        visitor.sync.writer.close()
        assert await visitor.aside.rest(0.1) == b""
        assert meter.sessions[0].pending == 0

    scene(main)


def test_the_pace_of_the_link_holds_for_each_channel(scene) -> None:
    async def main(visitor, meter, network) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await visitor.ask(b"*IDN?\n") == b"MAKER,METER,7,1.0\n"
        assert loop.time() - began == pytest.approx(0.010 + (16 + 6 + 16 + 18) / 1000)

    scene(main, LinkTiming(0.010, 1000.0))
