"""Calibration of the fast parts of a simulated bench: what is found, against the plant's truth.

    python benchmarks/fast_parts.py [--bench relax-mzi-8] [--seeds 5] [--severity std] [--path wire]

A row a plant seed: errors of offset, detector end (gain times saturation), modulator gain and
bias, leak, extinction, memory, delay of the bank switch; what each step spent.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.dark import Dark
from calibration.detector import Detector
from calibration.knowledge import Knowledge
from calibration.modulator import Modulator
from calibration.step import Outcome, Silent, Step
from calibration.switch import Switch
from calibration.tomography import NotPossibleError
from hil.bench.calibration_setup import BenchSetup
from hil.bench.entry import make_core
from sim_backends.plant.plant import Plant

Floats = NDArray[np.float64]

STEPS: tuple[type, ...] = (Dark, Detector, Modulator, Switch)


async def calibrate(core: Any, knowledge: Knowledge) -> dict[str, Outcome | str]:
    """Run the steps on a bench; a step that is not possible leaves its reason."""
    await core.open()
    found: dict[str, Outcome | str] = {}
    try:
        setup = BenchSetup(core)
        for make in STEPS:
            step: Step = make()
            try:
                found[step.name] = await step.run(setup, knowledge, Silent())
            except NotPossibleError as error:
                found[step.name] = str(error)
    finally:
        await core.close()
    return found


def run(bench: str, path: str, **plant: Any) -> tuple[Knowledge, dict[str, Outcome | str], Plant]:
    """Calibrate a bench; what was found, how it went, and the truth."""
    chosen = {"severity": plant.pop("severity", None), "plant_seed": plant.pop("seed", None)}
    core = make_core(bench, path=path, plant=plant, **chosen)
    file = core.file
    knowledge = Knowledge.nothing(file.ports, file.n_banks, file.chip.p_pi)
    loop = core.new_loop()
    try:
        found = loop.run_until_complete(calibrate(core, knowledge))
    finally:
        loop.close()
    return knowledge, found, Plant.from_document(file.document)


def rms(values: Floats) -> float:
    """Root mean square."""
    return float(np.sqrt((np.abs(values) ** 2).mean()))


def errors(knowledge: Knowledge, plant: Plant, dwell: float) -> dict[str, float]:
    """Errors of what was found; rms over ports or pairs unless the name says otherwise."""
    truth, numbers, value = plant.devices, plant.spec.numbers, knowledge.value
    off = ~np.eye(knowledge.n_banks, dtype=bool)
    size, true_size = np.abs(knowledge.leak[off]), np.abs(truth.leak[off])
    factor = 20.0 if plant.spec.core == "mzi-mesh" else 10.0
    lines = np.array(plant.spec.lines.bank_select[: knowledge.n_banks])
    late = truth.line_delay[lines] - truth.drive_delay.mean() - numbers.trigger_latency
    late = late - 0.5 * numbers.clock_grid  # boxes start on their own grid: half of it later
    ends = value["detector_gain"] * (knowledge.saturation or np.inf)
    return {
        "offset": rms(value["detector_offset"] - truth.detector_offset),
        "end, rel": rms(ends / (truth.detector_gain * (numbers.saturation or np.inf)) - 1.0),
        "gain, rel": rms(
            value["detector_gain"] / value["detector_gain"].mean()
            - truth.detector_gain / truth.detector_gain.mean()
        ),
        "kappa, rel": rms(value["modulator_gain"] / truth.modulator_gain - 1.0),
        "bias, rad": rms(value["modulator_bias"] - truth.modulator_bias),
        "leak": rms(np.abs(knowledge.leak[off] - truth.leak[off])),
        "extinction, dB": rms(factor * np.log10(np.maximum(size, 1e-9) / true_size)),
        "memory": abs(knowledge.memory - numbers.memory),
        "skew / dwell": rms(knowledge.bank_delay - late) / dwell,
        "rise, ns": 1e9 * knowledge.rise_time,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", default="relax-mzi-8")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--severity", default="std")
    parser.add_argument("--path", default="wire", choices=("wire", "slot"))
    parser.add_argument("--verbose", action="store_true", help="gates, faults and notes too")
    chosen = parser.parse_args()
    rows: list[dict[str, float]] = []
    for seed in range(1, chosen.seeds + 1):
        knowledge, found, plant = run(
            chosen.bench, chosen.path, severity=chosen.severity, seed=seed
        )
        dwell = make_core(chosen.bench).parts.form.dwell
        rows.append(errors(knowledge, plant, dwell))
        if seed == 1:
            print("seed  " + "  ".join(f"{name:>14}" for name in rows[0]))
        print(f"{seed:4d}  " + "  ".join(f"{number:14.5f}" for number in rows[-1].values()))
        for name, outcome in found.items():
            if isinstance(outcome, str):
                print(f"      {name}: not possible: {outcome}")
                continue
            failed = [gate for gate in outcome.gates if not gate.passed]
            if chosen.verbose or failed or outcome.faults:
                for gate in outcome.gates if chosen.verbose else failed:
                    word = "pass" if gate.passed else "FAIL"
                    print(f"      {name}: {word} {gate.name} {gate.value:.5g} / {gate.limit:g}")
                for line in outcome.faults:
                    print(f"      {name}: fault {line}")
            if chosen.verbose:
                for line in outcome.notes:
                    print(f"      {name}: {line}")
    mean = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    print("mean  " + "  ".join(f"{number:14.5f}" for number in mean.values()))


if __name__ == "__main__":
    main()
