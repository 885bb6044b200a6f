"""Instruments of any kinds as the source and the readout of a bench."""

from __future__ import annotations

import asyncio
from typing import Literal

import numpy as np
import pytest

from drivers.errors import LimitError
from drivers.readout_array import PortInput, ReadoutArray, ReadoutPort
from drivers.source_array import SourceArray, SourcePort


class Generator:
    """Two outputs of +-1 V that round to 1 mV."""

    outputs, max_points = 2, 100
    trigger_latency, min_dwell = 1e-7, 1e-6

    def __init__(self, name: str, fails: bool = False) -> None:
        self.name = name
        self.fails = fails
        self.loaded: list[np.ndarray] = []
        self.events: list[str] = []

    @property
    def full_scale(self) -> np.ndarray:
        return np.array([1.0, 0.5])

    def check_volts(self, volts: np.ndarray) -> None:
        if (np.abs(volts) > self.full_scale).any():
            raise LimitError(self.name, 1, float(np.abs(volts).max()), "1 V", "V")

    async def load(self, volts: np.ndarray, dwell: float) -> None:
        self.loaded.append(volts)

    async def arm(self) -> None:
        self.events.append("arm")

    def quantise(self, volts: np.ndarray) -> np.ndarray:
        return np.round(volts, 3)

    def planned_load(self, samples: int) -> float:
        return 1e-3 * samples

    def planned_arm(self) -> float:
        return 2e-3

    async def off(self) -> None:
        self.events.append("off")
        if self.fails:
            raise RuntimeError(f"{self.name} is gone")


def test_volts_reach_the_outputs_that_the_ports_name() -> None:
    a, b = Generator("a"), Generator("b")
    array = SourceArray("source", [SourcePort(b, 2), SourcePort(a, 1), SourcePort(b, 1)])
    volts = np.array([[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]])
    asyncio.run(array.load(volts, 1e-5))
    np.testing.assert_array_equal(b.loaded[0], volts[:, [2, 0]])
    np.testing.assert_array_equal(a.loaded[0], [[0.2, 0.0], [-0.2, 0.0]])
    np.testing.assert_array_equal(array.full_scale, [0.5, 1.0, 1.0])
    np.testing.assert_array_equal(array.quantise(volts + 4e-4), volts)
    assert (array.max_points, array.min_dwell) == (100, 1e-6)
    asyncio.run(array.arm())
    assert a.events == b.events == ["arm"]
    assert (array.planned_load(3), array.planned_arm()) == (3e-3, 2e-3)


def test_nothing_is_loaded_anywhere_where_one_refuses() -> None:
    a, b = Generator("a"), Generator("b")
    array = SourceArray("source", [SourcePort(a, 1), SourcePort(b, 2)])
    for volts, dwell in (
        (np.array([[0.5, 0.6]]), 1e-5),
        (np.zeros((1, 2)), 1e-7),
        (np.zeros((101, 2)), 1e-5),
    ):
        with pytest.raises(LimitError):
            asyncio.run(array.load(volts, dwell))
    with pytest.raises(LimitError):
        asyncio.run(array.load(np.zeros((1, 2)), float("nan")))
    with pytest.raises(ValueError, match="shape"):
        asyncio.run(array.load(np.zeros((1, 3)), 1e-5))
    assert a.loaded == b.loaded == []


def test_one_that_cannot_be_switched_off_does_not_stop_the_others() -> None:
    a, b = Generator("a", fails=True), Generator("b")
    array = SourceArray("source", [SourcePort(a, 1), SourcePort(b, 1)])
    with pytest.raises(RuntimeError, match="a is gone"):
        asyncio.run(array.off())
    assert b.events == ["off"]


def test_outputs_that_are_not_or_are_taken() -> None:
    a = Generator("a")
    for ports, said in (
        ([SourcePort(a, 3)], "not from 1 to 2"),
        ([SourcePort(a, 1), SourcePort(a, 1)], "wired to another port already"),
        ([], "at least one port"),
    ):
        with pytest.raises(ValueError, match=said):
            SourceArray("source", ports)


class Meter:
    """Three inputs: what they read is a number a meter, plus a tenth of it an input."""

    max_points, resolution = 50, 0.0
    read_inputs = (1, 2, 4)

    def __init__(self, name: str, level: float, unit: Literal["V", "W"] = "W") -> None:
        self.name = name
        self.unit: Literal["V", "W"] = unit
        self.level = level
        self.beyond: tuple[int, int] | None = None
        self.events: list[tuple[str, float]] = []

    @property
    def full_scale(self) -> np.ndarray:
        return np.array([2e-3, 2e-3, 1e-3])

    def time_points(self, point: float, *, average: bool) -> None:
        if not average:
            raise ValueError(f"{self.name} knows means only")
        self.events.append(("time", point))

    async def arm(self, points: int) -> None:
        self.events.append(("arm", points))

    async def fetch(self, first: int, count: int) -> np.ndarray:
        self.events.append(("fetch", first))
        watts = self.level * (1.0 + 0.1 * np.arange(3)) * np.ones((count, 3))
        if self.beyond is not None:
            watts[self.beyond] = self.full_scale[self.beyond[1]]
        return watts

    def planned_arm(self, points: int) -> float:
        return 0.1

    def planned_fetch(self, points: int) -> float:
        return 0.2

    async def off(self) -> None:
        self.events.append(("off", 0.0))


def test_a_pair_reads_the_difference_of_its_halves() -> None:
    plus, minus = Meter("plus", 0.5e-3), Meter("minus", 0.4e-3)
    array = ReadoutArray(
        "meters",
        [
            ReadoutPort(PortInput(plus, 4), PortInput(minus, 1)),
            ReadoutPort(PortInput(plus, 1), PortInput(minus, 2)),
        ],
        point=1e-5,
    )
    assert array.mode == "homodyne"
    asyncio.run(array.arm(20))
    assert plus.events == minus.events == [("time", 1e-5), ("arm", 20)]
    watts = asyncio.run(array.fetch(0, 3))
    np.testing.assert_allclose(watts, np.tile([0.2e-3, 0.06e-3], (3, 1)), atol=1e-12)
    np.testing.assert_array_equal(array.full_scale, [1e-3, 2e-3])
    assert (array.planned_arm(5), array.planned_fetch(5)) == (0.1, 0.2)


def test_beyond_the_range_of_one_half_the_port_reads_full_scale() -> None:
    plus, minus = Meter("plus", 1e-3), Meter("minus", 0.8e-3)
    array = ReadoutArray(
        "meters", [ReadoutPort(PortInput(plus, 1), PortInput(minus, 1))], point=1e-5
    )
    minus.beyond = (1, 0)
    watts = asyncio.run(array.fetch(0, 3))[:, 0]
    np.testing.assert_allclose(watts, [0.2e-3, -2e-3, 0.2e-3])


def test_single_inputs_read_intensities() -> None:
    meter = Meter("meter", 1e-3)
    array = ReadoutArray("meters", [ReadoutPort(PortInput(meter, 2))], point=1e-5)
    assert array.mode == "intensity"
    np.testing.assert_allclose(asyncio.run(array.fetch(0, 2)), [[1.1e-3], [1.1e-3]])
    asyncio.run(array.off())
    assert meter.events[-1] == ("off", 0.0)


def test_inputs_that_are_not_or_are_taken() -> None:
    meter = Meter("meter", 1e-3)
    one, other = PortInput(meter, 1), PortInput(meter, 2)
    for ports, said in (
        ([ReadoutPort(PortInput(meter, 3))], "which are read"),
        ([ReadoutPort(one), ReadoutPort(one)], "read for another port already"),
        ([ReadoutPort(one, one)], "read for another port already"),
        ([ReadoutPort(one, other), ReadoutPort(PortInput(meter, 4))], "some single"),
        ([], "at least one port"),
    ):
        with pytest.raises(ValueError, match=said):
            ReadoutArray("meters", ports, point=1e-5)


def test_instruments_of_two_units_read_together() -> None:
    """A port of volts beside a balanced pair of powers: each in its unit, with its own step."""
    volts, plus, minus = Meter("scope", 0.1, "V"), Meter("plus", 1e-3), Meter("minus", 0.8e-3)
    volts.resolution = 1e-3
    array = ReadoutArray(
        "readouts",
        [
            ReadoutPort(PortInput(volts, 2)),
            ReadoutPort(PortInput(plus, 1), PortInput(minus, 1)),
        ],
        point=1e-5,
    )
    assert array.mode == "homodyne"
    np.testing.assert_array_equal(array.resolution, [1e-3, 0.0])
    np.testing.assert_allclose(asyncio.run(array.fetch(0, 1)), [[0.11, 0.2e-3]])


@pytest.mark.parametrize(
    ("units", "said"),
    [("VW", "a pair of one input in V, one in W"), ("Ww", "some single powers")],
)
def test_units_that_do_not_go_together(units: str, said: str) -> None:
    first, other = Meter("first", 1.0, "V" if units[0] == "V" else "W"), Meter("other", 1.0, "W")
    pair = ReadoutPort(PortInput(first, 1), PortInput(other, 1))
    ports = [pair] if units == "VW" else [pair, ReadoutPort(PortInput(other, 2))]
    with pytest.raises(ValueError, match=said):
        ReadoutArray("readouts", ports, point=1e-5)


def test_a_single_power_does_not_stand_beside_volts() -> None:
    ports = [
        ReadoutPort(PortInput(Meter("scope", 1.0, "V"), 1)),
        ReadoutPort(PortInput(Meter("meter", 1.0), 1)),
    ]
    with pytest.raises(ValueError, match="some single powers"):
        ReadoutArray("readouts", ports, point=1e-5)


def test_a_point_that_an_instrument_cannot_have_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="meter knows means only"):
        ReadoutArray(
            "readouts", [ReadoutPort(PortInput(Meter("meter", 1.0), 1))], point=1e-5, average=False
        )


def test_triggers_that_come_later_count_to_the_latency() -> None:
    a, b = Generator("a"), Generator("b")
    ports = [SourcePort(a, 1), SourcePort(b, 1)]
    assert SourceArray("source", ports).trigger_latency == pytest.approx(1e-7)
    later = SourceArray("source", ports, later={"b": 2e-6, "elsewhere": 1.0})
    assert later.trigger_latency == pytest.approx(2.1e-6)


def test_points_before_there_is_anything_to_read_are_left_out() -> None:
    soon, late = Meter("soon", 1e-3), Meter("late", 1e-3)
    array = ReadoutArray(
        "meters",
        [ReadoutPort(PortInput(soon, 1)), ReadoutPort(PortInput(late, 1))],
        point=1e-5,
        early={"soon": 7},
    )
    assert array.max_points == 43
    asyncio.run(array.arm(20))
    asyncio.run(array.fetch(3, 10))
    assert soon.events[1:] == [("arm", 27), ("fetch", 10)]
    assert late.events[1:] == [("arm", 20), ("fetch", 3)]
