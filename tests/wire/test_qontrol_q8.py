"""The Qontrol driver against the simulated chain, in memory and over a pseudo-terminal."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from drivers import qontrol_quantities as q
from drivers.errors import OutputFault
from drivers.instrument import InstrumentError
from drivers.link_model import LinkModel
from drivers.qontrol_q8 import QontrolQ8
from drivers.transport.link import LinkError
from sim_backends.catalogue import build as build_model
from sim_backends.host.clock import BenchClock
from sim_backends.instrument import Placement, SimulatedInstrument
from tests.wire.conftest import Reached, Wire

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)


def build(now) -> SimulatedInstrument:
    options = {"modules": 2, "noise": 0.0}
    return build_model("qontrol_q8", Placement(BenchClock(), options=options))


def heaters(reached: Reached) -> QontrolQ8:
    return QontrolQ8(
        "heaters", reached.resource, reached.connector, link=LINK, modules=2, timeout=1.0
    )


def test_every_setting_and_report(wire: Wire) -> None:
    async def scenario(reached: Reached) -> None:
        async with heaters(reached) as chain:
            await chain.write_volts(np.array([3, 9]), np.array([4.0, 2.0]))
            await chain.write_amps(np.array([5]), np.array([2.5e-3]))
            await chain.set(q.VOLTS_MAX, 6.0, 3)
            told = await chain.read_settings()
            assert told["volts"][3] == pytest.approx(4.0, abs=1e-3)
            assert told["volts"][5] == pytest.approx(2.0, abs=1e-2)
            assert told["amps"][5] == pytest.approx(2.5e-3, abs=1e-5)
            assert told["volts_max"][2:4] == [12.0, pytest.approx(6.0, abs=1e-3)]
            assert told["led"] == [True, True]
            assert told["adc_average"] == [2, 2]
            assert not [one for one in told.values() if "refused" in str(one)]
            outputs = await chain.read_outputs()
            assert outputs[3].tolist() == pytest.approx([4.0, 5e-3], rel=1e-3)
            assert (await chain.read_memory(1)).size == 256
            assert "ERROR CODES" in await chain.read_help()
            await chain.renumber()
            await chain.off()
            assert np.all(reached.device.volts == 0.0)

    wire.run(build, scenario, door="serial")


def test_a_trip_is_raised_and_stands_in_the_log(wire: Wire) -> None:
    async def scenario(reached: Reached) -> None:
        async with heaters(reached) as chain:
            await chain.set(q.AMPS_MAX, 1e-3, 9)
            await chain.set(q.VOLTS, 5.0, 9)
            await asyncio.sleep(0.05)
            with pytest.raises(InstrumentError, match="E02:01"):
                await chain.check_faults()
            entry = (await chain.read_log(1))[0]
            assert (entry.fault.code, entry.fault.detail) == (2, 1)
            assert entry.age <= 1.0

    wire.run(build, scenario, door="serial")


def test_lost_power_is_told_and_limits_come_back(memory: Wire) -> None:
    async def scenario(reached: Reached) -> None:
        async with heaters(reached) as chain:
            chain.set_limits(np.full(16, 6.0), np.full(16, 0.01))
            await chain.apply_limits()
            await chain.write_volts(np.arange(16), np.full(16, 1.0))
            reached.device.lose_power()
            await asyncio.sleep(0.05)
            with pytest.raises(InstrumentError, match="power error"):
                await chain.write_volts(np.array([0]), np.array([2.0]))
            assert await chain.write_volts(np.arange(16), np.full(16, 1.0)) == 16
            assert reached.device.v_max == pytest.approx(np.full(16, 6.0), abs=1e-3)
            assert reached.device.volts == pytest.approx(np.full(16, 1.0), abs=1e-3)

    memory.run(build, scenario, door="serial")


@pytest.mark.parametrize("code", [0, 4, 5, 10, 13, 16, 17, 18, 19, 30, 31])
def test_any_error_that_comes_unasked_is_raised_once(memory: Wire, code: int) -> None:
    async def scenario(reached: Reached) -> None:
        async with heaters(reached) as chain:
            reached.device.own_faults["error"](f"{code}/01")()
            await asyncio.sleep(0.05)
            with pytest.raises(InstrumentError, match=f"E{code:02d}:01"):
                await chain.read_volts()
            assert (await chain.read_volts()).tolist() == [0.0] * 16

    memory.run(build, scenario, door="serial")


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        (1, "check load, IMAX and VMAX"),
        (3, "see to the supply of the backplane"),
        (5, "check its load"),
        (10, "see to the cable"),
        (15, "see to cable and USB hub"),
        (31, "power the backplane off and on"),
        (90, "see to the supply of the backplane"),
    ],
)
def test_every_error_names_a_mend(memory: Wire, code: int, mend: str) -> None:
    async def scenario(reached: Reached) -> None:
        async with heaters(reached) as chain:
            reached.device.own_faults["error"](f"{code}/01")()
            await asyncio.sleep(0.05)
            with pytest.raises(InstrumentError, match=mend):
                await chain.check_faults()

    memory.run(build, scenario, door="serial")


def test_an_acknowledgement_that_is_none_names_a_mend(memory: Wire) -> None:
    async def scenario(reached: Reached) -> None:
        async with heaters(reached) as chain:
            reached.faults.replace(b"KO\n")
            with pytest.raises(InstrumentError, match=r"OK was due; noise on its serial line"):
                await chain.write_volts(np.array([0]), np.array([2.0]))

    memory.run(build, scenario, door="serial")


def test_a_fault_told_meanwhile_is_not_lost_among_the_settings(memory: Wire) -> None:
    """A snapshot before a run once hid a loss of power from it."""

    async def scenario(reached: Reached) -> None:
        async with heaters(reached) as chain:
            await chain.write_volts(np.arange(16), np.full(16, 1.0))
            reached.device.lose_power()
            await asyncio.sleep(0.05)
            with pytest.raises(OutputFault, match="E03:00"):
                await chain.read_settings()
            assert not any("refused" in str(one) for one in (await chain.read_settings()).values())

    memory.run(build, scenario, door="serial")


def test_levels_that_are_held_hear_of_a_fault_at_no_cost(memory: Wire) -> None:
    async def scenario(reached: Reached) -> None:
        async with heaters(reached) as chain:
            await chain.write_volts(np.arange(16), np.full(16, 1.0))
            await asyncio.sleep(0.05)
            loop = asyncio.get_running_loop()
            before = loop.time(), chain.exchanges, dict(chain.busy)
            assert await chain.write_volts(np.arange(16), np.full(16, 1.0)) == 0
            assert (loop.time(), chain.exchanges, dict(chain.busy)) == before
            reached.device.lose_power()
            await asyncio.sleep(0.05)
            with pytest.raises(OutputFault, match=r"E03:00.*have lost their power"):
                await chain.write_volts(np.arange(16), np.full(16, 1.0))
            assert await chain.write_volts(np.arange(16), np.full(16, 1.0)) == 16

    memory.run(build, scenario, door="serial")


async def looked_at_twice(chain: QontrolQ8, every: bool) -> None:
    for _ in range(2):
        await chain.check_held(every=every)


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("how", ["told", "silent", "one module", "link"])
def test_power_that_is_lost_while_levels_are_held_is_found(
    memory: Wire, every: bool, how: str
) -> None:
    """Also where no error line came through, or the link was made anew."""

    async def scenario(reached: Reached) -> None:
        async with heaters(reached) as chain:
            device = reached.device
            await chain.write_volts(np.arange(16), np.linspace(1.0, 6.0, 16))
            for _ in range(20):
                await chain.check_held(every=every)
            if how != "told":
                device.listeners.clear()
            if how == "one module":
                device.set_volts(np.arange(8, 16), np.zeros(8))
            else:
                device.lose_power()
            if how == "link":
                reached.faults.drop()
            await asyncio.sleep(0.05)
            with pytest.raises((OutputFault, LinkError), match=r"power|clos"):
                await looked_at_twice(chain, every)  # the modules by turns
            assert await chain.write_volts(np.arange(16), np.full(16, 2.0)) == 16
            await chain.check_held(every=every)

    memory.run(build, scenario, door="serial")


def test_a_look_is_one_short_question_and_a_dead_output_ends_nothing(memory: Wire) -> None:
    async def scenario(reached: Reached) -> None:
        async with heaters(reached) as chain:
            reached.device.own_faults["dead"]("3")()
            reached.device.own_faults["stuck"]("9/5.0")()
            await chain.check_held()  # nothing is set yet
            volts = np.where(np.arange(16) < 14, 3.0, 0.0)
            await chain.write_volts(np.arange(16), volts)
            spent = []
            for _ in range(14):
                before = sum(chain.busy.values())
                await chain.check_held()
                spent.append(sum(chain.busy.values()) - before)
            assert sorted(spent)[-2] < 3e-3 < max(spent)  # one line; 16 of them for the dead one
            await chain.check_held(every=True)
            await chain.off()
            await chain.check_held(every=True)

    memory.run(build, scenario, door="serial")
