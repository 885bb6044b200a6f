"""The TEC-1091 driver against the simulated one: serial port and TCP, trouble, all it can send."""

from __future__ import annotations

import asyncio
import random

import pytest

from drivers.instrument import InstrumentError
from drivers.link_model import LinkModel
from drivers.meerstetter_tec1091 import QUANTITIES, MeerstetterTec1091, Status
from drivers.transport.link import LinkError, LinkTimeout
from sim_backends.meerstetter_tec1091 import Tec1091

WRITABLE = [quantity for quantity in QUANTITIES if quantity.writable]
LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)


def driver(reached, **options) -> MeerstetterTec1091:
    return MeerstetterTec1091("stage", reached.resource, reached.connector, link=LINK, **options)


@pytest.mark.parametrize("door", ["serial", "tcp"])
def test_all_that_the_driver_can_send_is_known(wire, door: str) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, address=2) as stage:
            assert stage.identity.model == "TEC-1091"
            before = await stage.read_settings()
            assert set(before) == {q.name for q in QUANTITIES if not q.measured}
            for quantity in QUANTITIES:
                assert isinstance(await stage.get(quantity), int | float)
            assert not any(isinstance(value, dict) for value in before.values())
            for quantity in WRITABLE:
                await stage.set(quantity, quantity.kind(before[quantity.name]))
            after = await stage.read_settings()
            assert {q.name: after[q.name] for q in WRITABLE} == pytest.approx(
                {q.name: before[q.name] for q in WRITABLE}
            )
            await stage.set_setpoint_celsius(30.25)
            assert await stage.read_setpoint_celsius() == 30.25
            await stage.on()
            assert await stage.status() is Status.RUN
            assert not await stage.stable()
            await stage.off()
            assert await stage.status() is Status.RUN
            await stage.off(stop=True)
            assert await stage.status() is Status.READY

    wire.run(Tec1091, scenario, door=door)


def test_ranges_are_the_devices_own(memory) -> None:
    """What the driver lets through the device takes, to the ends of each range."""

    async def scenario(reached) -> None:
        async with driver(reached, lowest_celsius=-273.0, highest_celsius=1000.0) as stage:
            for quantity in WRITABLE:
                for end in (quantity.low, quantity.high):
                    await stage.set(quantity, quantity.kind(end))

    memory.run(Tec1091, scenario, door="serial")


def test_it_regulates_becomes_stable_and_stays_so_when_the_bench_is_off(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as stage:
            await stage.set_setpoint_celsius(35.0)
            reached.device.stop_on_error(138)
            with pytest.raises(InstrumentError, match="above its error threshold"):
                await stage.on()
            await stage.reset()
            assert await stage.status() is Status.READY
            await stage.set_setpoint_celsius(35.0)
            await stage.on()
            with pytest.raises(LinkTimeout, match="not yet stable at 35"):
                await stage.wait_until_stable(5.0)
            await stage.wait_until_stable(300.0)
            amps, volts = await stage.read_output()
            assert amps < 0.0
            assert volts < 0.0
            await stage.off()
            await asyncio.sleep(3600.0)
            assert await stage.stable()
            assert await stage.read_temperature_celsius() == pytest.approx(35.0, abs=0.05)
            reached.device.stop_on_error(60)
            with pytest.raises(InstrumentError, match="too hot"):
                await stage.wait_until_stable(300.0)

    memory.run(Tec1091, scenario, door="serial")


def test_a_device_that_does_not_come_back(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as stage:
            reached.device.own_faults["refuse"]("2")()
            with pytest.raises(InstrumentError, match="busy"):
                await stage.reset()
            reached.device.own_faults["refuse"]("0")()
            loop = asyncio.get_running_loop()
            loop.call_later(1.5, reached.faults.silence, 1000)
            with pytest.raises(LinkTimeout, match="restart"):
                await stage.reset()
            assert loop.time() < 60.0

    memory.run(Tec1091, scenario, door="serial")


@pytest.mark.parametrize("seed", range(4))
def test_trouble_ends_in_a_right_value_or_a_typed_error(memory, seed: int) -> None:
    """The set point counts up with each step: a stale reply would show."""
    draw = random.Random(seed)

    async def scenario(reached) -> int:
        faults = reached.faults
        troubles = [
            faults.silence,
            faults.garbage,
            lambda: faults.garbage(b"!"),
            lambda: faults.late(3.0),
            lambda: faults.late(0.5),
            lambda: faults.split(5, 0.2),
            faults.duplicate,
            lambda: faults.truncate(draw.randrange(12)),
            lambda: faults.replace(bytes(draw.randrange(256) for _ in range(20))),
            faults.drop,
        ]
        loop = asyncio.get_running_loop()
        right = 0
        async with driver(reached) as stage:
            for step in range(100):
                celsius = 20.0 + step / 8
                draw.choice(troubles)()
                began = loop.time()
                written = False
                try:
                    await stage.set_setpoint_celsius(celsius)
                    written = True
                    assert await stage.read_setpoint_celsius() == celsius
                    right += 1
                except (InstrumentError, LinkError):
                    pass
                assert loop.time() - began < 9.0
                assert reached.device.settings[3000, 1] <= celsius
                if written:
                    assert reached.device.settings[3000, 1] == celsius
                faults.clear()
                if not stage._link.doubtful:
                    continue
                try:
                    await stage.status()
                except (InstrumentError, LinkError):
                    await stage.close()
                    await stage.open()
        return right

    assert memory.run(Tec1091, scenario, door="serial") > 20
