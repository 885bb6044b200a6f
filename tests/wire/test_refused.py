"""A query that is refused on a message-based link: an error soon, and nothing else taken for one.

pyvisa-py against simulated instruments on the loopback. What is waited for is short; a time-out of
30 s says what would have been waited for without the status byte.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest

from drivers.errors import InstrumentError
from drivers.link_model import LinkModel
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport import visa_session
from drivers.transport.link import AnswerRefused, LinkError, LinkTimeout
from drivers.transport.real import RealConnector
from sim_backends.engine.session import ScpiSession
from sim_backends.faults import LinkFaults, duplicate, late, silence, split, truncate
from sim_backends.host.session import LinkTiming
from sim_backends.host.tcp import port_of, serve_tcp
from tests.sim_backends.message_device import Meter
from tests.wire.test_visa import HOSTS, linked

pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of pyvisa-py, about optional packages

LONG, SOON = 30.0, 10.0


class Driver(ScpiInstrument):
    """Of the meter: it tells queued errors in its status byte."""

    error_bit: ClassVar[int] = 4


class Misled(Driver):
    """Of the meter, with a bit that means something else: here, that an answer is there."""

    error_bit: ClassVar[int] = 128


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the status byte soon."""
    monkeypatch.setattr(visa_session, "FIRST_PATIENCE", 0.02)
    monkeypatch.setattr(visa_session, "CERTAINTY", 0.02)


@asynccontextmanager
async def driven(
    host: str, driver: type[Driver] = Driver, timeout: float = LONG
) -> AsyncIterator[tuple[Driver, Meter, LinkFaults]]:
    """A meter behind a message-based host, and its driver, opened."""
    client_connected, resource = HOSTS[host]
    meter, faults = Meter(), LinkFaults()
    server = await serve_tcp("127.0.0.1", 0, client_connected(meter.converse, LinkTiming(), faults))
    where = resource.format(port_of(server))
    link = LinkModel(0.0, 1e6)
    async with driver("meter", where, RealConnector(), link=link, timeout=timeout) as made:
        yield made, meter, faults
    server.close()
    for _ in range(5):  # let the connections' tasks see it
        await asyncio.sleep(0)


@pytest.mark.parametrize("host", HOSTS)
async def test_a_refused_query_is_an_error_soon(host: str) -> None:
    async with driven(host) as (driver, _, _):
        began = time.monotonic()
        with pytest.raises(InstrumentError, match=r"'NOTHING\?' was answered by '-113[^;]*'$"):
            await driver.ask("NOTHING?")
        with pytest.raises(InstrumentError, match=r"'AFT\? never' was answered by '-104[^;]*'$"):
            await driver.ask("AFT? never", wait=LONG)
        assert time.monotonic() - began < SOON
        assert await driver.ask("ECHO? 3") == [b"3"]


@pytest.mark.parametrize("host", HOSTS)
async def test_a_refused_block_is_an_error_soon(host: str) -> None:
    async with driven(host) as (driver, meter, _):
        began = time.monotonic()
        with pytest.raises(InstrumentError, match="-113"):
            await driver.ask("DATE?", received=1 << 20)  # read by its count
        assert time.monotonic() - began < SOON
        meter.data = bytes(range(256)) * 64
        assert await driver.ask("DATA?", received=1 << 20) == [meter.data]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("host", HOSTS)
async def test_a_slow_answer_comes(host: str) -> None:
    async with driven(host) as (driver, meter, faults):
        assert await driver.ask("AFT? 0.4") == [b"late"]
        faults.late(0.3)
        assert await driver.ask("ECHO? 4") == [b"4"]
        for at in (1, 5):
            faults.split(at, 0.3)  # it pauses for longer than the first look
            assert await driver.ask("ECHO? 12345") == [b"12345"]
        assert not meter.errors


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("host", HOSTS)
async def test_an_error_before_the_query_is_not_its_refusal(host: str) -> None:
    """What is queued when an instrument is opened is taken out before anything is asked."""
    client_connected, resource = HOSTS[host]
    meter = Meter()
    server = await serve_tcp("127.0.0.1", 0, client_connected(meter.converse, LinkTiming()))
    meter.error(-350)
    where = resource.format(port_of(server))
    async with Driver("meter", where, RealConnector(), link=LinkModel(0.0, 1e6)) as driver:
        assert await driver.ask("AFT? 0.3") == [b"late"]
    server.close()
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("host", HOSTS)
async def test_an_error_while_an_answer_is_awaited(host: str) -> None:
    """An exchange that leaves an error in the queue ends in it, whether its answer comes or not."""
    async with driven(host) as (driver, meter, _):
        loop = asyncio.get_running_loop()
        began = time.monotonic()
        loop.call_later(0.1, meter.error, -310)
        with pytest.raises(InstrumentError, match=r"'AFT\? 25' was answered by '-310"):
            await driver.ask("AFT? 25")
        assert time.monotonic() - began < SOON
        loop.call_later(0.01, meter.error, -310)
        with pytest.raises(InstrumentError, match=r"'AFT\? 0\.03' was answered by '-310"):
            await driver.ask("AFT? 0.03")
        assert await driver.ask("ECHO? 5") == [b"5"]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("host", HOSTS)
async def test_a_bit_that_means_something_else_misleads_once(host: str) -> None:
    async with driven(host, Misled) as (driver, meter, _):
        meter.status.operation.enable = 1
        meter.status.operation.set(1, True)
        with pytest.raises(LinkTimeout, match=r"status byte 1\d\d tells of an error"):
            await driver.ask("AFT? 25")
        assert await driver.ask("AFT? 0.3") == [b"late"]
        assert await driver.ask("ECHO? 6") == [b"6"]


@pytest.mark.parametrize("host", HOSTS)
async def test_without_such_a_bit_a_refusal_is_silent(host: str) -> None:
    async with linked(host) as place:
        await place.link.write(b"NOTHING?\n")
        with pytest.raises(LinkTimeout) as raised:
            await place.link.read_until(b"\n", 0.5)
        assert not isinstance(raised.value, AnswerRefused)


@pytest.mark.usefixtures("hasty")
async def test_a_service_request_is_not_taken_for_a_status_byte() -> None:
    """An instrument that another program told to ask for service (*SRE) sends one on its own."""
    async with driven("hislip") as (driver, meter, _):
        await driver.tell("*SRE 4")
        for _ in range(3):
            with pytest.raises(InstrumentError, match="-113"):
                await driver.ask("NOTHING?")
            assert await driver.ask("AFT? 0.1") == [b"late"]
        assert not meter.errors


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("host", HOSTS)
async def test_a_status_byte_that_cannot_be_had_changes_nothing(host: str, monkeypatch) -> None:
    polls: list[int] = []

    def broken(session: ScpiSession, message_available: bool = False) -> int:
        polls.append(1)
        raise ConnectionError("no status byte today")

    watches = {"hislip": "HislipWatch", "vxi11": "Vxi11Watch"}
    monkeypatch.setattr(f"drivers.transport.visa_watch.{watches[host]}.status", broken)
    async with driven(host, timeout=0.5) as (driver, _, _):
        assert await driver.ask("AFT? 0.2") == [b"late"]
        with pytest.raises(InstrumentError, match="-113"):
            await driver.ask("NOTHING?")
        assert len(polls) == 1


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("host", HOSTS)
async def test_a_storm_of_faults_and_refusals(host: str) -> None:
    dice = random.Random(8)
    troubles = [
        silence(), late(0.05), late(0.2), split(1, 0.05), split(2, 0.2), duplicate(), truncate(1),
    ]  # fmt: skip
    right = refused = interrupted = wrong = 0
    async with driven(host, timeout=0.1) as (driver, _, faults):
        for number in range(24):
            if dice.random() < 0.4:
                faults.order(dice.choice(troubles))
            try:
                if dice.random() < 0.3:
                    await driver.ask(f"NOTHING{number}?")
                    raise AssertionError("what is not there was answered")
                assert await driver.ask(f"ECHO? {number}") == [b"%d" % number]
                right += 1
            except InstrumentError as error:
                refused += "NOTHING" in error.command
                # On VXI-11 the second of two answers alike lies there unread.
                interrupted += "-410" in error.reply
            except LinkError:
                wrong += 1
                faults.clear()
                await driver.close()
                await driver.open()
    assert right + refused + interrupted + wrong == 24
    assert right > 6
    assert refused > 3
    assert wrong > 2
