"""Source-measure units as one voltage output: limits first and read back, trips, trouble, off."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import numpy as np
import pytest

from drivers.chassis_bank import ChassisBank, HeaterElement
from drivers.errors import InstrumentError, LimitError, OutputFault
from drivers.keithley_2400 import Keithley2400
from drivers.keithley_2450 import Keithley2450
from drivers.link_model import LinkModel
from drivers.roles import VoltageOutputs, WeightBank
from drivers.source_output import SourceOutput
from drivers.transport.link import LinkError
from sim_backends.keithley_2400.instrument import Keithley2400 as Simulated2400
from sim_backends.keithley_2450.instrument import Keithley2450 as Simulated2450
from sim_backends.source_measure.load import Resistor
from tests.sim_backends.source_meter_client import WatchedResistor
from tests.wire.conftest import Wire

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)
ONE = np.zeros(1, np.intp)
KINDS = {
    "2400": (Keithley2400, Simulated2400, "serial"),
    "2450": (Keithley2450, Simulated2450, "tcp"),
}


Play = Callable[..., None]


@pytest.fixture(params=KINDS)
def play(memory: Wire, request: pytest.FixtureRequest) -> Play:
    """`play(scenario, ohms)`: `scenario(smu, device, load)`, the unit's limits 6.5 V and 12 mA."""
    driver, simulated, door = KINDS[request.param]

    def run(scenario, ohms: float = 800.0, **options) -> None:
        load = WatchedResistor(ohms)

        async def opened(reached) -> None:
            async with driver(
                "smu", reached.resource, reached.connector, link=LINK, **options
            ) as smu:
                smu.set_limits(np.array([6.5]), np.array([0.012]))
                await scenario(smu, reached.device, load)

        memory.run(lambda now: simulated(now, load, lead_ohms=0.0), opened, door=door)

    return run


async def write(smu: SourceOutput, volts: float) -> int:
    return await smu.write_volts(ONE, np.array([volts]))


def limits_of(device) -> tuple[float, float]:
    """Compliance in A and protection in V, as the instrument has them."""
    settings = device.settings
    if isinstance(device, Simulated2400):
        return settings.value("limit A"), float(settings.word("protection"))
    return settings.value("limit A"), float(settings.word("protection V").removeprefix("PROT"))


def test_limits_stand_before_the_output_goes_on(play: Play) -> None:
    async def scenario(smu: SourceOutput, device, load: WatchedResistor) -> None:
        assert isinstance(smu, VoltageOutputs)
        before: list[tuple[float, float]] = []
        on = device.unit.apply
        device.unit.apply = lambda drive: (before.append(limits_of(device)), on(drive))[1]
        await write(smu, 3.0)
        step = 20.0 if isinstance(device, Simulated2400) else 10.0
        assert set(before) == {(0.012, step)}
        assert max(load.seen) == pytest.approx(3.0, rel=1e-3)
        assert (await smu.read_volts())[0] == pytest.approx(3.0, rel=1e-3)
        assert (await smu.read_amps())[0] == pytest.approx(3.0 / 800.0, rel=1e-3)

    play(scenario)


def test_a_level_is_written_once_and_ramped(play: Play) -> None:
    async def scenario(smu: SourceOutput, device, load: WatchedResistor) -> None:
        await smu.apply_limits()
        assert not device.output
        assert await write(smu, 5.0) == 1
        assert np.diff([volts for volts in load.seen if volts]).max() < 1.01  # 50 V/s, 20 ms
        asked = smu.exchanges
        assert await write(smu, 5.0) == 0
        assert smu.exchanges == asked
        await write(smu, 0.0)
        assert device.output  # 0 V, and ready: what is off is off by `off`
        assert load.seen[-1] == 0.0
        await smu.off()
        assert not device.output
        assert await write(smu, 0.0) == 0
        assert not device.output

    play(scenario)


@pytest.mark.parametrize("volts", [6.51, -0.1, math.nan, math.inf])
def test_what_is_out_of_range_never_leaves(play: Play, volts: float) -> None:
    async def scenario(smu: SourceOutput, device, load: WatchedResistor) -> None:
        asked = smu.exchanges
        with pytest.raises(LimitError, match=r"0 to 6\.5 V"):
            await write(smu, volts)
        with pytest.raises(LimitError, match="channel 0 alone"):
            await smu.write_volts(np.array([1]), np.array([1.0]))
        assert smu.exchanges == asked
        # by its own settings, too
        await smu.source_volts(0.001)
        for quantity, value in ((smu.volts, 6.51), (smu.limit_amperes, 0.013)):
            with pytest.raises(LimitError, match="on this bench"):
                await smu.set(quantity, value)
        assert not device.output

    play(scenario)


def test_a_short_switches_it_off(play: Play) -> None:
    async def scenario(smu: SourceOutput, device, load: WatchedResistor) -> None:
        with pytest.raises(InstrumentError, match="a short"):
            await write(smu, 1.0)
        assert not device.output
        assert load.seen[-1] == 0.0
        assert (await smu.read_volts())[0] == (await smu.read_amps())[0] == 0.0

    play(scenario, ohms=10.0)


def test_an_output_that_went_off_is_told_and_comes_on_again(play: Play) -> None:
    async def scenario(smu: SourceOutput, device, load: WatchedResistor) -> None:
        await write(smu, 2.0)
        device.output_off()
        with pytest.raises(InstrumentError, match="went off by itself"):
            await write(smu, 2.1)
        assert await write(smu, 2.2) == 1
        assert load.seen[-1] == pytest.approx(2.2, rel=1e-3)

    play(scenario)


def test_limits_that_are_not_kept_leave_it_off(play: Play) -> None:
    async def scenario(smu: SourceOutput, device, load: WatchedResistor) -> None:
        keep = device.settings["limit A"]
        real = device.settings.value
        device.settings.value = lambda name: keep if name == "limit A" else real(name)
        ask = smu.get

        async def other(quantity, *rest, **more):
            found = await ask(quantity, *rest, **more)
            return 2.0 * found if quantity is smu.limit_amperes else found

        smu.get = other  # what the instrument tells is twice what was set
        with pytest.raises(InstrumentError, match="does not keep the limits"):
            await write(smu, 1.0)
        assert not device.output
        assert max(load.seen, default=0.0) == 0.0

    play(scenario)


def test_limits_are_looked_at_again_after_the_connection_was_lost(memory: Wire) -> None:
    async def scenario(reached) -> None:
        smu = Keithley2450("smu", reached.resource, reached.connector, link=LINK)
        smu.set_limits(np.array([6.5]), np.array([0.012]))
        async with smu:
            await write(smu, 2.0)
            reached.faults.drop()
            with pytest.raises(LinkError, match="closed"):
                await smu.read_volts()
            reached.device.settings["limit A"] = 1.05  # as after a power failure
            await write(smu, 2.0)
            assert limits_of(reached.device)[0] == 0.012
            assert reached.device.output

    memory.run(lambda now: Simulated2450(now, Resistor(800.0)), scenario, door="tcp")


def test_an_output_that_somebody_left_on_is_told_as_it_may_be(play: Play) -> None:
    async def scenario(smu: SourceOutput, device, load: WatchedResistor) -> None:
        device.settings["limit A"] = 0.005
        device.settings["level V"] = 4.0
        device.output = True
        assert (await smu.read_outputs()).tolist() == [[4.0, 0.005]]
        await smu.apply_limits()
        assert not device.output

    play(scenario)


def test_a_unit_with_no_heater_gives_nothing(play: Play) -> None:
    async def scenario(smu: SourceOutput, device, load: WatchedResistor) -> None:
        smu.set_limits(np.zeros(1), np.zeros(1))
        await smu.apply_limits()
        await write(smu, 0.0)
        with pytest.raises(LimitError):
            await write(smu, 0.001)
        assert not device.output

    play(scenario)


def test_more_power_than_the_unit_has_is_refused(play: Play) -> None:
    async def scenario(smu: SourceOutput, device, load: WatchedResistor) -> None:
        with pytest.raises(LimitError, match=r"0\.105 A"):
            smu.set_limits(np.array([30.0]), np.array([0.5]))
        for limits in (([math.nan], [0.01]), ([1.0], [-0.01])):
            with pytest.raises(LimitError, match="of 0 or more"):
                smu.set_limits(*map(np.array, limits))
        with pytest.raises(ValueError, match="shape"):
            smu.set_limits(np.ones(2), np.ones(2))

    play(scenario)


def test_a_bank_over_two_units(memory: Wire) -> None:
    async def scenario(reached) -> None:
        async with Keithley2450("smu", reached.resource, reached.connector, link=LINK) as smu:
            element = HeaterElement(smu, 0, 800.0, 6.5, 0.012, 0.05)
            smu.set_limits(np.array([6.5]), np.array([0.012]))
            bank = ChassisBank("bank-0", [element], power_max=0.1, settle_time=1e-4)
            assert isinstance(bank, WeightBank)
            assert 0.0 < bank.planned_write(1) < 0.01
            assert await bank.program(np.array([0.02])) == 1
            assert await bank.read_back() == pytest.approx([0.02], rel=2e-3)
            await bank.off()
            assert not reached.device.output

    memory.run(lambda now: Simulated2450(now, Resistor(800.0)), scenario, door="tcp")


def test_a_write_that_is_cancelled_is_forgotten(play: Play) -> None:
    async def scenario(smu: SourceOutput, device, load: WatchedResistor) -> None:
        await smu.apply_limits()
        task = asyncio.ensure_future(write(smu, 6.0))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await write(smu, 1.0) == 1
        assert load.seen[-1] == pytest.approx(1.0, rel=1e-3)

    play(scenario)


def test_what_is_held_is_looked_at(play: Play) -> None:
    """Off by hand, at its limit, another level: each ends it; at rest there is nothing to ask."""

    async def scenario(smu: SourceOutput, device, load: WatchedResistor) -> None:
        asked = smu.exchanges
        await smu.check_held()
        assert smu.exchanges == asked
        await write(smu, 3.0)
        await smu.check_held()
        await smu.check_held(every=True)
        await smu.tell(":OUTP OFF")
        with pytest.raises(OutputFault, match="went off by itself, or by hand"):
            await smu.check_held()
        assert await write(smu, 3.0) == 1
        await smu.check_held()
        await smu.tell(":SOUR:VOLT 1")
        with pytest.raises(OutputFault, match="3 V was set: its level was changed by hand"):
            await smu.check_held()
        assert await write(smu, 3.0) == 1
        load.ohms = 50.0
        with pytest.raises(OutputFault, match="a short, or i_max"):
            await smu.check_held()
        assert not device.output

    play(scenario)
