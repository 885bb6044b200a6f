"""The QDAC-II driver against the simulated one: TCP and serial, ramps, limits, trouble."""

from __future__ import annotations

import asyncio
import random

import numpy as np
import pytest

from drivers.composites import ChassisBank, HeaterElement
from drivers.errors import InstrumentError, LimitError, OutputFault
from drivers.link_model import LinkModel
from drivers.qdevil_qdac2 import QUANTITIES, QdevilQdac2, Waveform
from drivers.qdevil_qdac2.settings import AMPS, MODE, VOLTS
from drivers.roles import VoltageOutputs, WeightBank
from drivers.transport.link import LinkError
from sim_backends.qdevil_qdac2 import Qdac2, Resistors

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)


def maker(ohms: float = 800.0):
    return lambda now: Qdac2(now, loads=Resistors(ohms))


def driver(reached, **options) -> QdevilQdac2:
    return QdevilQdac2("dac", reached.resource, reached.connector, link=LINK, **options)


@pytest.mark.parametrize("door", ["tcp", "serial"])
def test_all_that_the_driver_can_send_is_known(wire, door: str) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, expect={"serial": "242"}) as dac:
            before = await dac.read_settings()
            assert set(before) == {quantity.name for quantity in QUANTITIES if quantity is not AMPS}
            assert not any("refused" in values for values in before.values()), before
            await dac.set(VOLTS, 0.0, 3)
            for quantity in QUANTITIES:
                if quantity.writable:
                    value = before[quantity.name]["3"]
                    await dac.set(quantity, 1000.0 if value == float("inf") else value, 3)
                assert await dac.get(quantity, 3) is not None
            await dac.set_aperture(0.0003)
            dac.set_limits(np.where(np.arange(24) < 12, 6.5, 1.5), np.full(24, 0.01))
            await dac.apply_limits()
            assert {one.range for one in reached.device.channels[12:]} == {"LOW"}
            await dac.write_volts(np.arange(24), np.linspace(0.1, 1.4, 24))
            assert await dac.read_volts() == pytest.approx(np.linspace(0.1, 1.4, 24), abs=1e-6)
            amps = await dac.read_amps()
            assert amps == pytest.approx(np.linspace(0.1, 1.4, 24) / 800.0, abs=6e-6)
            await dac.check_faults()
            await dac.off()
            assert np.abs(reached.device.volts()).max() == 0.0

    wire.run(maker(), scenario, door=door)


def test_ranges_are_the_instruments_own(memory) -> None:
    """What the driver lets through the instrument takes, to the ends of each range."""

    async def scenario(reached) -> None:
        async with driver(reached, bipolar=True) as dac:
            for quantity in QUANTITIES:
                if not quantity.writable:
                    continue
                ends = quantity.choices or (quantity.low, quantity.high, quantity.safe)
                for end in ends:
                    if end is not None:
                        await dac.set(quantity, end, 24)
            assert await dac.get(MODE, 24) == "FIX"

    memory.run(maker(2000.0), scenario, door="tcp")


def test_a_bank_of_heaters_over_it(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as dac:
            assert isinstance(dac, VoltageOutputs)
            places = (4, 0, 23)
            elements = [HeaterElement(dac, at, 800.0, 6.5, 0.009, 0.05) for at in places]
            bank = ChassisBank("bank-0", elements, power_max=0.1, settle_time=1e-4)
            assert isinstance(bank, WeightBank)
            assert 0.0 < bank.planned_write(3) < 0.01
            levels = np.array([0.02, 0.0, 0.045])
            assert await bank.program(levels) == 3
            assert await bank.program(levels) == 0
            assert await bank.read_back() == pytest.approx(levels, rel=1e-5, abs=1e-9)
            volts = reached.device.volts()
            assert volts[list(places)] == pytest.approx(np.sqrt(levels * 800.0), abs=1e-5)
            with pytest.raises(LimitError, match="element 2"):
                await bank.program(np.array([0.0, 0.0, 0.06]))
            await bank.off()
            assert np.abs(reached.device.volts()).max() == 0.0

    memory.run(maker(), scenario, door="tcp")


def test_off_ramps_down(memory) -> None:
    async def scenario(reached) -> None:
        loop = asyncio.get_running_loop()
        async with driver(reached, slew=100.0) as dac:
            await dac.write_volts(np.array([2]), np.array([4.0]))
            assert reached.device.volts()[2] == pytest.approx(4.0, abs=1e-5)
            off = loop.create_task(dac.off())
            await asyncio.sleep(0.02)
            assert 1.5 < reached.device.volts()[2] < 3.9  # on its way
            await off
            assert reached.device.volts()[2] == 0.0

    memory.run(maker(), scenario, door="tcp")


def test_off_ends_what_another_program_left_running(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as dac:
            await dac.tell("SOUR3:VOLT:MODE LIST", "SOUR3:LIST:VOLT 1,-5,5", "SOUR3:LIST:COUN -1")
            await dac.tell("SOUR3:DC:INIT")
            await asyncio.sleep(0.01)
            assert np.abs(reached.device.volts()).max() > 0.9
            with pytest.raises(InstrumentError, match="Settings conflict"):
                await dac.tell("SOUR3:VOLT 1")
            await dac.off()
            await asyncio.sleep(0.1)
            assert np.abs(reached.device.volts()).max() == 0.0
            await dac.write_volts(np.array([2]), np.array([1.5]))
            assert reached.device.volts()[2] == pytest.approx(1.5, abs=1e-6)

    memory.run(maker(), scenario, door="tcp")


def test_a_waveform_swings_about_its_voltage_until_it_is_stopped_or_all_is_off(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as dac:
            await dac.write_volts(np.array([2]), np.array([2.0]))
            seen: list[float] = []
            await dac.play_waveform(3, Waveform("sine", 20.0, 1.0, 0.5))
            for _ in range(50):
                await asyncio.sleep(1e-3)
                seen.append(float(reached.device.volts()[2]))
            assert (min(seen), max(seen)) == pytest.approx((2.0, 3.0), abs=0.01)
            assert (await dac.read_volts())[2] == pytest.approx(2.0, abs=1e-6)
            await dac.stop_waveform(3)
            assert reached.device.volts()[2] == pytest.approx(2.0, abs=1e-6)
            await dac.play_waveform(3, Waveform("square", 5.0, 2.0, duty=75.0))
            assert reached.device.volts()[2] == pytest.approx(3.0, abs=1e-6)
            await dac.off()
            await asyncio.sleep(1.0)
            assert np.abs(reached.device.volts()).max() == 0.0
            await dac.write_volts(np.array([2]), np.array([10.0]))  # its limits are its own again

    memory.run(maker(), scenario, door="tcp")


def test_limits_after_a_reconnection(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as dac:
            dac.set_limits(np.full(24, 1.0), np.full(24, 0.01))
            await dac.apply_limits()
            await dac.write_volts(np.array([0]), np.array([0.5]))
            reached.device.reset()  # it lost power and came back
            reached.faults.drop()
            with pytest.raises(LinkError):
                await dac.read_volts()
            reached.faults.clear()
            await dac.write_volts(np.array([0]), np.array([0.5]))
            assert {one.range for one in reached.device.channels} == {"LOW"}
            assert reached.device.channels[0].slew == 1000.0
            assert reached.device.volts()[0] == pytest.approx(0.5, abs=1e-6)

    memory.run(maker(), scenario, door="tcp")


def test_currents_beyond_a_limit_are_found(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as dac:
            dac.set_limits(np.full(24, 6.5), np.full(24, 0.004))
            await dac.write_volts(np.array([7]), np.array([4.0]))
            with pytest.raises(InstrumentError, match=r"output 8 (4\.99|5\.00). mA"):
                await dac.check_faults()

    memory.run(maker(), scenario, door="tcp")


@pytest.mark.parametrize("seed", range(4))
def test_trouble_ends_in_a_right_value_or_a_typed_error(memory, seed: int) -> None:
    """The voltage counts up with each step: a stale reply would show."""
    draw = random.Random(seed)

    async def scenario(reached) -> int:
        faults = reached.faults
        troubles = [
            faults.silence,
            faults.garbage,
            lambda: faults.late(3.0),
            lambda: faults.late(0.5),
            lambda: faults.split(5, 0.2),
            faults.duplicate,
            lambda: faults.truncate(draw.randrange(12)),
            lambda: faults.replace(bytes(draw.randrange(256) for _ in range(20)) + b"\n"),
            faults.drop,
        ]
        loop = asyncio.get_running_loop()
        right = 0
        async with driver(reached) as dac:
            dac.set_limits(np.full(24, 3.0), np.full(24, 0.01))
            for step in range(60):
                asked = np.array([0.5 + 0.01 * step])
                if step % 2:  # every other step is without trouble, and must be right
                    draw.choice(troubles)()
                began = loop.time()
                try:
                    await dac.write_volts(np.array([3]), asked)
                    assert (await dac.read_volts())[3] == pytest.approx(asked[0], abs=1e-6)
                    right += 1
                except (InstrumentError, LinkError):
                    assert step % 2
                assert loop.time() - began < 15.0
                assert reached.device.volts().max() <= asked[0] + 1e-6
                faults.clear()
                try:
                    await dac.read_volts()
                except (InstrumentError, LinkError):
                    await dac.close()
                    await dac.open()
        return right

    assert memory.run(maker(), scenario, door="tcp") > 30


def test_outputs_that_somebody_else_set_are_found(memory) -> None:
    """As the panel counts them; also after a loss of power, which takes the link with it."""

    async def scenario(reached) -> None:
        async with driver(reached) as dac:
            await dac.write_volts(np.arange(24), np.linspace(0.1, 2.4, 24))
            await dac.check_held()
            await dac.tell("SOUR18:VOLT 0")
            await asyncio.sleep(0.1)
            with pytest.raises(OutputFault, match=r"output 18 0 V, not 1\.8 V'; it has lost"):
                await dac.check_held()
            assert await dac.write_volts(np.arange(24), np.linspace(0.1, 2.4, 24)) == 1
            await dac.check_held()
            await dac.tell("*RST")
            await asyncio.sleep(0.1)
            dac._link.doubt()  # getting back into step must not hide it
            with pytest.raises(OutputFault, match=r"output 1 0 V, not 0\.1 V, output 2 0 V"):
                await dac.check_held(every=True)

    memory.run(maker(), scenario, door="tcp")


def test_errors_name_outputs_as_the_panel_does(memory) -> None:
    """17 against 18: an operator would look at the wrong output."""

    async def scenario(reached) -> None:
        async with driver(reached) as dac:
            with pytest.raises(LimitError, match=r"^dac output 18: 11 V is refused"):
                await dac.write_volts(np.array([17]), np.array([11.0]))
            elements = [HeaterElement(dac, 17, 800.0, 6.5, 0.009, 0.05)]
            bank = ChassisBank("bank-0", elements, power_max=0.1, settle_time=1e-4)
            with pytest.raises(LimitError, match=r"element 0 \(dac channel 18\)"):
                await bank.program(np.array([0.06]))

    memory.run(maker(), scenario, door="tcp")
