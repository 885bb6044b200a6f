"""Small steps find what is wired wrongly on a chip of which nothing is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calibration.identify import STEP, Identified
from calibration.identify_mesh import identify_mesh
from calibration.identify_rings import LOOKS, explained
from calibration.setup import Detection
from calibration.small_steps import answer
from calibration.step import Silent
from calibration.tomography import NotPossibleError
from tests.calibration.drawn_bench import P_PI, DrawnBench, InterruptedSweep, drawn_truth, wait_for


def looked(ports: int = 4, seed: int = 5, **broken: Any) -> tuple[DrawnBench, Identified]:
    bench = DrawnBench(drawn_truth(ports, 2, seed=seed), **broken)
    found = wait_for(identify_mesh(bench, Silent()))
    assert bench.is_idle()
    return bench, found


def kinds(found: Identified) -> list[tuple[str, int | None, int | None]]:
    return [(one.kind, one.bank, one.element) for one in found.findings]


def test_a_sound_bench_answers_everywhere_and_no_heater_goes_high() -> None:
    bench, found = looked(ports=6)
    assert found.findings == ()
    assert found.answering == found.elements == 72
    highest = max(levels.max() for levels in bench.programmed)
    assert highest <= bench.level_idle.max() + STEP * P_PI * (1.0 + 1e-9)


@pytest.mark.parametrize("pair", [(0, 1), (2, 9), (5, 14), (12, 13), (13, 14)])
def test_swapped_channels_are_found_with_their_exchange(pair: tuple[int, int]) -> None:
    _, found = looked(swapped=[(1, *pair)])
    assert len(found.findings) == 1
    one = found.findings[0]
    assert one.kind == "swapped"
    assert one.exchange == ((1, pair[0]), (1, pair[1]))
    assert found.answering == 30


@pytest.mark.parametrize("pair", [((0, 3), (1, 12)), ((0, 6), (1, 6))])
def test_channels_that_lead_to_each_others_banks_are_found(pair: Any) -> None:
    _, found = looked(crossed=[pair])
    assert [(one.kind, one.exchange) for one in found.findings] == [("swapped", pair)]


def test_exchanged_detectors_are_told_from_exchanged_heaters() -> None:
    _, found = looked(exchanged_detectors=(0, 3))
    assert [(one.kind, one.port, one.exchange) for one in found.findings] == [
        ("exchanged", 0, None)
    ]
    assert "detectors" in found.findings[0].text


def test_exchanged_cables_of_two_banks_are_one_finding_each() -> None:
    every = [((0, element), (1, element)) for element in range(16)]
    bench, found = looked(crossed=every)
    assert kinds(found) == [("exchanged", 0, None), ("exchanged", 1, None)]
    assert bench.observed < 30


def test_two_pairs_and_an_open_heater_are_told_apart() -> None:
    _, found = looked(6, 7, swapped=[(0, 3, 20), (0, 8, 31)], dead=[(1, 11)])
    swaps = {one.exchange for one in found.findings if one.kind == "swapped"}
    assert swaps == {((0, 3), (0, 20)), ((0, 8), (0, 31))}
    assert ("open", 1, 11) in kinds(found)
    assert len(found.findings) == 3


def test_a_stuck_channel_is_told_from_an_open_heater() -> None:
    _, found = looked(stuck={(0, 6): 0.7 * P_PI})
    assert kinds(found) == [("stuck", 0, 6)]


def test_without_drivers_it_is_dead() -> None:
    _, found = looked(dead=[(0, 6)], drivers=False)
    assert kinds(found) == [("dead", 0, 6)]


def test_a_heater_on_the_other_arm_is_reversed() -> None:
    truth = drawn_truth(4, 2, seed=5)
    truth.value["slope"][0, 4] *= -1.0
    found = wait_for(identify_mesh(DrawnBench(truth), Silent()))
    assert kinds(found) == [("reversed", 0, 4)]


def test_a_quadrature_line_that_steps_the_other_way_is_one_finding() -> None:
    truth = drawn_truth(4, 2, seed=5)
    truth.quadrature_error = np.pi
    found = wait_for(identify_mesh(DrawnBench(truth), Silent()))
    assert kinds(found) == [("mirrored", None, None)]
    assert found.answering == 32


def test_a_dark_detector_is_named_and_no_heater_blamed() -> None:
    _, found = looked(dark_detectors=[2])
    assert [(one.kind, one.port) for one in found.findings] == [("dark", 2)]


def test_a_bench_without_quadratures_is_refused() -> None:
    bench = DrawnBench(drawn_truth(4, 2, seed=5), detections=frozenset({Detection.HOMODYNE}))
    with pytest.raises(NotPossibleError, match="lo_quadrature"):
        wait_for(identify_mesh(bench, Silent()))


def test_an_interrupt_leaves_the_idle_bias() -> None:
    bench = DrawnBench(drawn_truth(4, 2, seed=5), interrupt_at=9)
    with pytest.raises(InterruptedSweep):
        wait_for(identify_mesh(bench, Silent()))
    assert bench.is_idle()


def test_an_answer_gives_row_turn_and_error() -> None:
    rng = np.random.default_rng(3)

    def unit() -> np.ndarray:
        drawn = rng.normal(size=8) + 1j * rng.normal(size=8)
        return drawn / np.linalg.norm(drawn)

    row, column = unit(), unit()
    turn, sigma, errors = -0.3, 0.004, []
    for _ in range(200):
        first, second = (
            np.outer(column, row) * (np.exp(1j * k * turn) - 1.0)
            + sigma * np.sqrt(2.0) * (rng.normal(size=(8, 8)) + 1j * rng.normal(size=(8, 8)))
            for k in (1, 2)
        )
        found = answer(first, second, sigma)
        assert found.clear
        assert not found.mixed
        assert found.sign == -1
        assert abs(np.vdot(found.row, row)) > 0.99
        errors.append((found.turn - turn) / found.error)
    assert 0.7 < np.sqrt(np.mean(np.square(errors))) < 1.3


def test_noise_alone_is_no_answer_and_two_heaters_are_mixed() -> None:
    rng = np.random.default_rng(4)
    noise = 0.01 * np.sqrt(2.0) * (
        rng.normal(size=(2, 6, 6)) + 1j * rng.normal(size=(2, 6, 6))
    )  # fmt: skip
    found = answer(noise[0], noise[1], 0.01)
    assert not found.clear
    assert found.sign == 0
    two = np.diag([1.0, 0.8, 0, 0, 0, 0]).astype(complex)
    assert answer(0.3j * two, 0.6j * two, 0.01).mixed


def test_a_weight_is_found_by_its_channels_code() -> None:
    rng = np.random.default_rng(8)
    signs = np.repeat([1.0, -1.0], LOOKS // 2)
    codes = np.concatenate([rng.permuted(np.tile(signs, (5, 1)), axis=1).T for _ in range(6)])
    heights = np.repeat(rng.normal(size=(6, 2)), LOOKS, axis=0)
    slopes = np.repeat(rng.normal(size=(6, 1)), LOOKS, axis=0)
    seen = heights + 0.05 * rng.normal(size=(6 * LOOKS, 2))
    seen[:, :1] += slopes * codes[:, 3:4]
    share, moving = explained(seen, codes)
    assert share[0].argmax() == 3
    assert share[0, 3] > 0.9
    assert np.abs(share[1]).max() < 0.15
    assert moving[1] == pytest.approx(0.05, rel=0.2)
