"""The InfiniiVision driver against the simulated oscilloscopes: volts, segments, faults."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from drivers.errors import InstrumentError, LimitError, TriggerTimeout
from drivers.keysight_infiniivision import QUANTITIES, KeysightInfiniivision
from drivers.link_model import LinkModel
from drivers.transport.link import LinkError
from sim_backends import keysight_infiniivision as simulated
from sim_backends.faults import Fate, garbage, late, silence, truncate
from sim_backends.oscilloscope.inputs import EXTERNAL

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)
DWELL = 10e-6


class Steps:
    """A staircase at the inputs, from each trigger on; -0.05 V before it."""

    def __init__(self) -> None:
        self.triggers: list[float] = []
        self.source = EXTERNAL
        self.level = 0.0

    def next_edge(self, source: int, level: float, rising: bool, after: float) -> float | None:
        here = source == self.source and rising and 0.0 < level < 3.3
        return min((edge for edge in self.triggers if here and edge > after), default=None)

    def volts(self, channel: int, times: np.ndarray) -> np.ndarray:
        since = times - max((edge for edge in self.triggers if edge <= times[-1]), default=1e9)
        steps = np.floor(since / DWELL + 1e-6)
        return self.level + np.where(steps < 0, -0.05, 0.01 * channel * np.mod(steps, 8))


def maker(model: str = "DSOX1102G", source: int = EXTERNAL, **options):
    def build(now):
        steps = Steps()
        steps.source = source
        return simulated.KeysightInfiniivision(now, steps, model=model, **options)

    return build


def driver(reached, **options) -> KeysightInfiniivision:
    return KeysightInfiniivision(
        "scope", reached.resource, reached.connector, link=LINK, **{"scale": 0.05, **options}
    )


def error(volts: np.ndarray, channel: int, first: int, level: float = 0.0) -> np.ndarray:
    """Of points at 1 MSa/s, those on an edge of the staircase left out."""
    points = np.arange(first, first + len(volts))
    steps = np.floor((points + 0.5) / 10)
    wanted = level + 0.01 * channel * np.mod(steps, 8)
    return (volts - wanted)[np.mod(points, 10) > 0]


async def shoot(device) -> None:
    device.inputs.triggers.append(device.now())
    await asyncio.sleep(0)


@pytest.mark.parametrize("door", ["tcp", "message"])
@pytest.mark.parametrize("acquire", ["NORM", "HRES"])
def test_frames_are_read_in_volts(wire, door: str, acquire: str) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached, offset=(0.0, 0.1), acquire=acquire) as scope:
            for points in (1000, 1000, 200):
                await scope.arm(points)
                assert device.acquisition.state == "WAIT"
                await shoot(device)
                volts = await scope.fetch(50, 100)
                assert volts.shape == (100, 2)
                for at, channel in enumerate((1, 2)):
                    off = error(volts[:, at], channel, 50)
                    assert np.abs(off).max() < (3 if acquire == "NORM" else 0.5) * scope.resolution
                    assert abs(off.mean()) < 0.5 * scope.resolution
            assert len(device.errors) == 0
            await scope.off()
            assert device.acquisition.state == "STOP"

    wire.run(maker(), scenario, door=door)


def test_the_first_point_is_the_one_at_the_trigger(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        for rate in (1e5, 3e5, 1e7, 5e8):
            async with driver(reached, sample_rate=rate) as scope:
                await scope.arm(100)
                await shoot(device)
                volts = await scope.fetch(0, 100)
                times = device.inputs.triggers[-1] + (np.arange(100) + 0.25) / rate
                again = np.abs(volts[:, 0] - device.inputs.volts(1, times))
                assert np.median(again) < 2 * scope.resolution
                assert volts[0, 0] == pytest.approx(0.0, abs=3 * scope.resolution)  # not -0.05

    memory.run(maker(), scenario, door="tcp")


def test_segments(wire) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached) as scope:
            await scope.arm_segments(300, 5)
            triggers = device.now() + np.array([0.0, 0.01, 0.013, 0.02, 0.05])
            device.inputs.triggers += triggers.tolist()
            times, volts = await scope.fetch_segments(20, 200)
            assert times == pytest.approx(triggers - triggers[0], abs=1e-7)
            assert volts.shape == (5, 200, 2)
            for segment in volts:
                assert np.abs(error(segment[:, 1], 2, 20)).max() < 3 * scope.resolution
            await scope.arm(300)  # and back
            await shoot(device)
            volts = await scope.fetch(0, 300)
            assert np.abs(error(volts[:, 0], 1, 0)).max() < 3 * scope.resolution
            with pytest.raises(LimitError, match="in all segments"):
                await scope.arm_segments(100_000, 5)
            with pytest.raises(LimitError, match="2 to 1000 segments"):
                await scope.arm_segments(100, 1)

    wire.run(maker(), scenario, door="tcp")


def test_many_points(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, inputs=(2,)) as scope:
            await scope.arm(400_000)
            await shoot(reached.device)
            volts = await scope.fetch(0, 400_000)
            assert np.abs(error(volts[:, 0], 2, 0)).max() < 4 * scope.resolution
            with pytest.raises(LimitError, match="armed"):
                await scope.fetch(0, 400_001)
            with pytest.raises(LimitError, match="points"):
                await scope.arm(scope.max_points + 1)

    memory.run(maker(), scenario, door="tcp")


def test_a_channel_triggers(wire) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, trigger_source="CHAN4", inputs=(3, 1), scale=0.1) as scope:
            await scope.arm(400)
            await shoot(reached.device)
            volts = await scope.fetch(0, 400)
            for at, channel in enumerate((3, 1)):
                assert np.abs(error(volts[:, at], channel, 0)).max() < 3 * scope.resolution

    wire.run(maker("DSO-X 3034T", source=4), scenario, door="tcp")


def test_off_stops_and_silences_the_generator(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached) as scope:
            await scope.tell("WGEN:OUTP ON", "RUN")
            await scope.off()
            assert device.acquisition.state == "STOP"
            assert not device.settings.on("output")
            assert len(device.errors) == 0

    memory.run(maker(), scenario, door="tcp")


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


def test_another_client_is_noticed(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached) as scope:
            for name, value, match in (
                ("wave format", "WORD", "settings have changed"),
                ("points mode", "NORM", None),
                ("time range", 1.0, "points should be 1e-06 s apart"),
            ):
                await scope.arm(1000)
                if name == "time range":
                    device.settings[name] = value
                    device.acquisition.start(single=True)
                    await asyncio.sleep(0.2)
                await shoot(device)
                if name != "time range":
                    device.settings[name] = value
                if match is None:
                    assert (await scope.fetch(0, 100)).shape == (100, 2)
                    continue
                with pytest.raises(InstrumentError, match=match):
                    await scope.fetch(0, 100)

    memory.run(maker(), scenario, door="tcp")


def test_refusals_name_the_command(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, offset=60.0) as scope:
            with pytest.raises(InstrumentError, match=r"CHAN1:OFFS 60.*-222"):
                await scope.arm(100)
        async with driver(reached, inputs=(3,)) as scope:
            with pytest.raises(InstrumentError, match="no such input"):
                await scope.arm(100)

    memory.run(maker(), scenario, door="tcp")


def test_all_settings_are_told_and_can_be_set(wire) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as scope:
            await scope.arm(100)
            before = await scope.read_settings()
            assert list(before) == [one.name for one in QUANTITIES if not one.measured]
            for quantity in QUANTITIES:
                told = before.get(quantity.name)
                values = told.items() if isinstance(told, dict) else [("", told)]
                for channel, value in values if quantity.writable else ():
                    assert not isinstance(value, dict), (quantity.name, value)
                    await scope.set(quantity, value, channel and int(channel))
            assert await scope.read_settings() == before

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
            for frame in range(40):
                # Each frame has a level of its own.
                device.inputs.level = 0.02 * (frame % 5)
                reached.faults.clear()
                try:
                    await scope.arm(100)
                    await shoot(device)
                    for _ in range(frame % 12):
                        reached.faults.order(lambda reply: Fate(((reply, 0.0),)))
                    reached.faults.order(trouble())
                    volts = await scope.fetch(0, 100)
                except (InstrumentError, LinkError):
                    bad += 1
                    continue
                assert np.abs(error(volts[:, 0], 1, 0, device.inputs.level)).max() < 0.01
                good += 1
            assert good > 5
            assert bad > 5

    memory.run(maker(), scenario, door="tcp")
