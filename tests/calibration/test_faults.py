"""What is broken is found and named, and never fitted over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calibration.faults import place_name, swapped_pairs
from calibration.phases import Phases
from calibration.step import Outcome, Silent
from tests.calibration.drawn_bench import (
    P_PI,
    DrawnBench,
    drawn_truth,
    knows_electronics,
    wait_for,
)
from tests.calibration.test_laws_and_light import lit_mesh


def phases_of(**broken: Any) -> tuple[DrawnBench, Any, Outcome]:
    bench = DrawnBench(drawn_truth(4, 2, seed=5), **broken)
    known = knows_electronics(bench.truth)
    outcome = wait_for(Phases(repeats=1).run(bench, known, Silent()))
    assert bench.is_idle()
    return bench, known, outcome


def named(outcome: Outcome, *words: str) -> bool:
    return any(all(word in fault for word in words) for fault in outcome.faults)


def test_places_have_names() -> None:
    assert place_name(4, 0) == "theta of the cell on modes 0-1, column 0"
    assert place_name(4, 5) == "phi of the cell on modes 1-2, column 1"
    assert place_name(4, 14) == "output phase of port 2"


@pytest.mark.parametrize("element", [0, 7, 13])
def test_an_open_heater_is_named_and_the_others_are_found(element: int) -> None:
    _, known, outcome = phases_of(dead=[(1, element)])
    assert not outcome.passed
    assert len(outcome.faults) == 1
    assert named(outcome, f"bank 1, element {element} ", "dead", "open: no current")
    assert known.faults[0]["element"] == element
    assert known.value["slope"][1, element] == 0.0
    bench = DrawnBench(drawn_truth(4, 2, seed=5))
    others = np.arange(16) != element
    relative = known.value["slope"][1] / bench.truth.value["slope"][1] - 1.0
    assert np.abs(relative[others]).max() < 0.15


def test_a_stuck_channel_is_told_from_an_open_heater() -> None:
    _, _, outcome = phases_of(stuck={(0, 6): 0.7 * P_PI})
    assert named(outcome, "bank 0, element 6 ", "stuck: its driver holds 3.35 V")
    assert len(outcome.faults) == 1


def test_without_drivers_to_ask_it_is_dead_or_stuck() -> None:
    _, _, outcome = phases_of(dead=[(0, 3)], drivers=False)
    assert named(outcome, "bank 0, element 3 ", "dead, or its channel is stuck")


def test_without_light_no_heater_is_blamed() -> None:
    bench, known, outcome = phases_of(dark_modulators=range(4))
    assert not outcome.passed
    assert len(outcome.faults) == 2
    for bank in (0, 1):
        assert named(outcome, f"bank {bank}: no light", "laser", "calibrate again")
    assert {one["kind"] for one in known.faults} == {"no light"}
    assert bench.observed < 16 * 8  # nor is every heater swept


def test_of_a_dark_bank_no_heater_is_blamed_and_the_other_is_found() -> None:
    bench, known, outcome = phases_of(dark_banks=[1])
    assert not outcome.passed
    assert len(outcome.faults) == 1
    assert named(outcome, "bank 1: no light")
    relative = known.value["slope"][0] / bench.truth.value["slope"][0] - 1.0
    assert np.abs(relative).max() < 0.15


@pytest.mark.parametrize("pair", [(0, 1), (2, 9), (12, 15)])
def test_swapped_channels_are_named_with_each_other(pair: tuple[int, int]) -> None:
    one, other = pair
    _, _, outcome = phases_of(swapped=[(0, one, other)])
    assert not outcome.passed
    assert named(outcome, f"bank 0, element {one} ", "swapped", f"light of element {other} ")
    assert named(outcome, f"bank 0, element {other} ", "swapped", f"light of element {one} ")
    assert len(outcome.faults) == 2


def test_two_pairs_of_a_larger_mesh_are_found() -> None:
    _, _, matrix, rows = lit_mesh(8, 3)
    rows[[5, 40]] = rows[[40, 5]]
    rows[[17, 18]] = rows[[18, 17]]
    found = swapped_pairs(rows, np.ones(64, dtype=bool), matrix, 0.15)
    assert sorted(found) == [(5, 40), (17, 18)]


def test_a_saturated_port_is_named() -> None:
    _, known, outcome = phases_of(saturated=[2])
    assert not outcome.passed
    assert named(outcome, "port 2: saturated", "lower the light")
    assert {"kind": "saturated", "port": 2}.items() <= known.faults[0].items()


def test_a_dark_detector_and_a_dark_modulator_are_told_apart() -> None:
    _, _, outcome = phases_of(dark_detectors=[1])
    assert named(outcome, "port 1: dark", "detector")
    assert len(outcome.faults) == 1  # the output phases before it are not blamed
    _, _, outcome = phases_of(dark_modulators=[3])
    assert named(outcome, "port 3: dark", "modulator")
    assert not named(outcome, "detector shows")


def test_a_heater_on_the_other_arm_is_reversed() -> None:
    truth = drawn_truth(4, 2, seed=5)
    truth.value["slope"][0, 4] *= -1.0
    bench, known = DrawnBench(truth), knows_electronics(truth)
    outcome = wait_for(Phases(repeats=1).run(bench, known, Silent()))
    assert named(outcome, "bank 0, element 4 ", "reversed")
    assert known.value["slope"][0, 4] < 0.0


def test_what_was_mended_is_forgotten() -> None:
    _, known, _ = phases_of(dead=[(1, 7)])
    sound = DrawnBench(drawn_truth(4, 2, seed=5))
    outcome = wait_for(Phases(repeats=1).run(sound, known, Silent()))
    assert outcome.faults == ()
    assert known.faults == []


def test_a_sound_bench_has_no_faults() -> None:
    bench = DrawnBench(drawn_truth(4, 2, seed=5))
    known = knows_electronics(bench.truth)
    outcome = wait_for(Phases().run(bench, known, Silent()))
    assert outcome.passed, outcome.gates
    assert outcome.faults == ()
    assert known.faults == []
