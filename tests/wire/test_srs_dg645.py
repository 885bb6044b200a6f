"""The DG645 driver against the simulated one: TCP and serial, trouble, all it can send."""

from __future__ import annotations

import asyncio
import random

import pytest

from drivers.instrument import InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.srs_dg645 import CHANNELS, QUANTITIES, SrsDg645, settings
from drivers.srs_dg645.settings import TRIGGER_RATE, TRIGGER_SOURCE
from drivers.transport.link import LinkError
from sim_backends.srs_dg645 import Dg645

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)


def driver(reached) -> SrsDg645:
    return SrsDg645("delay", reached.resource, reached.connector, link=LINK)


@pytest.mark.parametrize("door", ["tcp", "serial"])
def test_all_that_the_driver_can_send_is_known(wire, door: str) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as generator:
            assert generator.identity.serial == "008011"
            before = await generator.read_settings()
            assert "refused" not in str(before)
            for quantity in QUANTITIES:
                told = before[quantity.name]
                for output, value in told.items() if quantity.has_channels else [("", told)]:
                    await generator.set(quantity, value, output)
            assert await generator.read_settings() == before
            await generator.pulse("AB", 1e-6, 250e-9)
            await generator.pulse("CD", 0.0, 2.0)
            await generator.set_delay("E", "D", -0.5)
            times = await generator.read_times()
            assert times["B"] == pytest.approx(1.25e-6, abs=5e-12)
            assert times["E"] == pytest.approx(1.5, abs=5e-12)
            await generator.set_level("AB", 4.0, 0.5)
            await generator.arm()
            await generator.fire()
            assert len(reached.device.cycles) == 1
            await generator.off()
            assert [reached.device.volts(output, False) for output in range(5)] == [0.0] * 5

    wire.run(Dg645, scenario, door=door)


def test_ranges_are_the_instruments_own(memory) -> None:
    """What the driver lets through the instrument takes, to the ends of each range."""

    async def scenario(reached) -> None:
        async with driver(reached) as generator:
            for quantity in QUANTITIES:
                if quantity.name in ("amplitude", "offset", "delay", "delay_from"):
                    continue  # each limits another: below
                ends = (quantity.low, quantity.high)
                if quantity.choices:
                    ends = quantity.choices
                elif quantity.kind is bool:
                    ends = (True, False)
                for end in ends:
                    await generator.set(quantity, end, "GH" if quantity.has_channels else "")
            for amplitude, offset in ((5.0, 0.0), (0.5, -2.0), (3.0, 2.0), (0.5, 2.0), (5.0, -2.0)):
                await generator.set_level("T0", amplitude, offset)
            await generator.set_delay("A", "T0", 2000.0)
            with pytest.raises(LimitError):
                await generator.set_delay("B", "A", 1e-9)
            await generator.set_delay("B", "A", -2000.0)
            for reference, channel in zip("ABCDEFG", "BCDEFGH", strict=True):
                await generator.set(settings.DELAY, 0.0, channel)
                await generator.set(settings.DELAY_FROM, reference, channel)
                with pytest.raises(LimitError):  # 2000 s and more after T0
                    await generator.set(settings.DELAY, 1e-9, channel)
                await generator.set(settings.DELAY, -2000.0, channel)
                await generator.set(settings.DELAY, 0.0, channel)

    memory.run(Dg645, scenario, door="tcp")


def test_the_instruments_refusals_are_raised(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as generator:
            await generator.set(TRIGGER_SOURCE, "internal")
            with pytest.raises(InstrumentError, match=r"\*TRG.*11 \(illegal mode\)"):
                await generator._tell("*TRG")
            with pytest.raises(InstrumentError, match=r"111 \(undefined command\)"):
                await generator._ask("ABCD?")
            assert await generator.get(TRIGGER_SOURCE) == "internal"

    memory.run(Dg645, scenario, door="tcp")


@pytest.mark.parametrize("seed", range(4))
def test_trouble_ends_in_a_right_value_or_a_typed_error(memory, seed: int) -> None:
    """The rate counts up with each step: a stale reply would show."""
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
        async with driver(reached) as generator:
            for step in range(100):
                rate = 100.0 + step
                draw.choice(troubles)()
                began = loop.time()
                try:
                    await generator.set(TRIGGER_RATE, rate)
                    assert await generator.get(TRIGGER_RATE) == rate
                    right += 1
                except (InstrumentError, LinkError):
                    pass
                assert loop.time() - began < 12.0
                assert reached.device.state.values["TRAT"] <= rate
                faults.clear()
                if not generator._link.is_open or generator._link.doubtful:
                    try:
                        await generator.get(TRIGGER_RATE)
                    except (InstrumentError, LinkError):
                        await generator.close()
                        await generator.open()
        return right

    assert memory.run(Dg645, scenario, door="tcp") > 20


def test_names_are_numbered_as_on_the_wire() -> None:
    assert [CHANNELS.index(name) for name in ("T0", "T1", "A", "H")] == [0, 1, 2, 9]
