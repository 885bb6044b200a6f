"""The Keysight laser driver against the simulated one, over memory and TCP."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from drivers.errors import InstrumentError, LimitError, TriggerTimeout
from drivers.keysight_816x import QUANTITIES, Keysight816x, SweepState
from drivers.link_model import LinkModel
from drivers.roles import TunableSource
from drivers.transport.link import LinkTimeout
from drivers.wavelength_sweep import WavelengthSweep
from sim_backends.keysight_816x import Keysight816x as SimulatedLaser

LINK = LinkModel(latency=1e-3, bytes_per_second=1e6)


def maker(model: str = "8164B", **options: Any):
    return lambda now: SimulatedLaser(now, model, **options)


def driver(reached, **options: Any) -> Keysight816x:
    return Keysight816x("laser", reached.resource, reached.connector, link=LINK, **options)


@pytest.mark.parametrize(("model", "slot"), [("8164B", 0), ("8164B", 1), ("N7776C", 0)])
def test_all_that_the_driver_can_send_is_known(wire, model: str, slot: int) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, slot=slot) as laser:
            assert isinstance(laser, TunableSource)
            assert laser.identity is not None
            assert laser.identity.model == model
            await laser.unlock("1234")
            before = await laser.read_settings()
            values = {}
            for name, value in before.items():
                values[name] = value[str(slot)] if isinstance(value, dict) else value
                assert not isinstance(values[name], dict), (name, value)
            for quantity in QUANTITIES:
                if quantity.writable:
                    await laser.set(quantity, values[quantity.name])
                if quantity.measured:
                    await laser.get(quantity)
            assert await laser.read_settings() == before
            low, high = await laser.wavelength_range()
            assert (low, high) == pytest.approx((reached.device.kind.low, reached.device.kind.high))
            assert await laser.power_available(low, high) == pytest.approx(10e-3, rel=1e-2)
            await laser.lock("1234")
            assert reached.device.locked

    wire.run(maker(model, slot=slot), scenario, door="tcp")


def test_a_lock_is_noticed_and_said(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached) as laser:
            with pytest.raises(InstrumentError, match=r"the laser is locked.*unlock"):
                await laser.on()
            with pytest.raises(InstrumentError, match="the pin is wrong") as caught:
                await laser.unlock("9999")
            assert "9999" not in str(caught.value)
            await laser.unlock("1234")
            await laser.on()
            assert device.source.power == pytest.approx(1e-3, rel=1e-2)
            device.lock(True)
            assert not await laser.lit()
            assert await laser.read_power() == 0.0
            device.lock(False)
            device.protect(True)
            with pytest.raises(InstrumentError, match="remote interlock"):
                await laser.on()
        async with driver(reached, pin="1234") as laser:
            device.protect(False)
            device.lock(True)
            await laser.on()
            assert await laser.lit()

    memory.run(maker(), scenario, door="tcp")


@pytest.mark.parametrize("unit", ["DBM", "W"])
def test_power_and_wavelength_in_either_unit(memory, unit: str) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached, pin="1234") as laser:
            await laser.tell(f"SOUR0:POW:UNIT {unit}")
            await laser.set_wavelength(1550.1234e-9)
            assert await laser.read_wavelength() == pytest.approx(1550.1234e-9, abs=1e-14)
            await laser.set_power_dbm(6.0)
            assert await laser.read_power_dbm() == pytest.approx(6.0, abs=1e-3)
            await laser.on()
            assert await laser.read_power() == pytest.approx(10**0.6 * 1e-3, rel=1e-3)
            assert device.source.power == pytest.approx(10**0.6 * 1e-3, rel=1e-2)
            await laser.set_power(2e-3)
            await asyncio.sleep(2.0)
            assert device.source.power == pytest.approx(2e-3, rel=1e-2)
            assert device.in_watts is (unit == "W")
            # At the end of the range it has less than is asked for, and says so.
            await laser.set_wavelength(1505e-9)
            await laser.set_power_dbm(13.0)
            assert await laser.read_power_dbm() == pytest.approx(10.0, abs=0.1)

    memory.run(maker(), scenario, door="tcp")


def test_off_whatever_is_believed(memory) -> None:
    async def scenario(reached) -> None:
        source = reached.device.source
        async with driver(reached, pin="1234", timeout=0.5) as laser:
            await laser.on()
            await laser.sweep.set_up(WavelengthSweep(1540e-9, 1600e-9, 1e-9, 0.1e-9))
            await laser.sweep.start()
            await laser.off()
            assert source.power == 0.0
            assert await laser.sweep.state() is SweepState.STOPPED
            await laser.off()
            await laser.on()
            reached.faults.silence(2)
            with pytest.raises(LinkTimeout):
                await laser.off()
            await asyncio.sleep(1.0)
            assert source.power == 0.0
        async with driver(reached) as laser:
            source.drive(True)
            source.drive = lambda on: 0.0
            with pytest.raises(InstrumentError, match="it is still on"):
                await laser.off()

    memory.run(maker(), scenario, door="tcp")


@pytest.mark.parametrize(("begin", "door"), [("at once", "tcp"), ("software", "message")])
def test_a_sweep_with_its_log(wire, begin, door: str) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, pin="1234") as laser:
            await laser.on()
            assert (await laser.sweep.read_log()).size == 0
            sweep = WavelengthSweep(1550e-9, 1560e-9, 50e-9, 5e-12)
            assert await laser.sweep.set_up(sweep, begin, to_modules=True) == sweep.points == 2001
            await laser.sweep.start()
            if begin == "software":
                assert await laser.sweep.waiting()
                await laser.sweep.trigger()
            assert await laser.sweep.state() is SweepState.RUNNING
            await laser.sweep.finish()
            wavelengths = await laser.sweep.read_log()
            assert wavelengths == pytest.approx(np.linspace(1550e-9, 1560e-9, 2001), abs=1e-11)

    wire.run(maker(), scenario, door=door)


def test_sweeps_that_do_not_fit_wait_in_vain_or_are_dark(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, pin="1234") as laser:
            for fails, text in (
                (WavelengthSweep(1540e-9, 1600e-9, 1e-9, 1e-12), "triggerNum too large"),
                (WavelengthSweep(1540e-9, 1541e-9, 200e-9, 1e-12), "triggerFreq too large"),
            ):
                with pytest.raises(InstrumentError, match=text):
                    await laser.sweep.set_up(fails)
            with pytest.raises(ValueError, match="upwards"):
                await laser.sweep.set_up(WavelengthSweep(1560e-9, 1550e-9, 1e-9, 1e-10))
            await laser.sweep.set_up(WavelengthSweep(1550e-9, 1551e-9, 1e-9, 1e-10), "hardware")
            with pytest.raises(InstrumentError, match="a sweep needs light"):
                await laser.sweep.start()
            await laser.on()
            await laser.sweep.start()
            with pytest.raises(TriggerTimeout, match="has not ended within 5 s"):
                await laser.sweep.finish(timeout=5.0)
            reached.device.sweep.trigger_in()
            await laser.sweep.finish()
            assert (await laser.sweep.read_log()).size == 11
            with pytest.raises(InstrumentError, match="-211"):
                await laser.sweep.trigger()

    memory.run(maker(), scenario, door="tcp")


def test_what_is_out_of_reach_never_leaves(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as laser:
            sent = laser.exchanges
            for refused in (
                laser.set_power_dbm(16.0), laser.set_power(-1.0), laser.set_power(float("nan")),
                laser.set_wavelength(float("inf")),
            ):  # fmt: skip
                with pytest.raises(LimitError):
                    await refused
            assert laser.exchanges == sent
            for refused in (
                laser.set_wavelength(1640e-9),
                laser.sweep.set_up(WavelengthSweep(1500e-9, 1600e-9, 1e-9, 1e-10)),
            ):
                with pytest.raises(LimitError, match=r"1\.505e-06 to 1\.63e-06 m"):
                    await refused
            assert laser.exchanges == sent + 2

    memory.run(maker(), scenario, door="tcp")
