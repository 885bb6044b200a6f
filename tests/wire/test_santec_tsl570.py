"""The TSL-570 driver against the simulated laser, in both command sets, over memory and TCP."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from drivers.errors import InstrumentError, LimitError, TriggerTimeout
from drivers.link_model import LinkModel
from drivers.roles import TunableSource
from drivers.santec_tsl570 import QUANTITIES, SantecTsl570, SweepState
from drivers.santec_tsl570.quantities import DIODE, POWER_DBM, SHUTTER_OPEN
from drivers.transport.link import LinkTimeout
from drivers.wavelength_sweep import WavelengthSweep
from sim_backends.santec_tsl570 import SantecTsl570 as SimulatedLaser

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)
SETS = {"Legacy": False, "SCPI": True}


def maker(**options: Any):
    return lambda now: SimulatedLaser(now, **options)


def driver(reached, **options: Any) -> SantecTsl570:
    return SantecTsl570("laser", reached.resource, reached.connector, link=LINK, **options)


@pytest.mark.parametrize("commands", SETS)
def test_all_that_the_driver_can_send_is_known(wire, commands: str) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, expect={"serial": "21020001"}) as laser:
            assert isinstance(laser, TunableSource)
            assert laser.command_set == commands
            assert reached.device.notation.scpi is SETS[commands]
            before = await laser.read_settings()
            assert not any(isinstance(value, dict) for value in before.values()), before
            assert before["command_set"] == commands
            assert before["wavelength"] == pytest.approx(1560e-9)
            for quantity in QUANTITIES:
                if quantity.writable:
                    await laser.set(quantity, before[quantity.name])
            for quantity in QUANTITIES:
                if quantity.measured:
                    await laser.get(quantity)
            assert await laser.read_settings() == pytest.approx(before)
            assert await laser.wavelength_range() == pytest.approx((1480e-9, 1640e-9))

    wire.run(maker(scpi=SETS[commands]), scenario, door="tcp")


@pytest.mark.parametrize("commands", SETS)
@pytest.mark.parametrize("milliwatts", [0, 1])
def test_power_and_wavelength_in_every_unit(memory, commands: str, milliwatts: int) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached) as laser:
            await laser.tell(f"POW:UNIT {milliwatts}")
            await laser.set_wavelength(1550.1234e-9)
            assert device.source.wavelength == pytest.approx(1550.1234e-9, abs=1e-11)
            assert await laser.read_wavelength() == pytest.approx(1550.1234e-9, abs=1e-14)
            await laser.set_power_dbm(4.5)
            assert await laser.read_power_dbm() == pytest.approx(4.5, abs=0.02)
            await laser.on()
            assert await laser.read_power() == pytest.approx(10**0.45 * 1e-3, rel=0.02)
            assert device.source.power == pytest.approx(10**0.45 * 1e-3, rel=0.01)
            await laser.set_power(2e-3)
            await asyncio.sleep(2.0)
            assert device.source.power == pytest.approx(2e-3, rel=0.01)

    memory.run(maker(scpi=SETS[commands]), scenario, door="tcp")


@pytest.mark.parametrize("linked", [False, True])
def test_on_and_off_whatever_the_shutter_is(memory, linked: bool) -> None:
    async def scenario(reached) -> None:
        source = reached.device.source
        async with driver(reached) as laser:
            assert not await laser.lit()
            await laser.on()
            assert await laser.lit()
            assert source.power == pytest.approx(1e-3, rel=1e-2)
            await laser.off()
            assert source.power == 0.0
            assert not source.diode
            assert await laser.read_power() == 0.0
            await laser.off()
            await laser.on()
            await laser.close_shutter()
            assert source.power == 0.0
            assert not await laser.lit()
            await laser.open_shutter()
            await asyncio.sleep(3.0)
            assert source.power == pytest.approx(1e-3, rel=1e-2)

    memory.run(maker(linked=linked), scenario, door="tcp")


def test_off_ends_a_sweep_and_is_dark_whatever_is_refused(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached) as laser:
            await laser.on()
            await laser.sweep.set_up(WavelengthSweep(1500e-9, 1600e-9, 1e-9, 1e-9))
            await laser.sweep.start()
            await laser.off()
            assert await laser.sweep.state() is SweepState.STOPPED
            await laser.on()
            # A shutter that cannot be moved: the diode goes off all the same, and that is told.
            device.source.open_shutter = lambda is_open: None
            await laser.off()
            assert device.source.power == 0.0
            device.source.drive(True)
            device.source.drive = lambda on: 0.0
            with pytest.raises(InstrumentError, match="there is still light"):
                await laser.off()

    memory.run(maker(), scenario, door="tcp")


def test_off_on_a_silent_link_still_says_it(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, timeout=0.5) as laser:
            await laser.on()
            reached.faults.silence(2)
            with pytest.raises(LinkTimeout):
                await laser.off()
            await asyncio.sleep(1.0)
            assert reached.device.source.power == 0.0
            assert not reached.device.source.diode

    memory.run(maker(), scenario, door="tcp")


def test_an_interlock_is_named(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as laser:
            reached.device.interlock(True)
            with pytest.raises(InstrumentError, match="external interlock"):
                await laser.on()
            assert await laser.read_power() == 0.0

    memory.run(maker(), scenario, door="tcp")


@pytest.mark.parametrize("commands", SETS)
def test_a_sweep_with_its_log(wire, commands: str) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as laser:
            await laser.set_power_dbm(3.0)
            await laser.on()
            sweep = WavelengthSweep(1550e-9, 1560e-9, 100e-9, 0.05e-9)
            await laser.sweep.set_up(sweep, begin="software")
            await laser.sweep.start()
            assert await laser.sweep.state() is SweepState.WAITING
            await laser.sweep.trigger()
            await laser.sweep.finish()
            wavelengths, powers = await laser.sweep.read_log()
            assert wavelengths.shape == powers.shape == (sweep.points,) == (201,)
            assert wavelengths == pytest.approx(np.linspace(1550e-9, 1560e-9, 201), abs=1e-11)
            assert powers == pytest.approx(np.full(201, 10**0.3 * 1e-3), rel=0.02)
            assert await laser.read_wavelength() == pytest.approx(1560e-9)

    wire.run(maker(scpi=SETS[commands]), scenario, door="tcp")


def test_what_a_sweep_waits_for(memory) -> None:
    async def scenario(reached) -> None:
        sweep = WavelengthSweep(1550e-9, 1552e-9, 10e-9, 1e-10, both_ways=True)
        async with driver(reached) as laser:
            assert [array.size for array in await laser.sweep.read_log()] == [0, 0]
            await laser.sweep.set_up(sweep, begin="hardware")
            with pytest.raises(InstrumentError, match="diode on and the shutter open"):
                await laser.sweep.start()
            await laser.on()
            with pytest.raises(InstrumentError, match="begins on a trigger"):
                await laser.sweep.trigger()
            await laser.sweep.start()
            with pytest.raises(TriggerTimeout, match="has not ended within 5 s"):
                await laser.sweep.finish(timeout=5.0)
            reached.device.sweep.trigger_in(rising=True)
            await laser.sweep.finish()
            assert (await laser.sweep.read_log())[0].size == 2 * sweep.points
            await laser.sweep.set_up(sweep)
            await laser.sweep.start()
            await laser.sweep.stop()
            assert await laser.sweep.state() is SweepState.STOPPED

    memory.run(maker(), scenario, door="tcp")


def test_what_is_out_of_reach_never_leaves(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as laser:
            sent = laser.exchanges
            for refused in (
                laser.set_power_dbm(13.5), laser.set_power(0.0), laser.set_power(float("nan")),
                laser.set_wavelength(2e-6),
                laser.sweep.set_up(WavelengthSweep(1500e-9, 1510e-9, 3e-9, 1e-9)),
                laser.sweep.set_up(WavelengthSweep(1500e-9, 1600e-9, 1e-9, 1e-13)),
            ):  # fmt: skip
                with pytest.raises(LimitError):
                    await refused
            assert laser.exchanges == sent
            for refused in (
                laser.set_wavelength(1300e-9),
                laser.sweep.set_up(WavelengthSweep(1300e-9, 1500e-9, 1e-9, 1e-9)),
            ):
                with pytest.raises(LimitError, match=r"1\.48e-06 to 1\.64e-06 m"):
                    await refused
            assert laser.exchanges == sent + 2  # the range was asked for, once
            assert reached.device.source.setting_now == pytest.approx(1560e-9)

    memory.run(maker(), scenario, door="tcp")


def test_a_command_set_changed_at_the_panel_is_an_error_not_another_wavelength(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached) as laser:
            await laser.set_wavelength(1550e-9)
            device.notation.scpi = True
            assert await laser.read_wavelength() == pytest.approx(1550e-9)
            with pytest.raises(InstrumentError, match="-222"):
                await laser.set_wavelength(1600e-9)
            assert device.source.setting_now == pytest.approx(1550e-9)
            await laser.close()
            await laser.open()
            await laser.set_wavelength(1600e-9)
            device.notation.scpi = False
            with pytest.raises(InstrumentError, match="-121"):
                await laser.set_wavelength(1500e-9)
            with pytest.raises(InstrumentError, match="-138"):
                await laser.set_power_dbm(1.0)

    memory.run(maker(), scenario, door="tcp")


def test_a_range_that_is_not_answered_is_not_asked_for(memory) -> None:
    async def scenario(reached) -> None:
        reached.device.silent_range = True
        async with driver(reached) as laser:
            await laser.on()
            await laser.sweep.set_up(WavelengthSweep(1480e-9, 1500e-9, 200e-9, 1e-10))
            with pytest.raises(InstrumentError, match="-221"):
                await laser.sweep.start()  # too near the end of the range at this speed

    memory.run(maker(), scenario, door="tcp")


def test_safe_values_are_declared() -> None:
    assert [q.name for q in QUANTITIES if q.safe is not None] == ["shutter_open", "diode"]
    assert POWER_DBM.writable
    assert DIODE.safe is SHUTTER_OPEN.safe is False
