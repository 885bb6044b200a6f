"""The 2400 driver against the simulated one: serial port, GPIB (as HiSLIP), trouble, limits."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import re

import numpy as np
import pytest

from drivers.errors import InstrumentError, LimitError
from drivers.keithley_2400 import Keithley2400
from drivers.link_model import LinkModel
from drivers.transport.link import LinkError, LinkTimeout
from sim_backends import faults
from sim_backends.keithley_2400.instrument import Keithley2400 as Simulated
from tests.sim_backends.source_meter_client import WatchedHeater

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:pyvisa_py")
LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)


def simulated(now) -> Simulated:
    return Simulated(now, WatchedHeater(), seed=4, lead_ohms=0.0)


def driver(reached, **options) -> Keithley2400:
    options = {"nplc": 0.1, "ramp_volts": 100.0, **options}
    return Keithley2400("smu", reached.resource, reached.connector, link=LINK, **options)


async def run_of_an_element(reached) -> None:
    heater = reached.device.unit.load
    async with driver(reached, expect={"model": "2400", "serial": "1234567"}) as smu:
        assert heater.seen == []  # opening touches nothing
        await smu.source_volts(20e-3)
        assert not reached.device.output
        await smu.on()
        await smu.set_level(3.0)
        steps = np.abs(np.diff([one for one in heater.seen if one]))
        assert steps.max() < 2.1  # 100 V/s in ticks of 20 ms
        found = await smu.measure()
        assert found.volts == pytest.approx(3.0, abs=3e-3)
        assert found.amperes == pytest.approx(heater.current(3.0), rel=1e-3)
        assert not found.limited
        table = await smu.sweep_volts(0.0, 4.0, 9)
        assert table.shape == (9, 2)
        assert table[:, 0] == pytest.approx(np.linspace(0, 4, 9), abs=4e-3)
        assert table[:, 1] == pytest.approx([heater.current(v) for v in table[:, 0]], abs=1e-5)
        assert heater.seen[-1] == pytest.approx(3.0, abs=3e-3)
        again = await smu.measure()
        assert again.volts == pytest.approx(found.volts, abs=1e-3)
        assert max(heater.seen) < 4.1
        await smu.off()
        assert heater.seen[-1] == 0.0
        settings = await smu.read_settings()
        assert (settings["output"], settings["level_volts"]) == (False, 0.0)
        assert not any(isinstance(value, dict) for value in settings.values())
    assert reached.device.errors.pop()[0] == 0


def test_an_element_and_its_curve(wire) -> None:
    wire.run(simulated, run_of_an_element, door="serial")


def test_an_element_over_a_message_based_link() -> None:
    pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")
    from tests.wire.conftest import Wire

    Wire("true").run(simulated, run_of_an_element, door="message")


def test_all_that_can_be_set_is_known(memory) -> None:
    """What the driver lets through the device takes, to the ends of each range."""

    async def scenario(reached) -> None:
        async with driver(reached) as smu:
            before = await smu.read_settings()
            for quantity in smu.quantities:
                if not quantity.writable or re.search(
                    "amperes_limit|volts_limit|level", quantity.name
                ):
                    continue
                await smu.set(quantity, before[quantity.name])
                ends = (quantity.low, quantity.high) if quantity.kind in (float, int) else ()
                for end in (*ends, *quantity.choices):
                    await smu.set(quantity, quantity.kind(end))
                    assert await smu.get(quantity) == pytest.approx(end)
            for limit, level, small in (
                (smu.limit_amperes, smu.volts, 0.105), (smu.limit_volts, smu.amperes, 21.0),
            ):  # fmt: skip
                await smu.set(smu.amperes, 0.0)
                await smu.set(limit, limit.low)
                await smu.set(limit, small)
                for end in (level.low, level.high, 0.0):
                    await smu.set(level, end)
                await smu.set(limit, limit.high)

    memory.run(simulated, scenario, door="serial")


def test_compliance_is_told(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as smu:
            await smu.source_volts(1e-3)
            await smu.on()
            await smu.set_level(5.0)
            found = await smu.measure()
            assert found.limited
            assert found.amperes == pytest.approx(1e-3, rel=2e-3)
            await smu.source_amperes(2.0)
            await smu.on()
            await smu.set_level(1e-3)
            found = await smu.measure()
            assert not found.limited
            assert found.amperes == pytest.approx(1e-3, rel=2e-3)
            await smu.set_level(10e-3)
            assert (await smu.measure()).limited
            assert max(reached.device.unit.load.seen) < 2.01
            await smu.off()

    memory.run(simulated, scenario, door="serial")


def test_nothing_beyond_the_limits_reaches_the_instrument(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, max_volts=60.0) as smu:
            await smu.source_volts(0.2)
            await smu.on()
            exchanges = smu.exchanges
            for level in (math.nan, math.inf, -211.0, 61.0, 21.5):
                with pytest.raises(LimitError):
                    await smu.set_level(level)
                with pytest.raises(LimitError):
                    await smu.sweep_volts(0.0, level, 5)
            for limit in (math.nan, 1.06, 0.0, -0.1):
                with pytest.raises(LimitError):
                    await smu.source_volts(limit)
            for points in (1, 2501):
                with pytest.raises(LimitError, match="points"):
                    await smu.sweep_volts(0.0, 1.0, points)
            assert smu.exchanges == exchanges
            # what the unit would refuse, or worse, is refused by the plain setters, too
            await smu.set(smu.limit_amperes, 0.1)
            await smu.set(smu.volts, 30.0)
            with pytest.raises(LimitError, match="amperes_limit"):
                await smu.set(smu.limit_amperes, 0.2)
            with pytest.raises(LimitError, match="bench"):
                await smu.set(smu.volts, 70.0)
            await smu.set(smu.volts, 0.0)
            await smu.set(smu.limit_amperes, 0.2)
            with pytest.raises(LimitError, match="level_volts"):
                await smu.set(smu.volts, 30.0)
            await smu.off()
            assert reached.device.errors.pop()[0] == 0

    memory.run(simulated, scenario, door="serial")


def test_order_of_calls(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as smu:
            for call in (smu.on(), smu.set_level(1.0), smu.measure(), smu.sweep_volts(0, 1, 3)):
                with pytest.raises(InstrumentError, match="source_volts"):
                    await call
            await smu.source_volts(0.01)
            with pytest.raises(InstrumentError, match="803"):
                await smu.measure()
            with pytest.raises(InstrumentError, match=r"call on\(\)"):
                await smu.sweep_volts(0, 1, 3)
            await smu.set(smu.function, "CURR")
            with pytest.raises(InstrumentError, match="source_volts"):
                await smu.measure()
            await smu.off()
            await smu.off()

    memory.run(simulated, scenario, door="serial")


def test_a_reading_may_take_as_long_as_it_must(memory) -> None:
    async def scenario(reached) -> None:
        loop = asyncio.get_running_loop()
        async with driver(reached, nplc=10.0, timeout=0.3) as smu:
            await smu.source_volts(0.02)
            await smu.on()
            await smu.set(smu.quantities[-1], 100)
            await smu.set(smu.quantities[-2], True)
            began = loop.time()
            await smu.measure()
            assert loop.time() - began > 79.0
            await smu.set(smu.quantities[-2], False)
            await smu.sweep_volts(0.0, 1.0, 100, delay=1.0)
            assert loop.time() - began > 250.0

    memory.run(simulated, scenario, door="serial")


def test_off_gets_through_to_one_that_waits_for_a_trigger(memory) -> None:
    """Someone left it waiting for a bus trigger: every query hangs, and the heater must go off."""

    async def scenario(reached) -> None:
        async with driver(reached, timeout=0.5) as smu:
            await smu.source_volts(0.02)
            await smu.on()
            await smu.set_level(2.0)
            reached.device.settings["arm source"] = "BUS"
            with pytest.raises(LinkTimeout):
                await smu.measure()
            await smu.off()
            assert not reached.device.output
            assert not reached.device.triggers.active
            # and then it is as it was
            await smu.on()
            await smu.set_level(1.0)
            assert (await smu.measure()).volts == pytest.approx(1.0, abs=2e-3)
            await smu.off()

    memory.run(simulated, scenario, door="serial")


def test_off_gets_through_on_a_message_based_link() -> None:
    pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")
    from tests.wire.conftest import Wire

    async def scenario(reached) -> None:
        async with driver(reached, timeout=0.2) as smu:
            await smu.source_volts(0.02)
            await smu.on()
            await smu.set_level(2.0)
            reached.device.settings["arm source"] = "BUS"
            with pytest.raises((LinkTimeout, InstrumentError)):
                await smu.measure()
            await smu.off()
            assert not reached.device.output
            assert reached.device.unit.load.seen[-1] == 0.0

    Wire("true").run(simulated, scenario, door="message")


def test_a_ramp_to_zero_that_is_cancelled_ends_with_the_output_off(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, ramp_volts=1.0) as smu:
            await smu.source_volts(0.02)
            await smu.on()
            await smu.set_level(0.5)
            going = asyncio.create_task(smu.off())
            await asyncio.sleep(0.1)
            assert reached.device.output
            going.cancel()
            with pytest.raises(asyncio.CancelledError):
                await going
            await asyncio.sleep(0.1)
            assert not reached.device.output
            assert reached.device.unit.load.seen[-1] == 0.0

    memory.run(simulated, scenario, door="serial")


def test_a_fixed_range_does_not_stand_in_the_way(memory) -> None:
    async def scenario(reached) -> None:
        for text in (":SENS:CURR:PROT 1", ":SENS:CURR:RANG 1", ":SOUR:VOLT:RANG 200"):
            reached.device.converse(lambda data: None).receive(text.encode() + b"\n")
        async with driver(reached) as smu:
            await smu.source_volts(1e-4)
            await smu.on()
            await smu.set_level(0.01)
            assert (await smu.measure()).amperes == pytest.approx(0.01 / 800, rel=0.05)
            await smu.off()

    memory.run(simulated, scenario, door="serial")


@pytest.mark.parametrize("seed", range(4))
def test_trouble_on_the_line_never_gives_a_wrong_reading(memory, seed: int) -> None:
    kinds = (
        faults.silence(), faults.late(0.7), faults.split(3, 0.01), faults.truncate(5),
        faults.duplicate(),
    )  # fmt: skip
    draw = random.Random(seed)

    async def scenario(reached) -> None:
        good = failed = 0
        async with driver(reached, timeout=0.5) as smu:
            await smu.source_volts(0.02)
            await smu.on()
            await smu.set_level(2.0)
            for _ in range(60):
                if draw.random() < 0.4:
                    reached.faults.order(draw.choice(kinds))
                try:
                    found = await smu.measure()
                except (LinkError, InstrumentError):
                    failed += 1
                    with contextlib.suppress(LinkError, InstrumentError):
                        await smu.open()  # a link that was given up has another chance
                    continue
                good += 1
                assert found.volts == pytest.approx(2.0, abs=3e-3)
                assert found.amperes == pytest.approx(
                    reached.device.unit.load.current(2.0), rel=2e-3
                )
        assert good > 10
        assert failed > 3
        assert max(map(abs, reached.device.unit.load.seen)) < 2.01

    memory.run(simulated, scenario, door="serial")
