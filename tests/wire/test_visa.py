"""`VisaLink` through pyvisa-py against simulated message-based instruments on the loopback."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.transport.link import LinkClosed, LinkTimeout
from drivers.transport.visa import VisaLink, open_visa
from sim_backends.faults import Fate, LinkFaults
from sim_backends.host import hislip, vxi11
from sim_backends.host.session import LinkTiming
from sim_backends.host.tcp import port_of, serve_tcp
from tests.sim_backends.message_device import Meter

pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of pyvisa-py, about optional packages

HOSTS = {
    "hislip": (hislip.client_connected, "TCPIP::127.0.0.1::hislip0,{}::INSTR"),
    "vxi11": (vxi11.client_connected, "TCPIP::127.0.0.1,{}::inst0::INSTR"),
}


class Place:
    """A served meter, the link to it, and how to end the service."""

    def __init__(self, meter: Meter, faults: LinkFaults, link: VisaLink) -> None:
        self.meter = meter
        self.faults = faults
        self.link = link
        self.writers: list[asyncio.StreamWriter] = []

    async def ask(self, question: bytes, timeout: float = 5.0) -> bytes:
        await self.link.write(question + b"\n")
        return await self.link.read_until(b"\n", timeout)


@asynccontextmanager
async def linked(host: str, timing: LinkTiming | None = None) -> AsyncIterator[Place]:
    """A meter behind a message-based host, and a link to it."""
    client_connected, resource = HOSTS[host]
    meter, faults = Meter(), LinkFaults()
    connected = client_connected(meter.converse, timing or LinkTiming(), faults)
    writers: list[asyncio.StreamWriter] = []

    async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await connected(reader, writer)

    server = await serve_tcp("127.0.0.1", 0, kept)  # type: ignore[arg-type]
    link = await open_visa(resource.format(port_of(server)))
    place = Place(meter, faults, link)
    place.writers = writers
    try:
        yield place
    finally:
        await link.close()
        server.close()
        for _ in range(5):  # let the connections' tasks see it
            await asyncio.sleep(0)


@pytest.mark.parametrize("host", HOSTS)
async def test_queries_and_blocks(host) -> None:
    async with linked(host) as place:
        link = place.link
        assert await place.ask(b"*IDN?") == b"MAKER,METER,7,1.0\n"
        block = bytes(range(256)) * 4096
        await link.write(b"DATA #71048576" + block + b"\n")
        await link.write(b"DATA?\n")
        assert await link.read_exactly(9, 5.0) == b"#71048576"
        assert await link.read_exactly(len(block), 5.0) == block
        assert await link.read_until(b"\n", 5.0) == b"\n"
        await link.write(b"AFT? 0.1\n")
        assert await link.read_until(b"\n", 5.0) == b"late\n"
        assert await place.ask(b"SYST:ERR?") == b'0,"No error"\n'


@pytest.mark.parametrize("host", HOSTS)
async def test_an_indefinite_block_ends_with_its_message(host) -> None:
    async with linked(host) as place:
        block = b"one\n*IDN?;\n" + bytes(range(256)) * 40  # in one piece, and in several
        for data in (b"\n\n#15", block):
            await place.link.write(b"DATA #0" + data + b"\n")
            assert await place.ask(b"ECHO? 1") == b"1\n"
            assert place.meter.data == data
        assert await place.ask(b"SYST:ERR?") == b'0,"No error"\n'


@pytest.mark.parametrize("host", HOSTS)
async def test_a_late_answer_is_not_taken_for_the_next_one(host) -> None:
    async with linked(host) as place:
        for clears in (False, True, False, True):
            await place.link.write(b"AFT? 0.1\n")
            with pytest.raises(LinkTimeout):
                await place.link.read_until(b"\n", 0.02)
            await asyncio.wait_for(place.meter.answered.wait(), 5.0)  # the answer lies there
            place.meter.answered.clear()
            if clears:
                await place.link.clear()
            assert await place.ask(b"SHOT?") == b"0\n"
            error = await place.ask(b"SYST:ERR?")
            assert error.startswith(b"0," if clears else b"-410,")
        assert not place.link.closed


@pytest.mark.parametrize("host", HOSTS)
async def test_the_time_out_of_a_read_does_not_hurry_what_follows(host) -> None:
    async with linked(host, LinkTiming(0.02)) as place:
        with pytest.raises(LinkTimeout):
            await place.link.read_until(b"\n", 0.001)
        await place.link.clear()
        with pytest.raises(LinkTimeout):
            await place.link.read_until(b"\n", 0.001)
        block = bytes(1 << 21)
        await place.link.write(b"DATA #72097152" + block + b"\n")
        assert await place.ask(b"ECHO? 1") == b"1\n"
        assert place.meter.data == block


@pytest.mark.parametrize("host", HOSTS)
async def test_clear_passes_over_many_unread_answers_and_ends_what_is_awaited(host) -> None:
    async with linked(host) as place:
        for _ in range(5):
            await place.link.write(b"*IDN?\n")
        await place.link.write(b"*CLS;:AFT? 60\n")
        await place.link.clear()
        assert place.meter.sessions[-1].pending == 0
        assert await place.ask(b"SHOT?") == b"0\n"
        assert await place.ask(b"SYST:ERR?") == b'0,"No error"\n'


@pytest.mark.parametrize("host", HOSTS)
async def test_an_answer_that_is_cut_short_is_an_error_at_once(host) -> None:
    async with linked(host) as place:
        began = time.monotonic()
        place.faults.truncate(4)
        with pytest.raises(LinkTimeout, match="ended too soon"):
            await place.ask(b"*IDN?", 30.0)
        await place.link.clear()
        place.faults.truncate(100)
        place.meter.data = bytes(1000)
        await place.link.write(b"DATA?\n")
        assert await place.link.read_exactly(6, 30.0) == b"#41000"
        with pytest.raises(LinkTimeout, match="ended too soon"):
            await place.link.read_exactly(1000, 30.0)
        # What is left of it never answers the next question.
        assert await place.ask(b"SHOT?") == b"0\n"
        assert time.monotonic() - began < 10.0


@pytest.mark.parametrize("host", HOSTS)
async def test_a_pause_within_an_answer(host) -> None:
    async with linked(host) as place:
        place.faults.split(4, 0.1)
        assert await place.ask(b"*IDN?") == b"MAKER,METER,7,1.0\n"
        place.faults.split(4, 0.1)
        with pytest.raises(LinkTimeout):
            await place.ask(b"*IDN?", 0.05)
        if not place.link.closed:
            await place.link.clear()
            assert await place.ask(b"SHOT?") == b"0\n"


@pytest.mark.parametrize("host", HOSTS)
async def test_a_closed_peer_is_an_error_at_once(host) -> None:
    async with linked(host) as place:
        assert await place.ask(b"SHOT?") == b"0\n"
        began, busy = time.monotonic(), time.process_time()
        await place.link.write(b"AFT? 60\n")
        asyncio.get_running_loop().call_later(
            0.2, lambda: [writer.close() for writer in place.writers]
        )
        with pytest.raises(LinkClosed):
            await place.link.read_until(b"\n", 30.0)
        assert time.monotonic() - began < 5.0
        assert time.process_time() - busy < 2.0
        assert place.link.closed
        with pytest.raises(LinkClosed):
            await place.link.clear()
        with pytest.raises(LinkClosed):
            await place.ask(b"SHOT?")


@pytest.mark.parametrize("host", HOSTS)
async def test_a_link_that_drops_instead_of_an_answer(host) -> None:
    async with linked(host) as place:
        place.faults.drop()
        with pytest.raises(LinkClosed):
            await place.ask(b"*IDN?", 30.0)
        assert place.link.closed


@pytest.mark.parametrize("host", HOSTS)
async def test_every_fault_ends_in_the_right_answer_or_an_error(host) -> None:
    """An answer cut within a packet, or one of another question, would be a wrong value."""
    dice = random.Random(5)
    right = 0
    async with linked(host) as place:
        faults = place.faults
        for number in range(80):
            text = f"{number}:{'x' * dice.randrange(30)}".encode()
            at, pause = dice.randrange(1, len(text) + 1), dice.choice([0.0, 0.03, 0.08])
            provoke = dice.choice(
                [
                    lambda: None, faults.silence, faults.duplicate,
                    lambda pause=pause: faults.late(pause),
                    lambda at=at, pause=pause: faults.split(at, pause),
                    lambda at=at: faults.truncate(at),
                ]
            )  # fmt: skip
            provoke()
            try:
                assert await place.ask(b"ECHO? " + text, 0.05) == text + b"\n"
                right += 1
            except LinkTimeout:
                faults.clear()
                assert not place.link.closed
                if dice.random() < 0.5:
                    await place.link.clear()
        assert 20 < right < 75
        assert await place.ask(b"ECHO? end") == b"end\n"


async def test_a_timeout_within_a_long_message_gives_the_session_up() -> None:
    """pyvisa-py forgets what came of it: what follows would be read out of place."""
    async with linked("hislip") as place:
        place.meter.data = bytes(1 << 19)
        place.faults.order(lambda reply: _slow(place, reply))
        await place.link.write(b"DATA?\n")
        with pytest.raises(LinkTimeout):
            await place.link.read_exactly(1 << 19, 0.1)
        assert place.link.closed


def _slow(place: Place, reply: bytes) -> Fate:
    # The header and the first bytes leave now; the rest of the same packet never does.
    sync = place.writers[0]
    sync.write(b"HS\x07\x00\xff\xff\xff\x00" + len(reply).to_bytes(8, "big") + reply[:1000])
    return Fate()


async def test_the_end_of_a_raw_socket_session_is_an_error_at_once() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        link = await open_visa(f"TCPIP::127.0.0.1::{port_of(server)}::SOCKET")
        began = time.monotonic()
        await link.write(b"*IDN?\n")
        with pytest.raises(LinkClosed):
            await link.read_until(b"\n", 30.0)
        assert time.monotonic() - began < 5.0
        await link.close()
