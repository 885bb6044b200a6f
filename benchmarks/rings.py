"""What a calibration of microring weight banks reaches: bits, against the plant's own weights.

    python benchmarks/rings.py                          # relax-mrr-16, plant seeds 1 to 5
    python benchmarks/rings.py --plant-seeds 1 --verbose
    python benchmarks/rings.py --hold 60                # how long one set of weights is held

Each plant is calibrated from nothing through the same steps as a real bench. Only this benchmark
then looks at the plant: the weights of the machine (own bank's plus leak) as they are when a frame
is read, drift and thermal tails and all, less those asked for. Rows:

  law         fresh random weights set by the law alone, one after the other
  locked      the same, each pulled in by the lock for some frames
  left alone  one set, set by the law and left to drift; the second half of the time
  held        one set, held by the lock meanwhile; the second half of the time

N_b = log2((w_max - w_min) / sigma): precision of errors about each ring's mean (of `left alone` and
`held`: accuracy alone means something). Bench time is what the wire would take.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.procedures import ring_steps
from calibration.ring_lock import RingLock
from calibration.ring_precision import Bits, bits, common_range
from calibration.setup import Observation, Shot
from calibration.step import Silent
from calibration.sweeping import ramp, sweeping
from hil.bench.calibration_setup import BenchSetup
from hil.bench.entry import make_core
from hil.bench.opening import OpenBench
from sim_backends.plant.plant import Plant

Floats = NDArray[np.float64]
ROWS = ("law", "locked", "left alone", "held")


class Watched(BenchSetup):
    """A bench whose plant is asked, at each frame, what the weights really are."""

    def __init__(self, core: OpenBench) -> None:
        super().__init__(core)
        self._plant = Plant.from_document(core.file.document)
        self.true: Floats = np.zeros(0)

    async def program(self, levels: Floats) -> None:
        """As the bench's own; the plant beside it is told too."""
        await super().program(levels)
        spec = self._plant.spec
        for bank, row in enumerate(levels):
            volts = np.sqrt(row * spec.r_nom[bank])
            self._plant.set_volts(bank, np.arange(spec.elements), volts, self.now())

    async def observe(self, shots: Sequence[Shot]) -> list[Observation]:
        """As the bench's own; `true` is then (n_banks, N, N), at the frame's time."""
        seen = await super().observe(shots)
        spec, leak = self._plant.spec, self._plant.devices.leak.real
        own = [self._plant.matrix(k, seen[0].time).real for k in range(spec.n_banks)]
        coupling = np.eye(spec.n_banks) + leak
        self.true = np.sqrt(spec.ports) * np.einsum("kj,jno->kno", coupling, np.array(own))
        return seen


async def judge(
    setup: Watched, known: Knowledge, settings: int, hold: float, seed: int
) -> dict[str, Bits]:
    """Bits of each row."""
    rng = np.random.default_rng([seed, 0xB175])
    low, high = common_range(setup, known)
    if high <= low:
        raise SystemExit(f"seed {seed}: by this model no weight is within all rings' range")
    shape = (setup.n_banks, setup.ports, setup.ports)
    middle = np.clip(0.6 * setup.p_pi, setup.level_idle, setup.level_max)
    found = {}
    for row, frames in (("law", 0), ("locked", 8)):
        errors, counted = [], []
        async with sweeping(setup, middle, 1.0):
            lock = RingLock(setup, known)
            for _ in range(settings):
                weights = rng.uniform(low, high, shape)
                for _ in range(frames):
                    await lock.frame(weights)
                await lock.frame(weights, correct=False)
                errors.append(setup.true - weights)
                counted.append(lock.setting(weights).reached & lock.moves.reshape(shape))
        found[row] = bits(np.array(errors), np.array(counted), high - low)
    weights = rng.uniform(low, high, shape)
    for row, locked in (("left alone", False), ("held", True)):
        errors = []
        async with sweeping(setup, middle, 1.0):
            lock = RingLock(setup, known)
            for _ in range(8):
                await lock.frame(weights)
            setting = lock.setting(weights)
            begin = setup.now()
            while setup.now() < begin + hold:
                if locked:
                    await lock.hold(weights, 0.0)
                else:
                    await setup.rest(0.25)
                    await lock.look(setting.levels)
                if setup.now() > begin + 0.5 * hold:
                    errors.append(setup.true - weights)
        counted = np.tile(setting.reached & lock.moves.reshape(shape), (len(errors), 1, 1, 1))
        found[row] = bits(np.array(errors), counted, high - low)
    await ramp(setup, setup.level_idle)
    return found


def one_plant(
    asked: argparse.Namespace, seed: int
) -> tuple[dict[str, Bits], float, dict[str, Any]]:
    """Calibrate and judge one plant: bits by row, bench seconds, outcomes."""
    core = make_core(asked.bench, path="slot", plant_seed=seed, severity=asked.severity)
    loop = core.new_loop()
    outcomes: dict[str, Any] = {}

    async def whole() -> tuple[dict[str, Bits], float]:
        await core.open()
        try:
            setup = Watched(core)
            known = Knowledge.nothing(setup.ports, setup.n_banks, setup.p_pi, setup.core)
            opened = setup.now()
            for step in ring_steps():
                if step.name in asked.skip:
                    continue
                began, wall = setup.now(), time.perf_counter()
                try:
                    outcomes[step.name] = await step.run(setup, known, Silent())
                except NotImplementedError:
                    continue  # the slot path has no timing: no step `switch`
                if asked.verbose:
                    tell(step.name, outcomes[step.name], setup.now() - began, wall)
            seconds = setup.now() - opened
            return await judge(setup, known, asked.settings, asked.hold, seed), seconds
        finally:
            await core.close()

    try:
        found, seconds = loop.run_until_complete(whole())
    finally:
        loop.close()
    return found, seconds, outcomes


def tell(name: str, outcome: Any, seconds: float, wall: float) -> None:
    """One step's gates and notes."""
    print(f"{name}: {seconds:.1f} s of bench time, {time.perf_counter() - wall:.1f} s here")
    for gate in outcome.gates:
        word = "pass" if gate.passed else "FAIL"
        print(f"  {word} {gate.name}: {gate.value:.4g} {gate.unit} ({gate.limit:g})")
    for line in (*outcome.faults, *outcome.notes):
        print(f"  {line}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", default="relax-mrr-16")
    parser.add_argument("--severity", choices=("std", "harsh"), default="std")
    parser.add_argument("--plant-seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--settings", type=int, default=12, help="random sets of weights judged")
    parser.add_argument("--hold", type=float, default=25.0, help="s that one set is held")
    parser.add_argument("--skip", nargs="+", default=[], help="steps to leave out")
    parser.add_argument("--verbose", action="store_true", help="gates and notes of every step")
    asked = parser.parse_args()
    runs = []
    for seed in asked.plant_seeds:
        found, seconds, outcomes = one_plant(asked, seed)
        runs.append((found, seconds))
        failed = [name for name, one in outcomes.items() if not one.passed]
        print(
            f"seed {seed}: {seconds:.1f} s of bench time; "
            + "; ".join(
                f"{row} {found[row].precision:.2f}/{found[row].accuracy:.2f}" for row in ROWS
            )
            + (f"; gates missed: {', '.join(failed)}" if failed else ""),
            flush=True,
        )
    print(f"{'row':12s} {'precision':>9s} {'accuracy':>9s} {'least':>7s} {'rms error':>10s}")
    for row in ROWS:
        own = [found[row] for found, _ in runs]
        print(
            f"{row:12s} {np.mean([b.precision for b in own]):9.2f} "
            f"{np.mean([b.accuracy for b in own]):9.2f} {min(b.accuracy for b in own):7.2f} "
            f"{np.mean([b.error for b in own]):10.4f}"
        )
    print(f"bench time {np.mean([seconds for _, seconds in runs]):.1f} s")


if __name__ == "__main__":
    main()
