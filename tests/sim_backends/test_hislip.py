"""The HiSLIP server, byte by byte (IVI-6.1; the header vectors were written by hand from it)."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.faults import LinkFaults
from sim_backends.host.hislip import Channel, HislipServer, client_connected
from sim_backends.host.hislip_packets import MAX_PAYLOAD, Fatal, Packet, PacketReader, packed
from sim_backends.host.session import LinkTiming
from sim_backends.virtual_time import VirtualTimeLoop
from tests.sim_backends.message_device import Meter

FIRST, NEXT, THIRD = 0xFFFFFF00, 0xFFFFFF02, 0xFFFFFF04
DATA, DATA_END, TRIGGER = 6, 7, 12


def packet(kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">2sBBIQ", b"HS", kind, control, parameter, len(payload)) + payload


class Visitor:
    """A client of two connections that knows what it sends and shows what comes."""

    def __init__(self, network: Any, key: Any = ("meter", 4880)) -> None:
        self.sync = network.open(key)
        self.aside = network.open(key)

    async def enter(self) -> Visitor:
        self.sync.write(bytes.fromhex("48530000010047540000000000000007") + b"hislip0")
        answer = await self.sync.exactly(16)
        assert answer[:6] == bytes.fromhex("485301000100")
        assert answer[8:] == bytes(8)
        session = answer[6:8]
        self.aside.write(bytes.fromhex("485311000000") + session + bytes(8))
        assert await self.aside.exactly(16) == bytes.fromhex("48531200") + b"\0\0xx" + bytes(8)
        return self

    def say(self, payload: bytes, number: int = FIRST, read: int = 0, kind: int = DATA_END) -> None:
        self.sync.write(packet(kind, read, number, payload))

    async def hear(self, aside: bool = False) -> Packet:
        client = self.aside if aside else self.sync
        head = await client.exactly(16)
        prologue, kind, control, parameter, length = struct.unpack(">2sBBIQ", head)
        assert prologue == b"HS"
        return Packet(kind, control, parameter, await client.exactly(length))

    async def ask(self, payload: bytes, number: int = FIRST, read: int = 0) -> bytes:
        self.say(payload, number, read)
        answer = await self.hear()
        assert (answer.kind, answer.control, answer.parameter) == (DATA_END, 0, number)
        return answer.payload

    async def poll(self, number: int, read: int = 0) -> int:
        self.aside.write(packet(21, read, number))
        answer = await self.hear(aside=True)
        assert (answer.kind, answer.parameter, answer.payload) == (22, 0, b"")
        return answer.control


Scene = Callable[..., Any]


@pytest.fixture
def scene(run, network) -> Scene:
    """Runs `main(visitor, meter, network)` against a served meter in virtual time."""

    def go(main: Callable[..., Any], timing: LinkTiming | None = None, **options: Any) -> Any:
        async def whole() -> Any:
            meter = Meter()
            served = client_connected(meter.converse, timing or LinkTiming(), **options)
            network.listen_tcp("meter", 4880, served)
            visitor = await Visitor(network).enter()
            return await main(visitor, meter, network)

        return run(whole())

    return go


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


def test_another_clients_exclusive_lock_keeps_messages_waiting(scene) -> None:
    async def main(visitor, meter, network) -> None:
        other = await Visitor(network).enter()
        visitor.aside.write(packet(4, 1, 0))
        assert await visitor.hear(aside=True) == Packet(5, 1)
        visitor.aside.write(packet(4, 1, 0))
        assert await visitor.hear(aside=True) == Packet(5, 3)  # it has it already
        other.aside.write(packet(4, 1, 2000))
        assert await other.hear(aside=True) == Packet(5, 0)
        assert asyncio.get_running_loop().time() == 2.0
        other.aside.write(packet(24))
        assert await other.hear(aside=True) == Packet(25, 1, 1)
        other.say(b"*IDN?")
        other.say(b"SHOT?", NEXT)
        assert await other.poll(FIRST) == 0
        assert await visitor.ask(b"*IDN?") == b"MAKER,METER,7,1.0\n"
        visitor.aside.write(packet(4, 0, FIRST))
        assert await visitor.hear(aside=True) == Packet(5, 1)
        assert (await other.hear()).parameter == FIRST
        assert (await other.hear()).payload == b"0\n"
        visitor.aside.write(packet(4, 0, FIRST))
        assert await visitor.hear(aside=True) == Packet(5, 3)
        # A client that goes leaves its lock behind, and who waits for it gets it.
        visitor.aside.write(packet(4, 1, 0))
        assert (await visitor.hear(aside=True)).control == 1
        other.aside.write(packet(4, 1, 60_000))
        await asyncio.sleep(1.0)
        visitor.sync.writer.close()
        assert await other.hear(aside=True) == Packet(5, 1)
        assert asyncio.get_running_loop().time() == 3.0

    scene(main)


def test_shared_locks_are_for_those_who_know_the_key(scene) -> None:
    async def main(visitor, meter, network) -> None:
        friend, stranger = [await Visitor(network).enter() for _ in range(2)]
        for client, key, expected in [
            (visitor, b"key", 1), (friend, b"key", 1), (stranger, b"other", 0),
            (stranger, b"", 0), (friend, b"key", 3), (friend, b"", 1), (visitor, b"", 0),
        ]:  # fmt: skip
            client.aside.write(packet(4, 1, 0, key))
            assert await client.hear(aside=True) == Packet(5, expected)
        stranger.aside.write(packet(24))
        assert await stranger.hear(aside=True) == Packet(25, 1, 2)
        for expected in (1, 2, 3):
            friend.aside.write(packet(4, 0, 0))
            assert await friend.hear(aside=True) == Packet(5, expected)
        stranger.say(b"*IDN?")
        await asyncio.sleep(1.0)
        assert await stranger.poll(FIRST) == 0
        visitor.aside.write(packet(4, 0, 0))
        assert await visitor.hear(aside=True) == Packet(5, 2)
        assert (await stranger.hear()).parameter == FIRST

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


HOSTILE = {
    "wrong prologue": (b"GET / HTTP/1.1\r\n", 1),
    "lower case": (b"hs" + bytes(14), 1),
    "giant length": (bytes.fromhex("4853070000000000ffffffffffffffff"), 1),
    "again Initialize": (packet(0, 0, 0x01000000, b"hislip0"), 3),
    "again AsyncInitialize": (packet(17, 0, 1), 3),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("aside", [False, True])
def test_what_cannot_be_mended_ends_both_connections(scene, name, aside) -> None:
    data, code = HOSTILE[name]

    async def main(visitor, meter, network) -> None:
        (visitor.aside if aside else visitor.sync).write(data)
        failure = await visitor.hear(aside)
        assert (failure.kind, failure.control, failure.parameter) == (2, code, 0)
        assert failure.payload
        for client in (visitor.sync, visitor.aside):
            assert await asyncio.wait_for(client.reader.read(), 1.0) == b""
        assert await (await Visitor(network).enter()).ask(b"*IDN?") == b"MAKER,METER,7,1.0\n"

    scene(main)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (packet(DATA_END, 0, FIRST, b"*IDN?"), 3),
        (packet(17, 0, 0x7777), 3),
        (packet(17, 0, 1), 3),  # the session there is has both its channels
        (packet(0, 0, 0x01000000, b"hislip1"), 3),
        (b"SSH-2.0-x\r\n", 1),
    ],
)
def test_a_connection_that_begins_wrongly_is_closed(scene, data, code) -> None:
    async def main(visitor, meter, network) -> None:
        stranger = network.open(("meter", 4880))
        stranger.write(data)
        head = await stranger.exactly(16)
        assert head[:4] == bytes([0x48, 0x53, 2, code])
        await stranger.exactly(int.from_bytes(head[8:], "big"))
        assert await asyncio.wait_for(stranger.reader.read(), 1.0) == b""
        assert await visitor.ask(b"*IDN?") == b"MAKER,METER,7,1.0\n"

    scene(main)


def test_messages_before_the_second_channel_are_refused(scene) -> None:
    async def main(visitor, meter, network) -> None:
        hasty = network.open(("meter", 4880))
        hasty.write(packet(0, 0, 0x01000000) + packet(DATA_END, 0, FIRST, b"*IDN?"))
        assert (await hasty.exactly(16))[2] == 1
        assert (await hasty.exactly(4))[2:] == bytes([2, 2])

    scene(main)


def test_clients_are_counted(scene) -> None:
    async def main(visitor, meter, network) -> None:
        others = [await Visitor(network).enter() for _ in range(63)]
        one_more = network.open(("meter", 4880))
        one_more.write(packet(0, 0, 0x01000000))
        assert (await one_more.exactly(4))[2:] == bytes([2, 4])
        others[0].sync.writer.close()
        await asyncio.sleep(0.1)
        await Visitor(network).enter()

    scene(main)


@pytest.mark.parametrize(
    ("aside", "data", "code"),
    [
        (False, packet(99), 1),
        (False, packet(21), 1),
        (True, packet(6, 0, FIRST, b"x"), 1),
        (False, packet(200, 1, 2, b"vendor"), 3),
        (True, packet(255), 3),
        (False, packet(8), 0),
        (True, packet(4, 2), 2),
        (True, packet(4, 1, 0, bytes(257)), 4),
        (False, packet(DATA_END, 0, FIRST, bytes(MAX_PAYLOAD + 1)), 4),
    ],
)
def test_one_message_may_be_refused(scene, aside, data, code) -> None:
    async def main(visitor, meter, network) -> None:
        (visitor.aside if aside else visitor.sync).write(data)
        refusal = await visitor.hear(aside)
        assert (refusal.kind, refusal.control, refusal.parameter) == (3, code, 0)
        assert await visitor.ask(b"SYST:ERR?") == b'0,"No error"\n'

    scene(main)


def test_a_size_of_wrong_form_ends_the_session(scene) -> None:
    async def main(visitor, meter, network) -> None:
        visitor.aside.write(packet(15, 0, 0, b"1"))
        assert (await visitor.hear(aside=True)).kind == 2

    scene(main)


def test_flooding_against_a_lock_ends_the_flood(scene) -> None:
    async def main(visitor, meter, network) -> None:
        other = await Visitor(network).enter()
        visitor.aside.write(packet(4, 1, 0))
        assert (await visitor.hear(aside=True)).control == 1
        for _ in range(9):
            other.say(bytes(MAX_PAYLOAD))
        assert (await other.hear()).kind == 2

    scene(main)


def test_the_client_may_end_with_a_fatal_error(scene) -> None:
    async def main(visitor, meter, network) -> None:
        visitor.sync.write(packet(2, 0, 0, b"I give up"))
        for client in (visitor.sync, visitor.aside):
            assert await asyncio.wait_for(client.reader.read(), 1.0) == b""

    scene(main)


def test_the_pace_of_the_link_holds_for_each_channel(scene) -> None:
    async def main(visitor, meter, network) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await visitor.ask(b"*IDN?\n") == b"MAKER,METER,7,1.0\n"
        assert loop.time() - began == pytest.approx(0.010 + (16 + 6 + 16 + 18) / 1000)

    scene(main, LinkTiming(0.010, 1000.0))


def test_faults_befall_answers(scene) -> None:
    faults = LinkFaults()

    async def main(visitor, meter, network) -> None:
        loop = asyncio.get_running_loop()
        faults.silence()
        faults.late(0.5)
        faults.split(2, 0.25)
        faults.truncate(3)
        faults.duplicate()
        visitor.say(b"SHOT?")
        assert await visitor.poll(FIRST) == 16  # as far as the instrument knows
        visitor.say(b"SHOT?", NEXT, 1)
        assert await visitor.poll(NEXT) == 16  # the status byte is not late
        assert loop.time() == 0.0
        assert await visitor.hear() == Packet(DATA_END, 0, NEXT, b"0\n")
        assert loop.time() == 0.5
        visitor.say(b"*IDN?", THIRD, 1)
        assert await visitor.hear() == Packet(DATA, 0, THIRD, b"MA")
        assert loop.time() == 0.5
        assert await visitor.hear() == Packet(DATA_END, 0, THIRD, b"KER,METER,7,1.0\n")
        assert loop.time() == 0.75
        assert await visitor.ask(b"*IDN?", 0, 1) == b"MAK"
        assert await visitor.ask(b"SHOT?", 2, 1) == b"0\n"
        assert await visitor.hear() == Packet(DATA_END, 0, 2, b"0\n")
        faults.drop()
        visitor.say(b"*IDN?", 4, 1)
        for client in (visitor.sync, visitor.aside):
            assert await asyncio.wait_for(client.reader.read(), 1.0) == b""

    scene(main, faults=faults)


def test_device_clear_stops_a_late_answer(scene) -> None:
    faults = LinkFaults()

    async def main(visitor, meter, network) -> None:
        faults.late(0.5)
        visitor.say(b"*IDN?")
        await asyncio.sleep(0.1)
        visitor.aside.write(packet(19))
        assert (await visitor.hear(aside=True)).kind == 23
        visitor.sync.write(packet(8))
        assert (await visitor.hear()).kind == 9
        assert await visitor.ask(b"SHOT?") == b"0\n"
        assert await visitor.sync.rest(2.0) == b""

    scene(main, faults=faults)


@given(
    st.lists(st.tuples(*[st.integers(0, 255)] * 2, st.integers(0, 0xFFFFFFFF), st.binary())),
    st.data(),
)
def test_packets_come_whole_however_they_are_cut(written, data) -> None:
    stream = b"".join(packed(*one) for one in written)
    reader = PacketReader()
    found: list[Packet] = []
    while stream:
        at = data.draw(st.integers(1, len(stream)))
        found += reader.feed(stream[:at])
        stream = stream[at:]
    assert found == [Packet(*one) for one in written]


def outcome(noise: bytes, step: int) -> tuple[list[Packet], int | None]:
    """What a reader makes of bytes that come `step` at a time: packets, and how it failed."""
    reader = PacketReader()
    found: list[Packet] = []
    try:
        for at in range(0, len(noise), step):
            found += reader.feed(noise[at : at + step])
    except Fatal as failure:
        return found, failure.code
    return found, None


@given(
    st.lists(st.one_of(st.binary(max_size=40), st.binary(max_size=14).map(lambda x: b"HS" + x))),
    st.integers(1, 20),
)
def test_any_bytes_give_packets_or_a_fatal_error(noises, step) -> None:
    noise = b"".join(noises)
    found, failure = outcome(noise, step)
    # However it is cut; and what was taken for packets was there, in order, without a gap.
    assert outcome(noise, len(noise) or 1) == (found, failure)
    assert failure in (None, Fatal.MALFORMED)
    if not any(one.too_large for one in found):
        whole = b"".join(packet(one.kind, one.control, one.parameter, one.payload) for one in found)
        assert noise.startswith(whole)
    if noise[:2] not in (b"", b"H", b"HS"):
        assert (found, failure) == ([], Fatal.MALFORMED)


PACKETS = st.tuples(
    st.booleans(),  # on the asynchronous channel
    st.one_of(st.integers(0, 26), st.sampled_from([6, 7, 12, 19, 8, 21, 4, 255])),
    st.integers(0, 3),
    st.one_of(st.sampled_from([FIRST, NEXT, 100]), st.integers(0, 0xFFFFFFFF)),
    st.sampled_from([b"", b"AFT? 1", b"*IDN?\n", b"SHOT?;", b"NONSENSE", b"*SRE 255", bytes(8)]),
)


@given(st.lists(PACKETS, max_size=12), st.lists(st.sampled_from([0.0, 0.5, 2.0]), max_size=12))
def test_any_packets_leave_the_server_alive(packets, pauses) -> None:
    """And what it sends is packets that a server may send, on the channel that they belong to."""
    sent: dict[str, list[bytes]] = {"sync": [], "async": [], "other": [], "aside": []}

    async def main() -> None:
        meter = Meter()
        server = HislipServer(meter.converse, LinkFaults())

        def channel(name: str, first: bytes) -> Channel:
            made = Channel(server)
            made._open(sent[name].append)
            made.receive(first)
            return made

        both = [channel("sync", packet(0, 0, 0x01000000)), channel("async", packet(17, 0, 1))]
        for at, (aside, *one) in enumerate(packets):
            both[aside].receive(packet(*one))
            await asyncio.sleep(pauses[at] if at < len(pauses) else 0.0)
        for one in both:
            one.close()
        other = channel("other", packet(0, 0, 0x01000000))
        number = int.from_bytes(sent["other"][0][6:8], "big")
        channel("aside", packet(17, 0, number))
        other.receive(packet(DATA_END, 0, FIRST, b"*IDN?"))
        assert sent["other"][-1].endswith(b"MAKER,METER,7,1.0\n")
        await asyncio.sleep(100.0)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        failures: list[Any] = []
        runner.get_loop().set_exception_handler(lambda loop, context: failures.append(context))
        runner.run(main())
    assert not failures
    for name, kinds in {"sync": {1, 2, 3, 6, 7, 9, 13}, "async": {18, 2, 3, 5, 11, 14, 16, 20, 22,
                        23, 25}}.items():  # fmt: skip
        found = list(PacketReader().feed(b"".join(sent[name])))
        assert {one.kind for one in found} <= kinds


def test_what_is_too_large_is_skipped_without_being_kept() -> None:
    reader = PacketReader()
    size = MAX_PAYLOAD + 5
    found = list(reader.feed(packed(6, 0, 1)[:8] + size.to_bytes(8, "big")))
    assert found == [Packet(6, 0, 1, too_large=True)]
    chunk = bytes(1 << 16)
    for _ in range(size // len(chunk)):
        assert list(reader.feed(chunk)) == []
        assert len(reader._buffer) == 0
    assert list(reader.feed(bytes(size % len(chunk)) + packed(7, 0, 2, b"x"))) == [
        Packet(7, 0, 2, b"x")
    ]
