"""What is broken on a bench is found and named by the fast steps, and not fitted over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from calibration.dark import Dark
from calibration.detector import Detector
from calibration.knowledge import Knowledge
from calibration.modulator import Modulator
from calibration.setup import Setup, Shot
from calibration.step import Outcome, Watch
from calibration.switch import Switch
from tests.calibration.fast_benches import Spoilt, bench_file, run_steps

PORTS, BAD = 4, 2
Change = Callable[[Shot, np.ndarray, np.ndarray], None]
RNG = np.random.default_rng(0)


def named(known: Knowledge) -> list[tuple[str, int | None, int | None]]:
    return sorted((one["kind"], one["bank"], one["port"]) for one in known.faults)


def reading(value: Callable[[np.ndarray], np.ndarray]) -> Change:
    """The bad port reads `value` of what it should read."""

    def change(shot: Shot, measured: np.ndarray, clipped: np.ndarray) -> None:
        measured[:, BAD] = value(measured[:, BAD])

    return change


def clipping(shot: Shot, measured: np.ndarray, clipped: np.ndarray) -> None:
    clipped[:, BAD] = np.abs(measured[:, BAD]) > 0.4
    measured[:, BAD] = np.clip(measured[:, BAD], -0.4, 0.4)


def no_light(y: np.ndarray) -> np.ndarray:
    return 0.01 * RNG.standard_normal(len(y))


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("dark", reading(no_light)),
        ("stuck", reading(lambda y: np.full_like(y, 0.05))),
        ("noisy", reading(lambda y: y + 0.1 * RNG.standard_normal(len(y)))),
        ("large offset", reading(lambda y: y + 0.6)),
        ("saturated", reading(lambda y: 0.4 * np.tanh(y / 0.4))),
        ("weak", reading(lambda y: 0.3 * y + 0.007 * RNG.standard_normal(len(y)))),
        ("clipped", clipping),
    ],
)
def test_a_bad_detector_is_named_and_the_others_are_found(
    tmp_path: Path, kind: str, change: Change
) -> None:
    steps = (Dark(), Detector(), Modulator(), Switch())
    known, outcomes, plant, _ = run_steps(
        bench_file(tmp_path, PORTS), steps, spoil=lambda setup: Spoilt(setup, change)
    )
    assert (kind, None, BAD) in named(known)
    assert {port for _, _, port in named(known)} == {BAD}
    assert any(f"port {BAD}: {kind}; " in line for one in outcomes for line in one.faults)
    good = np.arange(PORTS) != BAD
    truth, value = plant.devices, known.value
    np.testing.assert_allclose(
        value["detector_offset"][good], truth.detector_offset[good], atol=3e-3
    )
    np.testing.assert_allclose(value["modulator_gain"][good], truth.modulator_gain[good], rtol=0.01)
    np.testing.assert_allclose(value["modulator_bias"], truth.modulator_bias, atol=0.02)
    assert known.memory == pytest.approx(0.01, abs=4e-3)
    assert known.saturation is not None
    ends = (value["detector_gain"] * known.saturation / truth.detector_gain / 3.0)[good]
    np.testing.assert_allclose(ends, 1.0, atol=0.15)
    assert all(one.passed for one in outcomes)
    leak = np.abs(known.leak[[0, 1], [1, 0]])
    np.testing.assert_allclose(-20.0 * np.log10(leak), 25.0, atol=1.0)


def scaled(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    def drive(values: np.ndarray) -> np.ndarray:
        values[:, BAD] *= factor
        return values

    return drive


def shifted(values: np.ndarray) -> np.ndarray:
    values[:, BAD] = np.clip(values[:, BAD] + 0.5, -1.5, 1.5)
    return values


@pytest.mark.parametrize(
    ("kind", "drive"),
    [("dark input", scaled(0.0)), ("wrong V_pi", scaled(0.6)), ("off its null", shifted)],
)
def test_a_bad_modulator_is_named(
    tmp_path: Path, kind: str, drive: Callable[[np.ndarray], np.ndarray]
) -> None:
    steps = (Dark(), Detector(), Modulator())
    known, outcomes, plant, _ = run_steps(
        bench_file(tmp_path, PORTS), steps, spoil=lambda setup: Spoilt(setup, drive=drive)
    )
    assert (kind, None, BAD) in named(known)
    assert len(outcomes[-1].faults) == 1
    good = np.arange(PORTS) != BAD
    np.testing.assert_allclose(
        known.value["modulator_gain"][good], plant.devices.modulator_gain[good], rtol=0.01
    )
    if kind == "dark input":
        # Nothing is known of it that was not known before.
        assert known.value["modulator_gain"][BAD] == 1.0
        assert known.sigma["modulator_gain"][BAD] == 0.1


def test_a_dark_bank_is_named(tmp_path: Path) -> None:
    def change(shot: Shot, measured: np.ndarray, clipped: np.ndarray) -> None:
        if shot.bank == 1:
            measured[:] = 0.01 * RNG.standard_normal(measured.shape)

    known, _, _, _ = run_steps(
        bench_file(tmp_path, PORTS),
        (Dark(), Detector(), Modulator(), Switch()),
        spoil=lambda setup: Spoilt(setup, change),
    )
    kinds = [kind for kind, bank, _ in named(known) if bank == 1]
    assert "dark bank" in kinds
    assert known.leak[0, 1] == 0.0


def test_a_bank_that_leaks_too_much_is_named(tmp_path: Path) -> None:
    known, outcomes, _, _ = run_steps(
        bench_file(tmp_path, PORTS),
        (Dark(), Detector(), Modulator(), Switch()),
        plant={"extinction_db": 6.0},
    )
    assert [kind for kind, _, _ in named(known)] == ["leaks", "leaks"]
    assert not outcomes[-1].passed
    assert "only 6." in " ".join(outcomes[-1].faults) or "only 5." in " ".join(outcomes[-1].faults)


def test_a_step_that_is_run_again_tells_a_fault_once_and_forgets_what_was_mended(
    tmp_path: Path,
) -> None:
    broken = {"now": True}

    def change(shot: Shot, measured: np.ndarray, clipped: np.ndarray) -> None:
        if broken["now"]:
            measured[:, BAD] = 0.05

    class Mending(Dark):
        async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
            broken["now"] = False
            return await super().run(setup, knowledge, watch)

    def spoil(setup: object) -> Spoilt:
        return Spoilt(setup, change)  # pyright: ignore

    file = bench_file(tmp_path, PORTS)
    known, _, _, _ = run_steps(file, (Dark(), Dark()), spoil=spoil)
    assert named(known) == [("stuck", None, BAD)]
    known, _, _, _ = run_steps(file, (Dark(), Mending()), spoil=spoil)
    assert named(known) == []


def test_a_clipped_port_of_rings_still_tells_its_gain(tmp_path: Path) -> None:
    """Left at the design's gain, its later readings would be straightened by a wrong law."""

    def change(shot: Shot, measured: np.ndarray, clipped: np.ndarray) -> None:
        measured[:, 1] *= 1.25
        clipped[:, 1] = np.abs(measured[:, 1]) > 2.0
        measured[:, 1] = np.clip(measured[:, 1], -2.0, 2.0)

    known, _, plant, _ = run_steps(
        bench_file(tmp_path, 8, core="microring"),
        (Dark(), Detector()),
        spoil=lambda setup: Spoilt(setup, change),
    )
    assert ("clipped", None, 1) in named(known)
    gain = known.value["detector_gain"] / plant.devices.detector_gain
    assert gain[1] == pytest.approx(1.25, abs=0.08)
    np.testing.assert_allclose(np.delete(gain, 1), 1.0, atol=0.06)
