"""The Polatis driver against the simulated switch, and one input of it as a switch of many ways."""

from __future__ import annotations

import asyncio
import random

import pytest

from drivers.errors import InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.matrix_ways import MatrixWays
from drivers.polatis import BOOT_MODE, Polatis
from drivers.roles import OpticalMatrix, OpticalSwitch
from drivers.transport.link import LinkError
from sim_backends.polatis import Polatis as SimulatedMatrix

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)


def maker(**options):
    return lambda now: SimulatedMatrix(now, 16, 16, **options)


def driver(reached) -> Polatis:
    return Polatis("matrix", reached.resource, reached.connector, link=LINK)


@pytest.mark.parametrize("in_use", ["moves", "refused"])
def test_all_that_the_driver_can_send_is_known(wire, in_use: str) -> None:
    """Whatever the real one does to a port that is joined already."""

    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached) as matrix:
            assert isinstance(matrix, OpticalMatrix)
            assert matrix.size == (16, 16)
            await matrix.only({1: 17, 2: 18, 16: 32})
            await matrix.connect({3: 20})
            with pytest.raises(InstrumentError, match="1 to 17 is joined"):
                await matrix.connect({4: 17})
            await matrix.disconnect([2, 9])
            await matrix.connect({4: 18})
            wanted = {1: 17, 3: 20, 4: 18, 16: 32}
            assert await matrix.connections() == wanted == device.joined
            assert await matrix.partner(20) == 3
            assert await matrix.partner(2) is None
            await asyncio.sleep(matrix.settle_time)
            assert device.ways == wanted
            await matrix.disable([16, 5])
            assert await matrix.connections() == {1: 17, 3: 20, 4: 18}
            with pytest.raises(InstrumentError, match="Settings conflict"):
                await matrix.connect({5: 21})
            await matrix.enable([16, 5])
            device.own_faults["broken"]("7")()
            with pytest.raises(InstrumentError, match="Hardware error"):
                await matrix.connect({7: 21})
            with pytest.raises(InstrumentError, match="failed"):
                await matrix.enable([7])
            found = await matrix.read_settings()
            assert found["connections"] == {"1": 17, "3": 20, "4": 18}
            assert found["ports"]["7"] == "failed"
            assert (found["size"], found["boot_mode"]) == ([16, 16], "DARK")
            for mode in BOOT_MODE.choices:
                await matrix.set(BOOT_MODE, mode)
                assert await matrix.get(BOOT_MODE) == mode
            await matrix.off()
            assert device.joined == device.ways == {}

    wire.run(maker(in_use=in_use), scenario, door="tcp")


def test_one_input_as_a_switch_of_many_ways(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as matrix:
            switch = MatrixWays("routing", matrix, 2, (20, 17, 30))
            assert isinstance(switch, OpticalSwitch)
            assert (switch.positions, switch.settle_time) == (3, 0.1)
            await matrix.connect({1: 30, 5: 31})
            with pytest.raises(InstrumentError, match="nothing"):
                await switch.position()
            for position in (1, 2, 2, 1):
                await switch.select(position)
                assert await switch.position() == position
            assert await matrix.connections() == {1: 30, 2: 20, 5: 31}
            with pytest.raises(InstrumentError, match=r"1 has 30.*disconnect input 1"):
                await switch.select(3)
            assert await switch.position() == 1  # nothing was parted for it
            for wrong in (0, 4):
                with pytest.raises(LimitError, match="1 to 3"):
                    await switch.select(wrong)
            await matrix.only({2: 25})
            with pytest.raises(InstrumentError, match="output 25"):
                await switch.position()
            for ways in ((), (17, 17)):
                with pytest.raises(ValueError, match="each once"):
                    MatrixWays("routing", matrix, 2, ways)

    memory.run(maker(), scenario, door="tcp")


@pytest.mark.parametrize("seed", range(4))
def test_trouble_ends_in_a_right_value_or_a_typed_error(memory, seed: int) -> None:
    """Every step joins another output: a stale reply would show."""
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
            lambda: faults.replace(bytes(draw.randrange(256) for _ in range(20)) + b"\r\n"),
            faults.drop,
        ]
        loop = asyncio.get_running_loop()
        right = 0
        async with driver(reached) as matrix:
            for step in range(60):
                pairs = {1 + step % 7: 17 + step % 16}
                if step % 2:  # every other step is without trouble, and must be right
                    draw.choice(troubles)()
                began = loop.time()
                try:
                    await matrix.only(pairs)
                    assert reached.device.joined == pairs
                    assert await matrix.connections() == pairs
                    right += 1
                except (InstrumentError, LinkError):
                    assert step % 2
                assert loop.time() - began < 20.0
                faults.clear()
                try:
                    await matrix.connections()
                except (InstrumentError, LinkError):
                    await matrix.close()
                    await matrix.open()
        return right

    assert memory.run(maker(), scenario, door="tcp") > 30
