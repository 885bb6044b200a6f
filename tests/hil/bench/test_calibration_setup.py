"""What calibration sees of an open bench is what the plant does, on both paths."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from calibration.edges import Pattern, arrival, pseudo_random
from calibration.setup import Detection, LineTest, Observation, Shot
from drivers.errors import LimitError
from hil.bench.calibration_setup import BenchSetup
from hil.bench.entry import make_core
from hil.bench.opening import OpenBench
from hil.control.machine import DRIVE_LIMIT
from tests.hil.conftest import Behind, WriteBench
from tests.hil.port_benches import mixed

T = TypeVar("T")
#: Nothing that moves or blurs: what is read is the plant's settled answer, to the converters' step.
STILL = {
    "switch_off": ["noise", "drift", "thermal_tail", "jitter", "memory", "saturation"],
    "quadrature_error_rms": 0.2,
}


def on_bench(core: OpenBench, work: Callable[[BenchSetup], Awaitable[T]]) -> T:
    """Open the bench, work, and close it, on its own loop."""

    async def whole() -> T:
        await core.open()
        try:
            return await work(BenchSetup(core))
        finally:
            assert await core.close() == []

    loop = core.new_loop()
    try:
        return loop.run_until_complete(whole())
    finally:
        loop.close()


def plant_of(core: OpenBench) -> Any:
    simulated: Any = Behind(core).simulated
    return simulated._plant


def random_drives(ports: int, samples: int = 12, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.2, 1.2, (samples, ports))


@pytest.mark.parametrize("path", ["slot", "wire"])
def test_shots_of_one_frame_read_what_the_plant_shows(write_bench: WriteBench, path: str) -> None:
    core = make_core(write_bench(4, 2), path=path, plant=STILL)
    values = random_drives(4)
    shots = [
        Shot(bank, values, detection, lit)
        for bank, detection, lit in (
            (0, Detection.HOMODYNE, True),
            (1, Detection.QUADRATURE, True),
            (0, Detection.INTENSITY, True),
            (1, Detection.HOMODYNE, False),
            (1, Detection.INTENSITY, True),
            (0, Detection.QUADRATURE, True),
        )
    ]

    async def work(setup: BenchSetup) -> tuple[list[Observation], list[np.ndarray]]:
        levels = np.random.default_rng(0).uniform(0.4, 1.6, setup.level_max.shape) * setup.p_pi
        await setup.program(levels)
        frames = core.ledger.counts["frames"]
        seen = await setup.observe(shots)
        assert core.ledger.counts["frames"] == frames + 1
        scale = core.parts.scale
        volts = values * scale.volts_per_v_pi
        plant = plant_of(core)
        return seen, [
            scale.signal_per_volt
            * plant.slot(shot.bank, volts, setup.now(), str(shot.detection), lit=shot.lit)
            for shot in shots
        ]

    seen, expected = on_bench(core, work)
    for one, wanted in zip(seen, expected, strict=True):
        np.testing.assert_allclose(one.sent, values, atol=3e-4)
        np.testing.assert_allclose(one.measured, wanted, atol=4e-3)
        assert not one.clipped.any()
        assert one.time == seen[0].time
    assert core.ledger.passes["calibration"] == 6 * 13


@pytest.mark.parametrize("path", ["slot", "wire"])
def test_both_quadratures_differ_by_the_step_of_the_line(
    write_bench: WriteBench, path: str
) -> None:
    core = make_core(write_bench(2, 1), path=path, plant=STILL)
    values = random_drives(2)

    async def work(setup: BenchSetup) -> list[Observation]:
        return await setup.observe(
            [Shot(0, values, Detection.HOMODYNE), Shot(0, values, Detection.QUADRATURE)]
        )

    real, other = (one.measured for one in on_bench(core, work))
    plant = plant_of(core)
    step = plant.devices.quadrature_step
    assert abs(step - np.pi / 2) > 0.05  # the test means something
    assert np.corrcoef(real.ravel(), other.ravel())[0, 1] < 0.95


def test_shots_that_do_not_fit_go_into_more_frames(write_bench: WriteBench) -> None:
    core = make_core(write_bench(2, 1), path="slot", plant=STILL)
    most = core.parts.form.most_samples
    values = random_drives(2, 2 * most + 5)

    async def work(setup: BenchSetup) -> tuple[list[Observation], int]:
        seen = await setup.observe([Shot(0, values), Shot(0, values[:4])])
        return seen, core.ledger.counts["frames"]

    (long, short), frames = on_bench(core, work)
    assert frames == 3
    assert long.sent.shape == values.shape
    np.testing.assert_allclose(long.sent, values, atol=3e-4)
    np.testing.assert_allclose(short.measured, long.measured[:4], atol=2e-3)


@pytest.mark.parametrize("path", ["slot", "wire"])
def test_what_is_out_of_range_is_refused_and_nothing_sent(
    write_bench: WriteBench, path: str
) -> None:
    core = make_core(write_bench(2, 2), path=path)

    async def work(setup: BenchSetup) -> None:
        before = dict(core.ledger.counts)
        for shot, told in (
            (Shot(0, np.full((1, 2), DRIVE_LIMIT * 1.01)), "V_pi"),
            (Shot(0, np.full((1, 2), np.nan)), "V_pi"),
            (Shot(2, np.zeros((1, 2))), "no bank 2"),
            (Shot(0, np.zeros((1, 3))), "shape"),
        ):
            with pytest.raises(ValueError, match=told):
                await setup.observe([Shot(0, np.zeros((1, 2))), shot])
        levels = setup.level_idle
        levels[1, 2] = setup.level_max[1, 2] * 1.1
        with pytest.raises(LimitError, match="element 2"):
            await setup.program(levels)
        levels[1, 2] = np.nan
        with pytest.raises(LimitError):
            await setup.program(levels)
        assert dict(core.ledger.counts) == before

    on_bench(core, work)


def test_a_detection_that_the_bench_has_not_is_refused(write_bench: WriteBench) -> None:
    path = write_bench(2, 1)
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("lo_quadrature")]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    core = make_core(path, path="slot")

    async def work(setup: BenchSetup) -> frozenset[Detection]:
        with pytest.raises(ValueError, match="no detection quadrature"):
            await setup.observe([Shot(0, np.zeros((1, 2)), Detection.QUADRATURE)])
        return setup.detections

    assert on_bench(core, work) == {Detection.HOMODYNE, Detection.INTENSITY}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_line_test_shows_each_bank_when_its_chip_says(write_bench: WriteBench, seed: int) -> None:
    core = make_core(write_bench(4, 2), plant=STILL | {"seed": seed})
    pattern = [0, 1, 1, 0, 1, 0, 0, -1, 1]
    values = np.array([0.6, -0.9, 0.8, 0.5])

    async def work(setup: BenchSetup) -> tuple[Any, dict[int, np.ndarray]]:
        levels = np.random.default_rng(0).uniform(0.4, 1.6, setup.level_max.shape) * setup.p_pi
        await setup.program(levels)
        points = await setup.line_test(LineTest(values, pattern, 300e-9))
        scale = core.parts.scale
        volts = np.tile(values * scale.volts_per_v_pi, (2, 1))
        plant = plant_of(core)
        held = {
            bank: scale.signal_per_volt * plant.slot(bank, volts, setup.now())[1] for bank in (0, 1)
        }
        dark = scale.signal_per_volt * plant.slot(0, volts, setup.now(), lit=False)[1]
        return points, held | {-1: dark}

    points, held = on_bench(core, work)
    # Boxes begin 100 ns after the trigger, which nobody told the controller: lines act earlier.
    latency = plant_of(core).spec.numbers.trigger_latency
    for number, bank in enumerate(pattern):
        middle = (number + 0.5) * 300e-9 - latency
        for port in range(4):
            inside = np.abs(points.times[:, port] - middle) < 60e-9
            assert inside.sum() >= 3
            np.testing.assert_allclose(points.signal[inside, port], held[bank][port], atol=6e-3)


def test_a_line_test_shows_a_late_power_meter_when_the_others_see_it(tmp_path: Path) -> None:
    """Of four ports one is read in W, a thousandth of the others' V, and that late."""
    file = tmp_path / "mixed.toml"
    file.write_text(mixed(), encoding="utf-8")
    core = make_core(file, plant=STILL)
    bits = pseudo_random(5)
    chip = 2.3e-6

    async def work(setup: BenchSetup) -> np.ndarray:
        Behind(core).simulated.instruments["meter-0"].latency = 3.4e-6
        await setup.program(np.full(setup.level_max.shape, 0.8 * setup.p_pi))
        points = await setup.line_test(
            LineTest(np.array([0.6, -0.9, 0.8, 0.5]), [0 if bit else -1 for bit in bits], chip)
        )
        inside = (points.times.min(axis=1) > 0.0) & (points.times.max(axis=1) < 31 * chip)
        pattern = Pattern(bits.astype(np.float64), chip)
        times, signal = points.times[inside], points.signal[inside]
        return arrival(pattern, times, signal, 1.024e-6, 10e-6).delay

    assert np.abs(on_bench(core, work)).max() < 0.3e-6  # s: not a third of a point


def test_what_only_the_wire_has_is_refused_on_the_slot_path(write_bench: WriteBench) -> None:
    core = make_core(write_bench(2, 1), path="slot")

    async def work(setup: BenchSetup) -> None:
        with pytest.raises(NotImplementedError, match="use the wire path"):
            await setup.line_test(LineTest(np.zeros(2), [0], 512e-9))
        with pytest.raises(NotImplementedError, match="use the wire path"):
            await setup.electrical()

    on_bench(core, work)


def test_impossible_line_tests_are_refused(write_bench: WriteBench) -> None:
    core = make_core(write_bench(2, 1))

    async def work(setup: BenchSetup) -> None:
        with pytest.raises(ValueError, match="whole number of ns"):
            await setup.line_test(LineTest(np.zeros(2), [0], 0.5e-9))
        with pytest.raises(ValueError, match="a frame holds"):
            await setup.line_test(LineTest(np.zeros(2), [0] * 10, 1e-3))

    on_bench(core, work)


def test_drivers_measure_volts_and_amperes_of_every_heater(write_bench: WriteBench) -> None:
    core = make_core(write_bench(3, 2), plant={"switch_off": ["readback"]})

    async def work(setup: BenchSetup) -> tuple[np.ndarray, ...]:
        levels = np.random.default_rng(0).uniform(0.4, 1.6, setup.level_max.shape) * setup.p_pi
        await setup.program(levels)
        return levels, *await setup.electrical()

    levels, volts, amps = on_bench(core, work)
    r_nom = np.stack([core.file.bank_elements(k).r_nom for k in range(2)])
    np.testing.assert_allclose(volts**2 / r_nom, levels, rtol=2e-3)
    r0 = plant_of(core).devices.r0
    # Resistance rises with temperature, by 5 % at p_pi.
    assert (volts / amps > 1.01 * r0).all()
    assert (volts / amps < 1.12 * r0).all()


def test_serials_and_limits_are_those_of_the_bench(write_bench: WriteBench) -> None:
    core = make_core(write_bench(2, 1))

    async def work(setup: BenchSetup) -> None:
        assert setup.serials.keys() <= {i.name for i in core.file.instruments}
        assert setup.serials
        assert (setup.level_idle < setup.level_max).all()
        assert setup.full_scale.shape == (2,)
        await asyncio.sleep(0)

    on_bench(core, work)
