"""The N7744A driver against the simulated meters: frames of power after an edge."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.errors import InstrumentError, LimitError, TriggerTimeout
from drivers.keysight_n7744a import QUANTITIES, KeysightN7744A
from drivers.keysight_n7744a.settings import AUTO_RANGE, WAVELENGTH
from drivers.link_model import LinkModel
from drivers.numbered import NumberedSwitch
from drivers.roles import PowerMonitor
from drivers.transport.link import LinkError
from sim_backends import keysight_n7744a as simulated
from sim_backends.faults import garbage, late, silence, truncate

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)
LATENCY = 1e-6


class Bench:
    """Light that is port times a ramp in the time since the latest edge, and edges."""

    def __init__(self) -> None:
        self.edges: list[float] = []
        self.watts_per_second = 1e-2
        self.dark = False

    def watts(self, port: int, start: float, step: float, count: int) -> np.ndarray:
        since = self.edges[-1] if self.edges else start
        times = start + step * (np.arange(count) + 0.5) - since
        return port * self.watts_per_second * times * (not self.dark)

    def next_edge(self, after: float, rising: bool) -> float | None:
        return min((edge for edge in self.edges if rising and edge > after), default=None)


def maker(model: str = "N7745A", **options):
    def build(now):
        bench = Bench()
        meter = simulated.KeysightN7744A(
            now, bench, model=model, latency=LATENCY, **({"noise": 0.0, "offset": 0.0} | options)
        )
        meter.bench = bench
        return meter

    return build


def driver(reached, **options) -> KeysightN7744A:
    return KeysightN7744A("meter", reached.resource, reached.connector, link=LINK, **options)


def expected(ports, count: int, averaging: float) -> np.ndarray:
    times = LATENCY + averaging * (np.arange(count) + 0.5)
    return np.outer(1e-2 * times, np.array(ports))


@pytest.mark.parametrize("door", ["tcp", "message"])
@pytest.mark.parametrize("model", ["N7744A", "N7745C"])
def test_frames(wire, model: str, door: str) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached, averaging=1e-5) as meter:
            assert len(meter.ports) == (4 if model == "N7744A" else 8)
            for points in (50, 50, 20):
                await meter.arm(points)
                device.bench.edges.append(device.now())
                found = await meter.fetch(0, points)
                # A real clock cannot tell microseconds of an edge in its hours.
                want = expected(meter.ports, points, 1e-5)
                assert found == pytest.approx(want, rel=1e-3, abs=1e-10)
                assert np.array_equal(await meter.fetch(5, 10), found[5:15])
            assert len(device.errors) == 0
            await meter.off()
            assert not any(port.running for port in device.ports)

    wire.run(maker(model), scenario, door=door)


def test_a_point_an_edge(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        options = {"ports": (3, 1), "trigger": "SME", "averaging": 1e-4, "range_dbm": (0, -10)}
        async with driver(reached, **options) as meter:
            await meter.arm(3)
            now = device.now()
            device.bench.edges += [now + 1e-3, now + 2e-3, now + 3e-3]
            found = await meter.fetch(0, 3)
            assert found.shape == (3, 2)
            assert found[-1] == pytest.approx(expected((3, 1), 1, 1e-4)[0], rel=1e-3)
            assert device.settings.word("trigger_input", 2, 1) == "IGN"  # left alone

    memory.run(maker(), scenario, door="tcp")


def test_a_stability_run_between_two_frames(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached, ports=(3, 1), averaging=1e-4, range_dbm=(0, -10)) as meter:
            found = await meter.stability(0.2, 0.05, 0.01)
            assert found.shape == (4, 2)
            assert np.isfinite(found).all()
            assert (found > 0.0).all()
            await meter.arm(3)
            device.bench.edges.append(device.now())
            assert (await meter.fetch(0, 3)).shape == (3, 2)

    memory.run(maker(), scenario, door="tcp")


def test_saturation(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached, ports=(1, 8), range_dbm=-20, averaging=1e-4) as meter:
            await meter.arm(30)
            device.bench.edges.append(device.now())
            found = await meter.fetch(0, 30)
            want = expected((1, 8), 30, 1e-4)
            assert np.array_equal(meter.over_range, want > 1.9999e-5)
            assert meter.over_range.any(axis=0).tolist() == [True, True]
            assert found == pytest.approx(np.minimum(want, 1.9999e-5), rel=1e-6)
            await meter.off()
            await meter.set_range(8, 10)
            await meter.arm(30)
            device.bench.edges.append(device.now())
            found = await meter.fetch(0, 30)
            assert not meter.over_range[:, 1].any()
            assert found[:, 1] == pytest.approx(want[:, 1], rel=1e-6)

    memory.run(maker(), scenario, door="tcp")


def test_without_a_trigger(memory) -> None:
    async def scenario(reached) -> None:
        async with driver(reached, ports=(1,), trigger_timeout=0.1) as meter:
            await meter.arm(10)
            with pytest.raises(TriggerTimeout, match="trigger line"):
                await meter.fetch(0, 10)
            await meter.arm(10)
            reached.device.bench.edges.append(reached.device.now())
            assert (await meter.fetch(0, 10)).shape == (10, 1)

    memory.run(maker(), scenario, door="tcp")


def test_all_settings_are_told_and_can_be_set(wire) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as meter:
            before = await meter.read_settings()
            kept = [quantity for quantity in QUANTITIES if not quantity.measured]
            assert list(before) == [quantity.name for quantity in kept]
            for quantity in kept:
                told = before[quantity.name]
                values = told.items() if isinstance(told, dict) else [("", told)]
                for channel, value in values:
                    assert not isinstance(value, dict), (quantity.name, value)
                    await meter.set(quantity, value, channel and int(channel))
                    if isinstance(quantity, NumberedSwitch):
                        await meter.set(quantity, not value, int(channel))
                        assert await meter.get(quantity, int(channel)) is not value

    wire.run(maker(), scenario, door="tcp")


def test_looking_and_zeroing(memory) -> None:
    async def scenario(reached) -> None:
        bench = reached.device.bench
        async with driver(reached) as meter:
            bench.edges.append(reached.device.now() - 1.0)
            bench.watts_per_second = 1e-6
            await meter.prepare(1e-3)
            await meter.set_range(2, None)
            assert await meter.read_watts(2) == pytest.approx(2e-6, rel=0.2)
            assert await meter.get(QUANTITIES[2], 2) == -20.0
            with pytest.raises(InstrumentError, match="light"):
                await meter.zero()
            bench.dark = True
            await meter.zero()
            assert await meter.read_watts(1) == pytest.approx(0.0, abs=1e-15)

    memory.run(maker(offset=3e-9), scenario, door="tcp")


@pytest.mark.parametrize("trouble", [silence, garbage, lambda: late(5.0), lambda: truncate(5)])
def test_after_trouble_on_the_link_frames_are_right_again(memory, trouble) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached, timeout=0.5, ports=(1, 2), averaging=1e-4) as meter:
            for step in range(3):
                for action in (lambda: meter.arm(20), lambda: meter.fetch(0, 20)):
                    await meter.arm(20)
                    device.bench.edges.append(device.now())
                    reached.faults.order(trouble())
                    with pytest.raises((LinkError, InstrumentError)):
                        await action()
                await meter.arm(20 + step)
                device.bench.edges.append(device.now())
                found = await meter.fetch(0, 20 + step)
                assert found == pytest.approx(expected((1, 2), 20 + step, 1e-4), rel=1e-5)

    memory.run(maker(), scenario, door="tcp")


def test_many_points(wire) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached, ports=(1, 2), averaging=1e-6, range_dbm=10) as meter:
            await meter.arm(100_000)
            device.bench.edges.append(device.now())
            found = await meter.fetch(0, 100_000)
            assert np.abs(found - expected((1, 2), 100_000, 1e-6))[:, 0].max() < 1e-8

    wire.run(maker(), scenario, door="tcp")


def test_as_the_meter_of_a_tap(memory) -> None:
    async def scenario(reached) -> None:
        reached.device.bench.edges.append(-10.0)
        async with driver(reached, ports=[1, 2]) as meter:
            assert isinstance(meter, PowerMonitor)
            assert meter.inputs == 4
            await meter.watch(4, 1540e-9)
            assert await meter.get(WAVELENGTH, 4) == pytest.approx(1540e-9)
            assert await meter.get(AUTO_RANGE, 4) is True
            reached.device.bench.watts_per_second = 1e-7
            assert 0.0 < await meter.read_input(4) < 1e-3
            await meter.arm(10)  # a port that is no part of frames does not hold them up
            await meter.off()
            await meter.watch(2, 1540e-9)
            with pytest.raises(InstrumentError, match="port 2 ranges automatically"):
                await meter.arm(10)
            sent = meter.exchanges
            for refused in (meter.watch(5, 1540e-9), meter.read_input(0)):
                with pytest.raises(LimitError, match="1 to 4"):
                    await refused
            with pytest.raises(LimitError):
                await meter.watch(4, 800e-9)
            assert meter.exchanges == sent
            reached.device.bench.watts_per_second = 1e3
            with pytest.raises(InstrumentError, match="above the range"):
                await meter.read_input(4)

    memory.run(maker("N7744A"), scenario, door="tcp")
