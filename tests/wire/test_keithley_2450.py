"""The 2450 driver against the simulated one: TCP, a message-based link, languages, trouble."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import re

import numpy as np
import pytest

from drivers.errors import InstrumentError, LimitError
from drivers.keithley_2450 import FILTER_AMPERES, Keithley2450
from drivers.link_model import LinkModel
from drivers.transport.link import LinkError
from sim_backends import faults
from sim_backends.keithley_2450.instrument import Keithley2450 as Simulated
from tests.sim_backends.source_meter_client import WatchedHeater

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:pyvisa_py")
LINK = LinkModel(latency=1e-3, bytes_per_second=1e6)


def simulated(now, **options) -> Simulated:
    return Simulated(now, WatchedHeater(), seed=4, lead_ohms=1.0, **options)


def driver(reached, **options) -> Keithley2450:
    options = {"nplc": 0.1, "ramp_volts": 100.0, "four_wire": True, **options}
    return Keithley2450("smu", reached.resource, reached.connector, link=LINK, **options)


async def run_of_an_element(reached) -> None:
    heater = reached.device.unit.load
    async with driver(reached, expect={"model": "2450", "serial": "04488850"}) as smu:
        assert heater.seen == []  # opening touches nothing
        await smu.source_volts(20e-3)
        assert not reached.device.output
        await smu.on()
        await smu.set_level(3.0)
        found = await smu.measure()
        assert found.volts == pytest.approx(3.0, abs=3e-3)
        assert found.amperes == pytest.approx(heater.current(3.0), rel=1e-3)
        assert not found.limited
        table = await smu.sweep_volts(0.0, 4.0, 9)
        assert table.shape == (9, 2)
        assert table[:, 0] == pytest.approx(np.linspace(0, 4, 9), abs=4e-3)
        assert table[:, 1] == pytest.approx([heater.current(v) for v in table[:, 0]], abs=1e-5)
        assert reached.device.output
        assert heater.seen[-1] == pytest.approx(3.0, abs=3e-3)
        assert (await smu.measure()).volts == pytest.approx(found.volts, abs=1e-3)
        await smu.set(smu.limit_amperes, 1e-3)
        assert (await smu.measure()).limited
        await smu.source_amperes(2.0)
        await smu.on()
        await smu.set_level(1e-3)
        found = await smu.measure()
        assert (found.amperes, found.limited) == (pytest.approx(1e-3, rel=1e-3), False)
        assert found.volts == pytest.approx(0.8, rel=1e-2)
        assert max(heater.seen) < 4.1
        await smu.off()
        assert heater.seen[-1] == 0.0
        settings = await smu.read_settings()
        assert (settings["output"], settings["level_volts"]) == (False, 0.0)
        assert settings["measured_function"] == "VOLT:DC"
        assert not any(isinstance(value, dict) for value in settings.values())
    assert reached.device.errors.pop()[0] == 0


def test_an_element_and_its_curve(wire) -> None:
    wire.run(simulated, run_of_an_element, door="tcp")


def test_an_element_over_a_message_based_link() -> None:
    pytest.importorskip("pyvisa_py", reason="the package pyvisa-py is not installed")
    from tests.wire.conftest import Wire

    Wire("true").run(simulated, run_of_an_element, door="message")


def test_all_that_can_be_set_is_known(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as smu:
            before = await smu.read_settings()
            for quantity in smu.quantities:
                if not quantity.writable or re.search("limit|level", quantity.name):
                    continue
                await smu.set(quantity, before[quantity.name])
                ends = (quantity.low, quantity.high) if quantity.kind in (float, int) else ()
                for end in (*ends, *quantity.choices):
                    await smu.set(quantity, quantity.kind(end))
                    assert await smu.get(quantity) == pytest.approx(end)
            for limit, level, small in (
                (smu.limit_amperes, smu.volts, 0.105), (smu.limit_volts, smu.amperes, 21.0),
            ):  # fmt: skip
                await smu.set(limit, limit.low)
                await smu.set(limit, small)
                for end in (level.low, level.high, 0.0):
                    await smu.set(level, end)
                await smu.set(limit, limit.high)

    memory.run(simulated, scenario, door="tcp")


def test_a_filtered_reading_takes_its_time_and_is_waited_for(memory) -> None:
    async def scenario(reached) -> None:
        loop = asyncio.get_running_loop()
        async with driver(reached, nplc=10.0) as smu:
            await smu.source_volts(20e-3)
            await smu.on()
            await smu.set_level(1.0)
            took = []
            for on in (False, True):
                await smu.set(FILTER_AMPERES, on)
                began = loop.time()
                assert (await smu.measure()).volts == pytest.approx(1.0, abs=1e-3)
                took.append(loop.time() - began)
            assert took[1] == pytest.approx(10.0 * took[0], rel=0.1)  # ten readings are averaged
            await smu.off()

    memory.run(simulated, scenario, door="tcp")


def test_only_scpi_is_spoken_to(memory) -> None:
    async def scenario(reached) -> None:
        with pytest.raises(InstrumentError, match=r"SCPI2400.*\*LANG SCPI"):
            await driver(reached).open()
        assert reached.device.unit.load.seen == []

    memory.run(lambda now: simulated(now, language="SCPI2400"), scenario, door="tcp")


def test_nothing_beyond_the_limits_reaches_the_instrument(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, max_volts=60.0) as smu:
            for call in (smu.on(), smu.set_level(1.0), smu.measure(), smu.sweep_volts(0, 1, 3)):
                with pytest.raises(InstrumentError, match="source_volts"):
                    await call
            await smu.source_volts(0.2)
            with pytest.raises(InstrumentError, match=r"call on\(\)"):
                await smu.measure()
            await smu.on()
            exchanges = smu.exchanges
            for level in (math.nan, math.inf, -211.0, 61.0, 21.5):
                with pytest.raises(LimitError):
                    await smu.set_level(level)
                with pytest.raises(LimitError):
                    await smu.sweep_volts(0.0, level, 5)
            for points, delay in ((1, 0.0), (100_001, 0.0), (5, 1e-5), (5, math.nan), (5, -1.0)):
                with pytest.raises(LimitError, match=r"points|delay"):
                    await smu.sweep_volts(0.0, 1.0, points, delay)
            assert smu.exchanges == exchanges
            await smu.off()
            assert reached.device.errors.pop()[0] == 0

    memory.run(simulated, scenario, door="tcp")


def test_a_lost_connection_leaves_the_source_as_it_is(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, timeout=0.5) as smu:
            await smu.source_volts(0.02)
            await smu.on()
            await smu.set_level(2.0)
            reached.faults.order(faults.drop())
            with pytest.raises(LinkError):
                await smu.measure()
            assert (await smu.measure()).volts == pytest.approx(2.0, abs=2e-3)
            # another hand at the panel meanwhile
            reached.device.settings["source"] = "CURR"
            reached.faults.order(faults.drop())
            with pytest.raises(LinkError):
                await smu.measure()
            with pytest.raises(InstrumentError, match="changed meanwhile"):
                await smu.measure()
            await smu.off()
            assert not reached.device.output

    memory.run(simulated, scenario, door="tcp")


@pytest.mark.parametrize("seed", range(4))
def test_trouble_on_the_line_never_gives_a_wrong_reading(memory, seed: int) -> None:
    kinds = (
        faults.silence(), faults.late(0.7), faults.split(3, 0.01), faults.truncate(5),
        faults.duplicate(), faults.drop(),
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
                assert found.amperes == pytest.approx(2.474e-3, rel=3e-3)
        assert good > 10
        assert failed > 3
        assert max(map(abs, reached.device.unit.load.seen)) < 2.01

    memory.run(simulated, scenario, door="tcp")


def test_a_long_sweep_has_its_time(memory) -> None:
    async def scenario(reached) -> None:
        loop = asyncio.get_running_loop()
        async with driver(reached, nplc=10.0, timeout=0.3) as smu:
            await smu.source_volts(0.02)
            await smu.on()
            began = loop.time()
            assert (await smu.sweep_volts(-1.0, 1.0, 201, delay=0.5)).shape == (201, 2)
            assert loop.time() - began > 201 * 1.3
            await smu.off()

    memory.run(simulated, scenario, door="tcp")
