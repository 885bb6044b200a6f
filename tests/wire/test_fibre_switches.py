"""The drivers of fibre switches against the simulated ones, over memory and a pseudo-terminal."""

from __future__ import annotations

import asyncio
import random

import pytest

from drivers.agiltron_ff import AgiltronFf
from drivers.agiltron_selfalign import AgiltronSelfAlign
from drivers.instrument import InstrumentError
from drivers.link_model import LinkModel
from drivers.thorlabs_osw12 import ThorlabsOsw12
from drivers.transport.link import LinkError, LinkTimeout
from sim_backends.agiltron_ff import FfBoard
from sim_backends.agiltron_selfalign import SelfAlign
from sim_backends.thorlabs_osw12 import Osw12

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)
PAIRS = [(ThorlabsOsw12, Osw12), (AgiltronSelfAlign, SelfAlign), (AgiltronFf, FfBoard)]


def driver(model, reached, **options):
    return model("switch", reached.resource, reached.connector, link=LINK, **options)


@pytest.mark.parametrize(("model", "simulated"), PAIRS)
def test_it_switches(wire, model, simulated) -> None:
    async def scenario(reached) -> None:
        async with driver(model, reached, park=1) as switch:
            for position in (2, 1, 2, 2, switch.positions):
                await switch.select(position)
                assert await switch.position() == position
                assert reached.device.position == position
                assert (await switch.read_settings())["position"] == position
            await switch.off()
            assert reached.device.position == 1

    wire.run(simulated, scenario, door="serial")


def test_the_rest_that_the_drivers_can_send_is_known(wire) -> None:
    async def osw(reached) -> None:
        async with driver(ThorlabsOsw12, reached) as switch:
            assert (await switch.board_name()).startswith("OSW12")
            assert await switch.type_code()

    async def agiltron(reached) -> None:
        async with driver(AgiltronSelfAlign, reached) as switch:
            await switch.select(5)
            await switch.home()
            assert reached.device.position == 1
            await switch.select(3)

    wire.run(Osw12, osw, door="serial")
    wire.run(SelfAlign, agiltron, door="serial")


def test_light_goes_the_new_way_when_select_ends_and_the_time_to_settle_has_passed(memory) -> None:
    for model, simulated in PAIRS:

        async def scenario(reached, model=model) -> None:
            async with driver(model, reached) as switch:
                await switch.select(2)
                await asyncio.sleep(switch.settle_time)
                assert reached.device.route() == 2

        memory.run(simulated, scenario, door="serial")


def test_a_switch_that_is_hard_of_hearing(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(ThorlabsOsw12, reached) as switch:
            failed = 0
            for step in range(50):
                try:
                    await switch.select(1 + step % 2)
                except LinkTimeout:
                    failed += 1
                else:
                    assert reached.device.position == 1 + step % 2
            assert failed < 10

    memory.run(lambda now: Osw12(now, deafness=0.2, seed=3), scenario, door="serial")


@pytest.mark.parametrize(("model", "simulated"), [(ThorlabsOsw12, Osw12), (AgiltronFf, FfBoard)])
def test_a_switch_that_is_stuck(memory, model, simulated) -> None:
    async def scenario(reached) -> None:
        async with driver(model, reached) as switch:
            reached.device.stuck = True
            with pytest.raises(InstrumentError, match="not switched"):
                await switch.select(2)
            assert await switch.position() == 1

    memory.run(simulated, scenario, door="serial")


def test_a_selfalign_that_echoes_what_it_is_told(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(AgiltronSelfAlign, reached) as switch:
            await switch.select(3)
            assert reached.device.position == await switch.position() == 3

    memory.run(lambda now: SelfAlign(now, echo=True), scenario, door="serial")


@pytest.mark.parametrize(("model", "simulated"), PAIRS)
@pytest.mark.parametrize("seed", range(3))
def test_trouble_ends_in_a_right_position_or_a_typed_error(memory, model, simulated, seed) -> None:
    draw = random.Random(seed)

    async def scenario(reached) -> int:
        faults = reached.faults
        troubles = [
            faults.silence,
            faults.garbage,
            lambda: faults.late(3.0),
            lambda: faults.late(0.5),
            lambda: faults.split(1, 0.2),
            faults.duplicate,
            lambda: faults.truncate(draw.randrange(4)),
            lambda: faults.replace(bytes(draw.randrange(256) for _ in range(8)) + b"\r\n"),
            faults.drop,
        ]
        loop = asyncio.get_running_loop()
        right = 0
        async with driver(model, reached) as switch:
            for step in range(80):
                draw.choice(troubles)()
                began = loop.time()
                try:
                    await switch.select(1 + step % 2)
                    assert await switch.position() == 1 + step % 2
                    assert reached.device.position == 1 + step % 2
                    right += 1
                except (InstrumentError, LinkError):
                    pass
                assert loop.time() - began < 15.0
                faults.clear()
                if switch._link.doubtful:
                    try:
                        await switch.select(1 + step % 2)
                    except (InstrumentError, LinkError):
                        await switch.close()
                        await switch.open()
        return right

    assert memory.run(simulated, scenario, door="serial") > 20
