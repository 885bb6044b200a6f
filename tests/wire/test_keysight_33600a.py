"""The 33500B/33600A driver against the simulated generators: what is played after an edge."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from drivers.errors import InstrumentError
from drivers.keysight_33600a import QUANTITIES, Keysight33600A, Segment
from drivers.link_model import LinkModel
from drivers.transport.link import LinkError
from sim_backends import keysight_33600a as simulated
from sim_backends.faults import garbage, late, silence, truncate

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)


class Trigger:
    """Edges at Ext Trig."""

    def __init__(self) -> None:
        self.edges: list[float] = []

    def next_edge(self, after: float, rising: bool) -> float | None:
        return min((edge for edge in self.edges if rising and edge > after), default=None)

    def before_change(self) -> None:
        """Nothing depends on it."""


def maker(model: str = "33622A", **options):
    def build(now):
        return simulated.Keysight33600A(
            now, Trigger(), model=model, latency=100e-9, jitter=0.0, **options
        )

    return build


def driver(reached, **options) -> Keysight33600A:
    return Keysight33600A("awg", reached.resource, reached.connector, link=LINK, **options)


def shoot(device, samples: int, dwell: float) -> np.ndarray:
    """Volts (samples + 2, channels) after an edge now, and before and after the frame."""
    edge = device.now()
    device.surroundings.edges.append(edge)
    device.advance()
    times = edge + 100e-9 + (np.arange(-1, samples + 1) + 0.5) * dwell
    return np.stack([output.at(times) for output in device.outputs], axis=1)


@pytest.mark.parametrize("model", ["33622A", "33522B", "33511B"])
@pytest.mark.parametrize("start", ["burst", "sequence"])
@pytest.mark.parametrize("samples", [3, 100])
def test_frames_are_played_as_quantised(wire, model: str, start: str, samples: int) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        random = np.random.default_rng(5)
        options = {"amplitude": (2.0, 1.0), "offset": (0.0, 0.25), "start": start}
        async with driver(reached, **options) as awg:
            for _ in range(3):
                volts = random.uniform(-0.25, 0.75, (samples, awg.outputs))
                await awg.load(volts, 1e-6)
                await awg.arm()
                played = shoot(device, samples, 1e-6)
                expected = awg.quantise(volts)
                assert played[1:-1] == pytest.approx(expected, abs=1e-9)
                rest = np.zeros(awg.outputs) if start == "sequence" else expected[0]
                assert played[[0, -1]] == pytest.approx(np.stack([rest, rest]), abs=5e-4)
                again = shoot(device, samples, 1e-6)  # armed still
                assert again[1:-1] == pytest.approx(expected, abs=1e-9)
            await awg.off()
            assert not any(output.enabled for output in device.outputs)
            assert not shoot(device, samples, 1e-6).any()
            assert len(device.errors) == 0

    wire.run(maker(model), scenario, door="tcp")


def test_nothing_is_played_while_a_frame_is_replaced(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached) as awg:
            await awg.load(np.full((50, 2), 0.5), 1e-6)
            assert shoot(device, 50, 1e-6)[1:-1] == pytest.approx(0.5, abs=1e-3)  # at rest
            before = device.outputs[0].player.last
            assert before.head.values.size == 0  # not armed: the edge did nothing

    memory.run(maker(), scenario, door="tcp")


def test_all_settings_are_told_and_can_be_set(wire) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as awg:
            before = await awg.read_settings()
            assert list(before) == [quantity.name for quantity in QUANTITIES]
            for quantity in QUANTITIES:
                told = before[quantity.name]
                values = told.items() if isinstance(told, dict) else [("", told)]
                for channel, value in values:
                    assert not isinstance(value, dict), (quantity.name, value)
                    await awg.set(quantity, value, channel and int(channel))
            assert await awg.read_settings() == before
            await awg.sync(2)
            assert (await awg.read_settings())["sync_source"] == "CH2"

    wire.run(maker(), scenario, door="tcp")


def test_over_hislip(wire) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as awg:
            volts = np.random.default_rng(1).uniform(-1, 1, (200, 2))
            await awg.load(volts, 1e-6)
            await awg.arm()
            played = shoot(reached.device, 200, 1e-6)
            assert played[1:-1] == pytest.approx(awg.quantise(volts), abs=1e-9)

    wire.run(maker(), scenario, door="message")


def test_a_large_frame(wire) -> None:
    async def scenario(reached) -> None:
        async with driver(reached) as awg:
            assert awg.max_points == 1_000_000
            volts = np.sin(np.arange(500_000) / 7.0)[:, None]
            await awg.load(volts, 1e-6)
            arb = reached.device.channels[0].memory.arb("FRAME")
            assert np.abs(arb.values - volts[:, 0]).max() < 2e-5

    wire.run(maker("33511B", upload_rate=2e7), scenario, door="tcp")


def test_sequences(memory) -> None:
    async def scenario(reached) -> None:
        ramp = np.linspace(-1.0, 1.0, 40)
        async with driver(reached) as awg:
            await awg.load(np.zeros((40, 2)), 1e-6)
            segments = [
                Segment("low", np.full(32, -1.0), "onceWaitTrig"),
                Segment("ramp", ramp, "repeat", repeats=3, marker="highAtStart"),
            ]
            await awg.load_sequence(2, "three", segments, 1e-6)
            await asyncio.sleep(1e-3)
            played = shoot(reached.device, 120, 1e-6)[:, 1]
            assert played == pytest.approx([-1.0, *np.tile(ramp, 3), -1.0], abs=2e-4)
            # And back: a frame on both.
            volts = np.full((40, 2), 0.25)
            await awg.load(volts, 1e-6)
            await awg.arm()
            assert shoot(reached.device, 40, 1e-6)[1:-1] == pytest.approx(volts, abs=2e-4)

    memory.run(maker(), scenario, door="tcp")


def test_a_setting_that_is_adjusted_is_an_error(memory) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached, amplitude=4.0) as awg:
            device.outputs[0].level.set_amplitude = lambda volts: None  # stuck
            with pytest.raises(InstrumentError, match="4 was set"):
                await awg.load(np.zeros((40, 2)), 1e-6)

    memory.run(maker(), scenario, door="tcp")


@pytest.mark.parametrize("trouble", [silence, garbage, lambda: late(5.0), lambda: truncate(1)])
def test_after_trouble_on_the_link_frames_are_right_again(memory, trouble) -> None:
    async def scenario(reached) -> None:
        device = reached.device
        async with driver(reached, timeout=0.5) as awg:
            volts = np.random.default_rng(2).uniform(-1, 1, (40, 2))
            await awg.load(volts, 1e-6)
            for at in range(4):
                reached.faults.order(trouble())
                with pytest.raises((LinkError, InstrumentError)):
                    await awg.load(np.roll(volts, at + 1, axis=0), 1e-6)
                await awg.load(volts, 1e-6)
                await awg.arm()
                played = shoot(device, 40, 1e-6)
                assert played[1:-1] == pytest.approx(awg.quantise(volts), abs=1e-9)

    memory.run(maker(), scenario, door="tcp")
