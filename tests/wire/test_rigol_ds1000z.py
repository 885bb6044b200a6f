"""The DS1000Z driver against the simulated oscilloscopes: volts, memory, triggers, faults."""

from __future__ import annotations

import asyncio
import re

import numpy as np
import pytest

from drivers.errors import InstrumentError, LimitError, TriggerTimeout
from drivers.link_model import LinkModel
from drivers.rigol_ds1000z import QUANTITIES, RigolDs1000z
from drivers.transport.link import LinkError
from drivers.transport.real import RealConnector
from sim_backends import rigol_ds1000z as simulated
from sim_backends.faults import Fate, LinkFaults, garbage, late, silence, truncate
from sim_backends.host import vxi11
from sim_backends.host.clock import BenchClock
from sim_backends.host.session import LinkTiming
from sim_backends.host.tcp import port_of, serve_tcp
from sim_backends.oscilloscope.inputs import EXTERNAL
from tests.wire.conftest import Reached

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)


class Steps:
    """A staircase at the inputs, from each trigger on; -0.05 V before it."""

    DWELL = 10e-6

    def __init__(self) -> None:
        self.triggers: list[float] = []
        self.source = EXTERNAL
        self.level = 0.0

    def next_edge(self, source: int, level: float, rising: bool, after: float) -> float | None:
        here = source == self.source and rising and 0.0 < level < 3.3
        return min((edge for edge in self.triggers if here and edge > after), default=None)

    def volts(self, channel: int, times: np.ndarray) -> np.ndarray:
        since = times - max((edge for edge in self.triggers if edge <= times[-1]), default=1e9)
        steps = np.floor(since / self.DWELL + 1e-6)
        return self.level + np.where(steps < 0, -0.05, 0.01 * channel * np.mod(steps, 8))


def maker(model: str = "DS1202Z-E", source: int = EXTERNAL, **options):
    def build(now):
        steps = Steps()
        steps.source = source
        return simulated.RigolDs1000z(now, steps, model=model, **options)

    return build


def driver(reached, **options) -> RigolDs1000z:
    options = {"trigger_source": "EXT", "sample_rate": 1e6, "scale": 0.05, **options}
    return RigolDs1000z("scope", reached.resource, reached.connector, link=LINK, **options)


def expected(channel: int, first: int, count: int, rate: float = 1e6) -> np.ndarray:
    steps = np.floor((np.arange(first, first + count) + 0.5) / rate / Steps.DWELL)
    return 0.01 * channel * np.mod(steps, 8)


async def shoot(device) -> None:
    device.inputs.triggers.append(device.now())
    await asyncio.sleep(0)


def test_frames_are_read_in_volts(wire) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached, offset=(0.0, -0.1)) as scope:
            for points in (1000, 1000, 200):
                await scope.arm(points)
                assert device.acquisition.state == "WAIT"
                await shoot(device)
                volts = await scope.fetch(50, 100)
                assert volts.shape == (100, 2)
                for at, channel in enumerate((1, 2)):
                    wanted = expected(channel, 50, 100)
                    keep = np.mod(np.arange(50, 150), 10) > 0
                    error = volts[keep, at] - wanted[keep]
                    assert np.abs(error).max() < 5 * scope.resolution
                    assert abs(error.mean()) < 0.5 * scope.resolution
            assert len(device.errors) == 0
            await scope.off()
            assert device.acquisition.state == "STOP"

    wire.run(maker("DS1202Z-E"), scenario, door="tcp")


def test_the_first_point_is_the_one_at_the_trigger(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        for rate in (1e5, 2.5e5, 1e7, 5e8):
            async with driver(reached, sample_rate=rate) as scope:
                await scope.arm(100)
                await asyncio.sleep(0.01)
                await shoot(device)
                volts = await scope.fetch(0, 100)
                record = device.acquisition.records[-1]
                times = record.triggers[0] + np.arange(100) / rate
                seen = device.inputs.volts(1, times + 0.25 / rate)
                again = np.abs(volts[:, 0] - seen)
                assert np.median(again) < 2 * scope.resolution
                assert volts[0, 0] == pytest.approx(0.0, abs=4 * scope.resolution)  # not -0.05

    memory.run(maker(), scenario, door="tcp")


@pytest.mark.filterwarnings("ignore:.*:UserWarning:pyvisa_py")
def test_over_vxi11() -> None:
    """Its other link: one message after the other, and a device clear."""

    async def main() -> None:
        device = maker()(BenchClock().now)
        converse = next(door for door in device.doors if door.kind == "message").converse
        connected = vxi11.client_connected(converse, LinkTiming(), LinkFaults())
        server = await serve_tcp("127.0.0.1", 0, connected)
        resource = f"TCPIP::127.0.0.1,{port_of(server)}::inst0::INSTR"
        reached = Reached(device, RealConnector(), resource, LinkFaults())
        try:
            async with driver(reached) as scope:
                await scope.arm(500)
                await shoot(device)
                volts = await scope.fetch(0, 500)
                keep = np.mod(np.arange(500), 10) > 0
                wrong = volts[keep, 0] - expected(1, 0, 500)[keep]
                assert np.abs(wrong).max() < 5 * scope.resolution
                await scope.off()
        finally:
            server.close()

    asyncio.run(asyncio.wait_for(main(), 30.0))


def test_what_a_frame_costs(memory) -> None:
    """13 exchanges for two inputs, as the page says, and the time that is planned for them."""

    async def scenario(reached) -> None:
        loop = asyncio.get_running_loop()
        async with driver(reached) as scope:
            for _ in range(2):
                before, start = scope.exchanges, loop.time()
                await scope.arm(1000)
                await asyncio.sleep(0.01)
                await shoot(reached.device)
                await asyncio.sleep(0.02)
                waited = loop.time() - start
                at_fetch = scope.exchanges
                start = loop.time()
                await scope.fetch(0, 500)
                took = loop.time() - start
            assert at_fetch - before in (2, 3)  # it may first be filling what is before
            assert scope.exchanges - at_fetch == 11
            assert waited < 0.05
            assert took == pytest.approx(scope.planned_fetch(500), rel=0.3)

    memory.run(maker(), scenario, door="tcp")


def test_a_window_longer_than_one_read(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, inputs=(2,), sample_rate=1e7) as scope:
            await scope.arm(700_000)
            await shoot(reached.device)
            volts = await scope.fetch(1000, 600_000)
            keep = np.mod(np.arange(1000, 601_000), 100) > 0
            wanted = expected(2, 1000, 600_000, 1e7)
            assert np.abs(volts[keep, 0] - wanted[keep]).max() < 6 * scope.resolution
            with pytest.raises(LimitError, match="armed"):
                await scope.fetch(0, 700_001)
            with pytest.raises(LimitError, match="points"):
                await scope.arm(scope.max_points + 1)

    memory.run(maker(), scenario, door="tcp")


def test_a_channel_triggers_where_there_is_no_external_input(wire) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, trigger_source="CHAN4", sample_rate=1.25e6) as scope:
            await scope.arm(400)
            await shoot(reached.device)
            volts = await scope.fetch(0, 400)
            assert volts.shape == (400, 2)
            assert not reached.device.settings.on("display", 4)
            await scope.off()
        async with driver(reached) as scope:
            with pytest.raises(InstrumentError, match="let a channel trigger"):
                await scope.arm(100)

    wire.run(maker("DS1104Z-S Plus", source=4), scenario, door="tcp")


def test_off_stops_and_silences_the_generator(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached, trigger_source="CHAN4", sample_rate=1.25e6) as scope:
            await scope.tell("SOUR1:OUTP1 ON")
            await scope.tell("RUN")
            await scope.off()
            assert device.acquisition.state == "STOP"
            assert not device.settings.on("output", 1, 1)
            assert len(device.errors) == 0

    memory.run(maker("MSO1104Z-S", source=4), scenario, door="tcp")


def test_no_trigger_is_a_typed_error_that_names_the_cause(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, trigger_timeout=0.5) as scope:
            with pytest.raises(InstrumentError, match="not armed"):
                await scope.fetch(0, 1)
            await scope.arm(100)
            with pytest.raises(TriggerTimeout, match="reaches EXT with edges through 1 V"):
                await scope.fetch(0, 100)
            await scope.arm(100)
            await shoot(reached.device)
            assert (await scope.fetch(0, 100)).shape == (100, 2)

    memory.run(maker(), scenario, door="tcp")


def test_a_trigger_that_comes_at_once_is_waited_for_again(memory) -> None:
    """A free-running trigger: armed only when it is seen to wait, and the frame is a new one."""

    async def scenario(reached) -> None:
        device = reached.device
        now = device.now()
        device.inputs.triggers = [now + 0.0137 * n for n in range(1, 400)]
        async with driver(reached) as scope:
            last = 0.0
            for _ in range(4):
                await scope.arm(100)
                await scope.fetch(0, 100)
                trigger = device.acquisition.records[-1].triggers[0]
                assert trigger > last
                last = trigger

    memory.run(maker(), scenario, door="tcp")


def test_another_client_is_noticed(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached) as scope:
            for name, value, match in (
                ("wave format", "WORD", "bytes of the memory"),
                ("wave mode", "NORM", "bytes of the memory"),
            ):
                await scope.arm(100)
                await shoot(device)
                device.settings[name] = value
                with pytest.raises(InstrumentError, match=match):
                    await scope.fetch(0, 100)
                await scope.arm(100)  # sets everything anew
                await shoot(device)
                assert (await scope.fetch(0, 100)).shape == (100, 2)

    memory.run(maker(), scenario, door="tcp")


def test_refusals_name_the_command(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, offset=50.0) as scope:
            with pytest.raises(InstrumentError, match=r"CHAN1:OFFS 50.*-222"):
                await scope.arm(100)

    memory.run(maker(), scenario, door="tcp")


def test_all_settings_are_told_and_can_be_set(wire) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as scope:
            await scope.arm(100)
            before = await scope.read_settings()
            assert list(before) == [one.name for one in QUANTITIES if not one.measured]
            await scope.tell("RUN")
            for quantity in QUANTITIES:
                if not quantity.writable or quantity.name == "trigger_sweep":
                    continue
                told = before[quantity.name]
                values = told.items() if isinstance(told, dict) else [("", told)]
                for channel, value in values:
                    assert not isinstance(value, dict), (quantity.name, value)
                    await scope.set(quantity, value, channel and int(channel))
            after = await scope.read_settings()
            assert {**after, "trigger_sweep": ""} == {**before, "trigger_sweep": ""}

    wire.run(maker(), scenario, door="tcp")


@pytest.mark.parametrize(
    "trouble", [silence, garbage, lambda: late(5.0), lambda: truncate(3)],
    ids=["silence", "garbage", "late", "truncate"],
)  # fmt: skip
def test_faults_end_in_typed_errors_and_never_in_old_data(memory, trouble) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        good, bad = 0, 0
        async with driver(reached, timeout=0.3, trigger_timeout=0.5) as scope:
            for frame in range(60):
                # Each frame has a level of its own.
                device.inputs.level = 0.02 * (frame % 7)
                reached.faults.clear()
                try:
                    await scope.arm(100)
                    await shoot(device)
                    for _ in range(frame % 45):
                        reached.faults.order(lambda reply: Fate(((reply, 0.0),)))
                    reached.faults.order(trouble())
                    volts = await scope.fetch(0, 100)
                except (InstrumentError, LinkError):
                    bad += 1
                    continue
                keep = np.mod(np.arange(100), 10) > 0
                wanted = expected(1, 0, 100)[keep] + device.inputs.level
                assert np.abs(volts[keep, 0] - wanted).max() < 0.01
                good += 1
            assert good > 5
            assert bad > 5

    memory.run(maker(), scenario, door="tcp")


def test_models_that_are_others_are_refused(memory) -> None:
    def build(now):
        scope = simulated.RigolDs1000z(now, Steps(), model="DS1054Z")
        scope.identity = re.sub("DS1054Z", "DHO804", scope.identity)
        return scope

    async def scenario(reached) -> None:
        with pytest.raises(InstrumentError, match="DHO804"):
            await driver(reached).open()

    memory.run(build, scenario, door="tcp")
