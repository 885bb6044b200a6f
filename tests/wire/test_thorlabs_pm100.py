"""The power meter's driver against the simulated meter, in memory and over HiSLIP."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from drivers.errors import InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.roles import PowerMonitor
from drivers.thorlabs_pm100 import (
    POWER_DELTA,
    POWER_RANGE,
    TEMPERATURE,
    WAVELENGTH,
    ThorlabsPm100,
)
from drivers.transport.link import LinkTimeout
from sim_backends.thorlabs_pm100 import ThorlabsPm100 as SimulatedMeter
from sim_backends.thorlabs_pm100.alone import SteadyLight
from tests.wire.conftest import Wire

LINK = LinkModel(latency=1e-3, bytes_per_second=1e6)


def maker(power: float = 1e-3, **options: Any):
    return lambda now: SimulatedMeter(now, light=SteadyLight(power, 1550e-9), **options)


def driver(reached, **options: Any) -> ThorlabsPm100:
    return ThorlabsPm100("meter", reached.resource, reached.connector, link=LINK, **options)


def test_all_that_the_driver_can_send_is_known(wire) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, expect={"model": "PM100D"}) as meter:
            before = await meter.read_settings()
            assert not any(isinstance(value, dict) for value in before.values()), before
            for quantity in meter.quantities:
                if quantity.writable:
                    await meter.set(quantity, before[quantity.name])
            assert await meter.read_settings() == before
            for quantity in meter.quantities:
                if quantity.measured:
                    await meter.get(quantity)
            assert before["wavelength"] == pytest.approx(1550e-9)
            sensor = await meter.sensor()
            assert (sensor.name, sensor.flags) == ("S155C", 289)
            assert sensor.measures_power
            assert sensor.has_wavelength
            assert sensor.has_temperature
            await meter.off()

    wire.run(maker(), scenario, door="message")


def test_power_in_either_unit_and_over_the_range(wire) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached) as meter:
            assert await meter.read_power() == pytest.approx(1e-3, rel=1e-3)
            await meter.tell("SENS:POW:UNIT DBM")
            assert await meter.read_power() == pytest.approx(1e-3, rel=1e-3)
            device.light.power = 0.0
            await meter.tell("SENS:CORR:COLL:ZERO:INIT;*WAI", wait=5.0)
            await meter.tell("SENS:POW:UNIT W")
            assert abs(await meter.read_power()) < 1e-9
            device.light.power = 1e-3
            await meter.set_range(1e-4)
            assert await meter.get(POWER_RANGE) == pytest.approx(2e-4)
            with pytest.raises(InstrumentError, match="above the range"):
                await meter.read_power()
            await meter.set_range(None)
            assert await meter.read_power() == pytest.approx(1e-3, rel=1e-3)

    wire.run(maker(), scenario, door="message")


def test_a_reading_that_is_a_difference_is_refused_until_it_is_none(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as meter:
            await meter.tell("SENS:POW:REF 0.4mW;REF:STAT 1")
            with pytest.raises(InstrumentError, match="set power_delta off"):
                await meter.read_power()
            # What the console would have told is no power:
            assert float(await meter.ask_text("MEAS:POW?")) == pytest.approx(6e-4, rel=1e-2)
            await meter.set(POWER_DELTA, value=False)
            assert await meter.read_power() == pytest.approx(1e-3, rel=1e-3)

    memory.run(maker(), scenario, door="message")


def test_a_long_average_is_waited_for(memory) -> None:
    async def scenario(reached) -> None:
        loop = asyncio.get_running_loop()
        async with driver(reached) as meter:
            await meter.set_averages(10000)
            began = loop.time()
            assert await meter.read_power() == pytest.approx(1e-3, rel=1e-4)
            assert loop.time() - began == pytest.approx(30.0, abs=0.1)
            reached.faults.silence(1)
            with pytest.raises(LinkTimeout):
                await meter.read_power()

    memory.run(maker(), scenario, door="message")


def test_the_zero_is_taken_in_the_dark_or_it_is_said(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached) as meter:
            device.light.power = 0.0
            assert await meter.zero() == pytest.approx(2e-10, rel=0.2)
            assert abs(await meter.read_power()) < 1e-9
            device.light.power = 1e-6
            with pytest.raises(InstrumentError, match="darken the sensor"):
                await meter.zero()
            with pytest.raises(InstrumentError, match="longer than 1 s"):
                await meter.zero(timeout=1.0)
            assert not device.measuring.zeroing

    memory.run(maker(), scenario, door="message")


def test_wavelengths_are_the_sensors(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached) as meter:
            assert await meter.wavelength_range() == pytest.approx((800e-9, 1700e-9))
            await meter.set_wavelength(1310e-9)
            with pytest.raises(LimitError, match=r"8e-07 to 1\.7e-06 m"):
                await meter.set_wavelength(700e-9)
            sent = meter.exchanges
            for wrong in (float("nan"), 1.0):
                with pytest.raises(LimitError):
                    await meter.set_wavelength(wrong)
            assert meter.exchanges == sent
            device.plug("S130C")
            await meter.set_wavelength(700e-9)
            device.plug(None)
            with pytest.raises(InstrumentError, match="plug a sensor in"):
                await meter.sensor()
            with pytest.raises(LinkTimeout):  # a refused query is silent; see below
                await meter.read_power()

    memory.run(maker(), scenario, door="message")


def test_a_refused_query_is_silent_until_the_link_is_cleared_and_then_says_why() -> None:
    async def scenario(reached) -> None:
        async with driver(reached, timeout=0.2) as meter:
            with pytest.raises(InstrumentError, match="-241"):
                await meter.get(TEMPERATURE)
            assert await meter.read_power() == pytest.approx(1e-3, rel=1e-3)

    Wire("true").run(maker(sensor="S154C"), scenario, door="message")


def test_quoted_names_of_a_newer_console(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as meter:
            assert (await meter.sensor()).serial == "1207041"

    memory.run(maker(quotes=True), scenario, door="message")


def test_as_the_meter_of_a_tap(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as meter:
            assert isinstance(meter, PowerMonitor)
            assert meter.inputs == 1
            await meter.set_range(1e-6)
            await meter.watch(1, 1540e-9)
            assert await meter.get(WAVELENGTH) == pytest.approx(1540e-9)
            assert await meter.read_input(1) == pytest.approx(1e-3, rel=0.02)
            sent = meter.exchanges
            for refused in (meter.watch(2, 1540e-9), meter.read_input(0), meter.watch(1, math.inf)):
                with pytest.raises(LimitError):
                    await refused
            assert meter.exchanges == sent
            with pytest.raises(LimitError, match="sensor"):
                await meter.watch(1, 300e-9)
            assert await meter.get(WAVELENGTH) == pytest.approx(1540e-9)

    memory.run(maker(), scenario, door="message")
