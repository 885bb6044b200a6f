"""HiSLIP with several clients and with a link that fails."""

from __future__ import annotations

import asyncio

import pytest

from sim_backends.faults import LinkFaults
from sim_backends.host.hislip_packets import Packet
from tests.sim_backends.hislip_visitor import (
    DATA,
    DATA_END,
    FIRST,
    NEXT,
    THIRD,
    Visitor,
    packet,
    visit,
)


@pytest.fixture
def scene(run, network):
    """Runs `main(visitor, meter, network)` against a served meter in virtual time."""
    return lambda main, *options: run(visit(network, main, *options))


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

    scene(main, None, faults)


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

    scene(main, None, faults)
