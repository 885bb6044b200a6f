"""How surely `hil.calibrate identify` finds what is wrong: benches with and without faults.

Each bench of each plant seed is looked at as it is (false findings), and with faults drawn at
random: pairs of swapped elements within a bank, an open heater, one on the other arm, a dark port.
Printed: findings on sound benches; of the faults, how many were named with their place; and what
else was named. Slot path, so without currents: light alone.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from calibration.identify import Identified
from calibration.step import Silent
from hil.bench.faces import Bench, silent
from hil.bench.file import load
from hil.calibrating.identifying import BiasedBench, look_at_light

BENCHES = ("relax-mzi-8", "relax-mzi-16", "relax-mrr-16")


def drawn(bench: str, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Two swaps, an open heater and, in a mesh, a reversed one and a dark port."""
    file = load(bench)
    banks, elements = file.n_banks, file.elements_per_bank
    place = [divmod(int(k), elements) for k in rng.permutation(banks * elements)[:2]]
    bank = int(rng.integers(banks))
    taken = {element for at, element in place if at == bank}
    free = [int(e) for e in rng.permutation(elements) if int(e) not in taken][:4]
    faults: list[dict[str, Any]] = [
        {"kind": "swapped", "bank": bank, "element": free[0], "other": free[1]},
        {"kind": "swapped", "bank": bank, "element": free[2], "other": free[3]},
        {"kind": "open", "bank": place[0][0], "element": place[0][1]},
    ]
    if file.core == "mzi-mesh":
        faults.append({"kind": "reversed", "bank": place[1][0], "element": place[1][1]})
    return faults


def looked(bench: str, severity: str, seed: int, faults: list[dict[str, Any]]) -> Identified:
    """What identify finds on one bench."""
    plant = {"fault": faults} if faults else {}
    overlay = {"plant": {"severity": severity, "seed": seed, **plant}}
    core = BiasedBench(load(bench, overlay), backend="sim", path="slot")
    with Bench(core, silent) as opened:
        return opened.do(look_at_light(core, Silent()))


def named(found: Identified, fault: dict[str, Any]) -> bool:
    """Whether a fault was named with its kind and place."""
    kind = {"open": "dead"}.get(fault["kind"], fault["kind"])
    for one in found.findings:
        places = one.exchange or (((one.bank, one.element)),)
        wanted = {(fault["bank"], fault["element"])}
        if "other" in fault:
            wanted.add((fault["bank"], fault["other"]))
        if one.kind == kind and set(places) == wanted:
            return True
    return False


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benches", nargs="+", default=list(BENCHES))
    parser.add_argument("--severities", nargs="+", default=["std", "harsh"])
    parser.add_argument("--plant-seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument("--show", action="store_true", help="what was drawn and what was found")
    asked = parser.parse_args()
    print("| bench | severity | findings on sound benches | faults named | others named | wall s |")
    print("|---|---|---|---|---|---|")
    for bench in asked.benches:
        for severity in asked.severities:
            false = right = wrong = total = 0
            began = time.perf_counter()
            for seed in asked.plant_seeds:
                false += len(looked(bench, severity, seed, []).findings)
                faults = drawn(bench, np.random.default_rng([seed, 0xFA]))
                found = looked(bench, severity, seed, faults)
                if asked.show:
                    print(seed, faults, *found.findings, sep="\n  ")
                here = sum(named(found, fault) for fault in faults)
                right, total = right + here, total + len(faults)
                wrong += len(found.findings) - here
            each = (time.perf_counter() - began) / (2 * len(asked.plant_seeds))
            print(
                f"| {bench} | {severity} | {false} in {len(asked.plant_seeds)} "
                f"| {right} of {total} | {wrong} | {each:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
