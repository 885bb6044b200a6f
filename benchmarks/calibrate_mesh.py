"""What a calibration of a mesh reaches: the table of docs/figures.md, section Calibration.

    python benchmarks/calibrate_mesh.py                              # N = 8, plant seeds 1 to 5
    python benchmarks/calibrate_mesh.py --bench relax-mzi-16
    python benchmarks/calibrate_mesh.py --start poor --only global offsets --settings 200
    python benchmarks/calibrate_mesh.py --skip crosstalk             # what is it worth?

Each plant (all device constants drawn from its seed) is calibrated from nothing, or from an
as-built record of class --start, through the same steps as on a real bench. Only this benchmark
then looks at the plant: predicted against true matrices at fresh settings, levels uniform in 0.4
to 1.6 p_pi, held, at the bench time at which the calibration ended. Matrix fidelity is that of
physics.md G3; amplitude fidelity F_a is what papers quote. Bench time is what the wire would take.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.globalfit import GlobalFit
from calibration.knowledge import Knowledge
from calibration.mesh import amplitude_fidelity, matrix_fidelity
from calibration.model import seen_matrices
from calibration.procedures import mesh_steps
from calibration.setup import Setup
from calibration.step import Outcome, Silent, Step
from hil.bench.calibration_setup import BenchSetup
from hil.bench.entry import make_core
from hil.bench.opening import OpenBench
from sim_backends.plant.plant import Plant

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass
class Run:
    """What one plant's calibration came to."""

    seconds: dict[str, float] = field(default_factory=dict)
    frames: dict[str, int] = field(default_factory=dict)
    wall: dict[str, float] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    matrix: float = float("nan")
    least: float = float("nan")
    amplitude: float = float("nan")
    crosstalk: float = float("nan")


def truth(document: dict, bank: int, levels: Floats, at: float) -> Complexes:
    """The matrix of a bank that held `levels` (N^2,) W for long, at a bench time."""
    plant = Plant.from_document(document)
    every = np.arange(plant.spec.elements)
    plant.set_volts(bank, every, np.sqrt(levels * plant.spec.r_nom[bank]), at - 1000.0)
    return plant.matrix(bank, at)


def true_seen(document: dict, levels: Floats, at: float) -> Complexes:
    """What an ideal detection would see (n_banks, N, N) of held levels (n_banks, N^2)."""
    devices = Plant.from_document(document).devices
    own = np.stack([truth(document, k, row, at) for k, row in enumerate(levels)])
    coupling = np.eye(len(levels)) + devices.leak
    return devices.detector_gain[:, None] * np.einsum("kj,jno->kno", coupling, own)


def judge(run: Run, knowledge: Knowledge, document: dict, at: float, settings: int) -> None:
    """Compare the knowledge with the plant at fresh settings."""
    plant = Plant.from_document(document)
    spec = plant.spec
    rng = np.random.default_rng([spec.seed, 0xF1DE])
    levels = spec.p_pi * rng.uniform(0.4, 1.6, (settings, spec.n_banks, spec.elements))
    true = np.stack([true_seen(document, one, at) for one in levels])
    believed = seen_matrices(knowledge, None, levels)
    fidelity = matrix_fidelity(believed, true)
    run.matrix, run.least = float(fidelity.mean()), float(fidelity.min())
    run.amplitude = float(amplitude_fidelity(believed, true).mean())
    run.crosstalk = crosstalk_residual(plant, knowledge)


def crosstalk_residual(plant: Plant, knowledge: Knowledge) -> float:
    """Rms rad a victim, of what the known crosstalk does not cancel at random levels.

    Common to all victims of a bank and to all settings is an offset, and taken out.
    """
    from calibration.crosstalk import law_matrix

    spec = plant.spec
    rng = np.random.default_rng([spec.seed, 0xC805])
    left = []
    for bank in range(spec.n_banks):
        levels = spec.p_pi * rng.uniform(0.05, 2.0, (64, spec.elements))
        x = np.array([plant.settled_powers(bank, np.sqrt(p * spec.r_nom[bank])) for p in levels])
        true = np.pi * x @ plant.crosstalk.T
        known = law_matrix(spec.ports, knowledge.crosstalk[bank])
        believed = (knowledge.value["slope"][bank] * levels) @ known.T
        rest = true - believed
        left.append(rest - rest.mean(axis=0))
    return float(np.sqrt(np.mean(np.square(left))))


async def calibrate(
    core: OpenBench, knowledge: Knowledge, steps: Sequence[Step], run: Run, tell: bool
) -> None:
    """Run the steps on an open bench, counting bench time and frames of each."""
    setup: Setup = BenchSetup(core)
    for step in steps:
        began, wall, frames = setup.now(), time.perf_counter(), frames_of(core)
        outcome = await step.run(setup, knowledge, Silent())
        run.seconds[step.name] = setup.now() - began
        run.wall[step.name] = time.perf_counter() - wall
        run.frames[step.name] = frames_of(core) - frames
        run.outcomes[step.name] = outcome
        if tell:
            print(f"{step.name}: {run.seconds[step.name]:.1f} s of bench time, "
                  f"{run.frames[step.name]} frames, {run.wall[step.name]:.1f} s here")  # fmt: skip
            for gate in outcome.gates:
                word = "pass" if gate.passed else "FAIL"
                print(f"  {word} {gate.name}: {gate.value:.4g} {gate.unit} ({gate.limit:g})")
            for line in (*outcome.faults, *outcome.notes):
                print(f"  {line}")


def frames_of(core: OpenBench) -> int:
    """Frames run so far."""
    return int(core.ledger.counts.get("frames", 0))


def one_run(asked: argparse.Namespace, seed: int, skip: Sequence[str]) -> Run:
    """Open, calibrate, judge one plant."""
    core = make_core(asked.bench, path=asked.path, plant_seed=seed, severity=asked.severity)
    loop = core.new_loop()
    run = Run()

    async def whole() -> None:
        await core.open()
        try:
            knowledge = start_from(core, asked.start)
            steps = chosen(asked, skip)
            await calibrate(core, knowledge, steps, run, asked.verbose)
            judge(run, knowledge, core.file.document, core.now(), asked.judged)
        finally:
            await core.close()

    try:
        loop.run_until_complete(whole())
    finally:
        loop.close()
    return run


def chosen(asked: argparse.Namespace, skip: Sequence[str]) -> list[Step]:
    """The steps that are asked for, in their order."""
    steps: list[Step] = []
    for step in mesh_steps():
        if step.name in skip or (asked.only and step.name not in asked.only):
            continue
        steps.append(GlobalFit(asked.settings) if step.name == "global" else step)
    return steps


def start_from(core: OpenBench, start: str) -> Knowledge:
    """What is known at first: nothing, or an as-built record."""
    file = core.file
    if start == "nothing":
        return Knowledge.nothing(file.ports, file.n_banks, file.chip.p_pi)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "as-built.json"
        core.write_as_built(start, path)
        return Knowledge.from_record(core.read_record(path), file.chip.p_pi)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", default="relax-mzi-8")
    parser.add_argument("--path", choices=("slot", "wire"), default="slot")
    parser.add_argument("--severity", choices=("std", "harsh"), default="std")
    parser.add_argument("--plant-seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--start", default="nothing", help="or a class of as-built record")
    parser.add_argument("--only", nargs="+", default=[], help="steps to run")
    parser.add_argument("--skip", nargs="+", default=[], help="steps to leave out")
    parser.add_argument("--settings", type=int, default=None, help="of the global fit")
    parser.add_argument("--judged", type=int, default=8, help="settings compared with the truth")
    parser.add_argument("--verbose", action="store_true")
    asked = parser.parse_args()
    print("| seed | matrix fidelity | least | F_a | crosstalk left, rad | bench s | by step |")
    print("|---" * 7 + "|")
    runs = []
    for seed in asked.plant_seeds:
        run = one_run(asked, seed, asked.skip)
        runs.append(run)
        parts = ", ".join(
            f"{name} {s:.1f} ({run.frames[name]} frames)" for name, s in run.seconds.items()
        )
        print(
            f"| {seed} | {run.matrix:.5f} | {run.least:.5f} | {run.amplitude:.5f} | "
            f"{run.crosstalk:.4f} | {sum(run.seconds.values()):.1f} | {parts} |",
            flush=True,
        )
    print(
        f"| mean | {np.mean([r.matrix for r in runs]):.5f} | "
        f"{np.min([r.least for r in runs]):.5f} | {np.mean([r.amplitude for r in runs]):.5f} | "
        f"{np.mean([r.crosstalk for r in runs]):.4f} | "
        f"{np.mean([sum(r.seconds.values()) for r in runs]):.1f} | |"
    )


if __name__ == "__main__":
    main()
