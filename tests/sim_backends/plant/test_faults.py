"""Broken hardware of the simulated bench shows in current and light, on both paths."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_backends.bench import BenchDocumentError, SimulatedBench
from sim_backends.plant import Plant, PlantSpec, PlantSpecError
from sim_backends.plant.faults import KINDS, read_faults
from sim_backends.plant.signals import Floats
from sim_backends.qontrol_q8 import QontrolChain
from sim_backends.slot import SlotMachine
from sim_backends.virtual_time import VirtualTimeLoop
from tests.sim_backends.plant.documents import bench_document

AT = 10.0
LEVEL = 0.010


def _document(*faults: dict[str, Any], **plant: Any) -> dict[str, Any]:
    """Two banks of 4 ports on one chassis: element e of bank b on channel 16 b + e."""
    off = ["noise", "drift", "readback", "crosstalk", "quantisation"]
    return bench_document(4, 2, fault=list(faults), switch_off=off, **plant)


class _Slot:
    """The slot path: powers in, volts out."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.plant = Plant.from_document(document)
        self._machine = SlotMachine(document, plant=self.plant)
        self._levels = np.zeros((2, 16))

    def set(self, bank: int, element: int, level: float = LEVEL) -> None:
        self._levels[bank, element] = level
        self._machine.program(self._levels)

    def seen(self) -> Floats:
        self._machine.advance(AT)
        return self._machine.frame(0, _DRIVE)


class _Wire:
    """The heater drivers' side of the wire path; light is read from the plant behind it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.plant = Plant.from_document(document)
        bench = SimulatedBench(document, plant=self.plant)
        chain = bench.instruments["heaters-0"]
        assert isinstance(chain, QontrolChain)
        self.chain = chain

        async def start() -> float:
            return bench.clock.now()

        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(start())

    def set(self, bank: int, element: int, level: float = LEVEL) -> None:
        self.chain.set_volts(np.array([16 * bank + element]), np.array([np.sqrt(level * 800.0)]))

    def seen(self) -> Floats:
        return self.plant.slot(0, _DRIVE, at=AT)


_DRIVE = np.random.default_rng(5).uniform(-0.4, 0.4, (12, 4))
Path = type[_Slot] | type[_Wire]
both_paths = pytest.mark.parametrize("path", [_Slot, _Wire])


def _phase_turned(path: Path, element: int, *faults: dict[str, Any]) -> Floats:
    """How the light changes when an element of bank 0 gets LEVEL."""
    bench = path(_document(*faults))
    before = bench.seen()
    bench = path(_document(*faults))
    bench.set(0, element)
    return bench.seen() - before


@both_paths
@pytest.mark.parametrize("kind", ["open", "short"])
def test_a_broken_heater_turns_no_light(path: Path, kind: str) -> None:
    fault = {"kind": kind, "bank": 0, "element": 2}
    assert np.abs(_phase_turned(path, 2)).max() > 0.01
    assert np.abs(_phase_turned(path, 2, fault)).max() == 0.0
    np.testing.assert_allclose(_phase_turned(path, 3, fault), _phase_turned(path, 3), atol=1e-12)


@both_paths
def test_a_stuck_channel_is_stuck_from_the_start(path: Path) -> None:
    stuck = path(_document({"kind": "stuck", "bank": 0, "element": 2, "value": 3.0}))
    sound = path(_document())
    sound.set(0, 2, 3.0**2 / 800.0)
    held = stuck.seen()
    np.testing.assert_allclose(held, sound.seen(), atol=1e-6)
    stuck.set(0, 2)
    np.testing.assert_allclose(stuck.seen(), held, atol=1e-12)


@both_paths
def test_swapped_heaters_turn_each_others_light(path: Path) -> None:
    fault = {"kind": "swapped", "bank": 0, "element": 2, "other": 9}
    swapped, sound = path(_document(fault)), path(_document())
    swapped.set(0, 2)
    sound.set(0, 9)
    np.testing.assert_allclose(swapped.seen(), sound.seen(), atol=1e-12)
    assert np.abs(swapped.seen() - path(_document()).seen()).max() > 0.01


@both_paths
def test_a_reversed_heaters_phase_falls_with_power(path: Path) -> None:
    bench, sound = path(_document({"kind": "reversed", "bank": 0, "element": 2})), path(_document())
    for one in (bench, sound):
        one.set(0, 2)
        one.seen()
    x = sound.plant.settled_powers(0, np.where(np.arange(16) == 2, np.sqrt(LEVEL * 800), 0.0))
    cold = sound.plant.devices.phase[0]
    turned = sound.plant._phases(0, x) - cold
    assert turned[2] > 1.0
    np.testing.assert_allclose(bench.plant._phases(0, x) - cold, -turned, atol=1e-12)
    assert np.abs(bench.seen() - sound.seen()).max() > 0.01


@both_paths
def test_a_dead_port_shows_nothing_but_its_offset(path: Path) -> None:
    seen = path(_document({"kind": "dead_port", "port": 1})).seen()
    sound = path(_document()).seen()
    assert np.ptp(seen[:, 1]) == 0.0
    assert abs(seen[0, 1]) < 0.05
    np.testing.assert_array_equal(np.delete(seen, 1, axis=1), np.delete(sound, 1, axis=1))


def test_currents_of_broken_heaters_over_the_wire() -> None:
    wire = _Wire(
        _document(
            {"kind": "open", "bank": 1, "element": 0},
            {"kind": "stuck", "bank": 1, "element": 1, "value": 4.0},
            {"kind": "swapped", "bank": 1, "element": 2, "other": 3},
            {"kind": "short", "bank": 1, "element": 4},
        )
    )
    sound = _Wire(_document())
    channels = 16 + np.arange(6)
    for one in (wire, sound):
        one.chain.i_max[:] = 0.012
    tripped = wire.chain.set_volts(channels, np.full(6, 2.0))
    assert [fault.channel for fault in tripped] == [20]
    assert sound.chain.set_volts(channels, np.full(6, 2.0)) == []
    amps, good = wire.chain.read_amps(channels), sound.chain.read_amps(channels)
    assert amps[0] == 0.0
    assert amps[1] == pytest.approx(2 * good[1], rel=0.05)
    np.testing.assert_allclose(amps[2:4], good[[3, 2]])
    assert good[2] != pytest.approx(good[3], rel=1e-4)
    assert amps[5] == good[5]
    drawn = wire.plant.heater_amps(1, np.array([4]), np.array([1.0]))[0]
    assert drawn == pytest.approx(0.2)


def test_all_that_is_wrong_with_faults_is_told_at_once() -> None:
    document = bench_document(
        4,
        2,
        fault=[
            {"kind": "melted", "bank": 0, "element": 0},
            {"kind": "open", "bank": 2, "element": True},
            {"kind": "stuck", "bank": 0, "element": 1},
            {"kind": "stuck", "bank": 0, "element": 16, "value": float("nan")},
            {"kind": "swapped", "bank": 0, "element": 2, "other": 2},
            {"kind": "dead_port", "port": 4, "bank": 0},
            {"kind": "open", "bank": 0, "element": 5},
            {"kind": "short", "bank": 0, "element": 5},
            3,
        ],
        drift_step=-1.0,
    )
    with pytest.raises(PlantSpecError) as caught:
        PlantSpec.from_document(document)
    for path in (
        "0.kind", "1.bank", "1.element", "2.value: missing", "3.element", "3.value", "4.other",
        "5.port", "5.bank: no key", "7: plant.fault.6 is of the same place", "8: a table",
    ):  # fmt: skip
        assert f"plant.fault.{path}" in str(caught.value), path
    assert "plant.drift_step" in str(caught.value)
    assert "plant.fault.6:" not in str(caught.value)
    with pytest.raises(BenchDocumentError, match=r"plant\.fault\.0\.kind"):
        SimulatedBench(document)
    with pytest.raises(PlantSpecError, match=r"write \[\[plant.fault\]\]"):
        PlantSpec.from_document(bench_document(4, 2, fault={"kind": "open"}))


_VALUES = st.none() | st.booleans() | st.integers(-2, 20) | st.floats() | st.text(max_size=3)
_KEYS = st.sampled_from(["kind", "bank", "element", "other", "port", "value", "colour"])
_LIKELY = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: st.fixed_dictionaries(
        {"kind": st.just(kind), **{key: st.integers(0, 2) for key in KINDS[kind]}}
    )
)


@settings(max_examples=100, deadline=None)
@given(st.lists(_LIKELY | st.dictionaries(_KEYS, _VALUES) | _VALUES, max_size=3))
def test_a_table_is_built_or_refused(faults: list[Any]) -> None:
    complaints: list[str] = []
    read_faults(faults, 2, 2, True, complaints)
    if complaints:
        assert all(text.startswith("plant.fault.") for text in complaints)
    else:
        plant = Plant.from_document(bench_document(2, 2, fault=faults))
        plant.set_volts(0, np.arange(4), np.full(4, 3.0), at=0.0)
        assert np.isfinite(plant.slot(0, np.full((2, 2), 0.3), at=1.0)).all()


def test_a_microring_has_no_other_arm() -> None:
    complaints: list[str] = []
    read_faults([{"kind": "reversed", "bank": 0, "element": 0}], 4, 1, False, complaints)
    assert complaints == [
        "plant.fault.0.kind: a ring has no other arm that its heater could sit on"
    ]


def test_phases_step_once_and_stay() -> None:
    still = Plant.from_document(_document())
    stepped = Plant.from_document(_document(drift_step=0.1, drift_step_time=20.0))
    before, after = stepped.slot(0, _DRIVE, at=19.999), stepped.slot(0, _DRIVE, at=20.0)
    np.testing.assert_array_equal(before, still.slot(0, _DRIVE, at=19.999))
    assert np.abs(after - before).max() > 0.005
    np.testing.assert_array_equal(stepped.slot(0, _DRIVE, at=9000.0), after)
    np.testing.assert_array_equal(stepped.slot(0, _DRIVE, at=3.0), before)


def test_the_steps_size_and_what_heaters_share_of_it() -> None:
    def step(common: float) -> Floats:
        document = bench_document(32, 2, drift_step=0.1, drift_common=common)
        plant = Plant.from_document(document)
        return np.array([steps.at(0.0) for steps in plant._drifts.steps])

    own = step(0.0)
    assert own.std() == pytest.approx(0.1, rel=0.05)
    assert np.abs(own[0] - own[1]).max() > 0.1
    assert step(0.8).std(axis=1) == pytest.approx(0.06, rel=0.08)
    assert np.ptp(step(1.0), axis=1).max() == 0.0
