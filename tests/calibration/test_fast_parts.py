"""Dark, detector, modulator and switch on simulated benches: what is found against the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration.dark import Dark
from calibration.detector import Detector
from calibration.knowledge import Knowledge
from calibration.modulator import Modulator
from calibration.setup import Detection, Setup
from calibration.step import Outcome, Watch
from calibration.switch import Switch
from calibration.tomography import NotPossibleError
from sim_backends.plant.plant import Plant
from tests.calibration.fast_benches import bench_file, run_steps


def failures(outcomes: list[Outcome]) -> list[str]:
    """Gates not passed, and faults found."""
    gates = [
        f"{gate.name}: {gate.value:.3g} / {gate.limit:.3g}"
        for outcome in outcomes
        for gate in outcome.gates
        if not gate.passed
    ]
    return gates + [fault for outcome in outcomes for fault in outcome.faults]


def normal(known: Knowledge, name: str, truth: np.ndarray) -> float:
    """Rms of errors over their stated uncertainties."""
    return float(np.sqrt((((known.value[name] - truth) / known.sigma[name]) ** 2).mean()))


def check_ports(known: Knowledge, plant: Plant, *, tight: float) -> None:
    """Offsets, gains and ends, modulators and memory against the truth."""
    truth, numbers, value = plant.devices, plant.spec.numbers, known.value
    # A coarse converter's step is dithered by noise, to a part of it.
    grain = 0.0 if numbers.adc_bits is None else 0.07 * 2 * 3.2 / 2**numbers.adc_bits
    off = np.abs(value["detector_offset"] - truth.detector_offset)
    assert (off < 4.0 * known.sigma["detector_offset"] + grain).all()
    assert known.saturation is not None
    assert numbers.saturation is not None
    ends = value["detector_gain"] * known.saturation / (truth.detector_gain * numbers.saturation)
    np.testing.assert_allclose(ends, 1.0, atol=0.06 * tight)
    relative = value["detector_gain"] / truth.detector_gain
    np.testing.assert_allclose(relative / relative.mean(), 1.0, atol=0.04 * tight)
    np.testing.assert_allclose(value["modulator_gain"] / truth.modulator_gain, 1.0, atol=0.01)
    np.testing.assert_allclose(value["modulator_bias"], truth.modulator_bias, atol=0.012)
    assert normal(known, "modulator_gain", truth.modulator_gain) < 2.5
    assert normal(known, "modulator_bias", truth.modulator_bias) < 2.5
    assert known.memory == pytest.approx(numbers.memory, abs=3e-3)


def extinctions(leak: np.ndarray, factor: float) -> np.ndarray:
    off = ~np.eye(len(leak), dtype=bool)
    return factor * np.log10(np.abs(leak[off]))


@pytest.mark.parametrize(("severity", "seed"), [("std", 1), ("std", 2), ("harsh", 1), ("harsh", 3)])
def test_a_mesh_of_eight_ports_is_found(tmp_path: Path, severity: str, seed: int) -> None:
    steps = (Dark(), Detector(), Modulator(), Switch())
    known, outcomes, plant, _ = run_steps(
        bench_file(tmp_path, 8), steps, seed=seed, severity=severity
    )
    assert failures(outcomes) == []
    check_ports(known, plant, tight=1.0 if severity == "std" else 2.0)
    np.testing.assert_allclose(
        extinctions(known.leak, 20.0), extinctions(plant.devices.leak, 20.0), atol=1.0
    )
    turned = known.leak[[0, 1], [1, 0]] / plant.devices.leak[[0, 1], [1, 0]]
    np.testing.assert_allclose(np.angle(turned), 0.0, atol=0.15)
    noise = plant.spec.numbers.read_noise
    np.testing.assert_allclose(known.noise, noise, rtol=0.25 if severity == "std" else 0.6)


def test_a_microring_bank_is_found_as_far_as_it_shows(tmp_path: Path) -> None:
    steps = (Dark(), Detector(), Modulator(), Switch())
    file = bench_file(tmp_path, 8, core="microring")
    known, outcomes, plant, _ = run_steps(file, steps, seed=2)
    assert failures(outcomes) == []
    check_ports(known, plant, tight=1.0)
    assert (known.leak.imag == 0.0).all()
    np.testing.assert_allclose(
        extinctions(known.leak, 10.0), extinctions(plant.devices.leak, 10.0), atol=2.0
    )


@pytest.mark.parametrize(
    ("seed", "core", "coding"), [(1, "mzi-mesh", "one-hot"), (2, "mzi-mesh", "one-hot"),
                                 (3, "microring", "one-hot"), (4, "mzi-mesh", "binary")]
)  # fmt: skip
def test_the_wire_tells_when_each_bank_acts(
    tmp_path: Path, seed: int, core: str, coding: str
) -> None:
    file = bench_file(tmp_path, 4, core="mzi-mesh" if core == "mzi-mesh" else "microring")
    text = file.read_text(encoding="utf-8")
    assert 'coding = "one-hot"' in text
    file.write_text(text.replace('coding = "one-hot"', f'coding = "{coding}"'), encoding="utf-8")
    known, outcomes, plant, core_bench = run_steps(
        file, (Dark(), Switch()), path="wire", seed=seed, plant={"switch_off": ["modulator_bias"]}
    )
    assert failures(outcomes) == []
    truth, numbers = plant.devices, plant.spec.numbers
    lines = np.array(plant.spec.lines.bank_select)
    # Boxes start after the trigger by their latency, and then on the next tick of their clocks.
    box = numbers.trigger_latency + 0.5 * numbers.clock_grid
    late = truth.line_delay[lines] - truth.drive_delay.mean() - box
    if coding == "binary":
        late = np.full(2, late[0])  # both banks change with the one line that tells them apart
    dwell = core_bench.parts.form.dwell
    np.testing.assert_allclose(known.bank_delay, late, atol=dwell / 50.0)
    assert numbers.bandwidth is not None
    poles = [np.log(9.0) / (2 * np.pi * numbers.bandwidth), numbers.switch_rise]
    assert 0.6 * max(poles) < known.rise_time < 1.5 * sum(poles)


def test_what_a_bench_has_not_is_skipped_with_the_reason(tmp_path: Path) -> None:
    one = bench_file(tmp_path, 2, 1)
    with pytest.raises(NotPossibleError, match=r"one bank.*wire path"):
        run_steps(one, (Switch(),))
    file = bench_file(tmp_path, 4)
    text = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(x for x in text if not x.startswith("lo_quadrature")) + "\n")
    with pytest.raises(NotPossibleError, match=r"one quadrature.*wire path"):
        run_steps(file, (Switch(),))
    known, outcomes, plant, _ = run_steps(file, (Dark(), Detector(), Modulator()))
    assert failures(outcomes) == []
    assert "one quadrature" in " ".join(outcomes[-1].notes)
    np.testing.assert_allclose(
        known.value["modulator_bias"], plant.devices.modulator_bias, atol=0.02
    )


def test_a_linear_detector_and_a_perfect_switch_are_told_as_such(tmp_path: Path) -> None:
    known, outcomes, _, _ = run_steps(
        bench_file(tmp_path, 4),
        (Dark(), Detector(), Modulator(), Switch()),
        plant={"switch_off": ["saturation", "leak", "memory"]},
    )
    assert failures(outcomes) == []
    assert known.saturation is None
    assert abs(known.memory) < 2e-3
    off = ~np.eye(2, dtype=bool)
    assert (np.abs(known.leak[off]) < 0.01).all()
    assert sum("better than" in note for note in outcomes[-1].notes) == 2


def test_levels_are_at_the_idle_bias_when_a_step_is_interrupted(tmp_path: Path) -> None:
    class Interrupted(Exception):
        pass

    class Impatient:
        def progress(self, done: int, total: int, note: str = "") -> None:
            if "moves" in note and done == 2:
                raise Interrupted

        def kept(self, key: str) -> None:
            return None

        def keep(self, key: str, **arrays: np.ndarray) -> None:
            return None

    class Hasty(Switch):
        async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
            with pytest.raises(Interrupted):
                await super().run(setup, knowledge, Impatient())
            np.testing.assert_allclose(setup.levels, setup.level_idle)
            return Outcome(())

    run_steps(bench_file(tmp_path, 2), (Hasty(),))


def test_detections_of_a_bench_without_oscillator_are_enough(tmp_path: Path) -> None:
    seen: list[frozenset[Detection]] = []

    class Asking(Dark):
        async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
            seen.append(setup.detections)
            return await super().run(setup, knowledge, watch)

    _, outcomes, _, _ = run_steps(bench_file(tmp_path, 4, core="microring"), (Asking(),))
    assert seen == [frozenset({Detection.HOMODYNE})]
    assert outcomes[0].passed
