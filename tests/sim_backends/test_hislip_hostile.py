"""What a HiSLIP server makes of clients that do not keep to the protocol."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_backends.faults import LinkFaults
from sim_backends.host.hislip import Channel, HislipServer
from sim_backends.host.hislip_packets import MAX_PAYLOAD, Fatal, Packet, PacketReader, packed
from sim_backends.virtual_time import VirtualTimeLoop
from tests.sim_backends.hislip_visitor import DATA_END, FIRST, NEXT, Visitor, packet, visit
from tests.sim_backends.message_device import Meter


@pytest.fixture
def scene(run, network):
    """Runs `main(visitor, meter, network)` against a served meter in virtual time."""
    return lambda main, *options: run(visit(network, main, *options))


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
