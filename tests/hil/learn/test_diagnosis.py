"""What an alarm is put down to: the simplest thing that explains it, by its name."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hil.learn.diagnosis import diagnose, look_scores, sensitivities
from hil.learn.repairs import square
from hil.learn.scores import element_scores
from tests.hil.learn.benches import BANKS, PORTS, Scene


@pytest.mark.parametrize(
    ("bank", "element", "by"), [(0, 3, 0.2), (1, 20, -0.2), (0, 37, 0.2), (1, 60, 0.3)]
)
def test_a_step_of_one_element_is_named_with_bank_and_element(
    bank: int, element: int, by: float
) -> None:
    """The twin is off everywhere by a little; in all, the step hardly doubles the residual."""
    scene = Scene(seed=element, wrong=0.02)
    before = square(scene.twin, scene.look(), scene.powers, scene.twin.parameters)
    scene.move_one(bank, element, by)
    seen = scene.look()
    scores = look_scores(scene.twin, seen, scene.powers)
    found = diagnose(scene.twin, seen, scene.powers, scores, before)
    assert (found.kind, found.worst) == ("element", (bank, element))
    assert found.moved == pytest.approx(by, abs=0.1)
    assert np.sign(found.score) == np.sign(by)
    assert f"bank {bank}, element {element} by" in found.text()


def test_one_number_for_all() -> None:
    for name, value, told in (("lo_phase", 0.15, "local_oscillator"), ("gain", 0.93, "light")):
        scene = Scene(seed=4)
        q = scene.truth.parameters
        scene.change(name, q[name] * value if name == "gain" else q[name] + value)
        seen = scene.look()
        scores = look_scores(scene.twin, seen, scene.powers)
        found = diagnose(scene.twin, seen, scene.powers, scores)
        assert found.kind == "common", name
        assert getattr(found.common, told) == pytest.approx(value, abs=0.01)


def test_a_common_step_of_all_phases_is_a_temperature() -> None:
    scene = Scene(seed=5)
    scene.move(torch.full((BANKS, PORTS**2), 0.2, dtype=torch.float64))
    seen = scene.look()
    found = diagnose(scene.twin, seen, scene.powers, look_scores(scene.twin, seen, scene.powers))
    assert found.kind == "common"
    assert found.common.temperature == pytest.approx(0.2, abs=0.02)


def test_a_detector_is_a_port() -> None:
    scene = Scene(seed=6)
    gain = scene.truth.parameters["gain"].clone()
    gain[3] *= 0.7
    scene.change("gain", gain)
    seen = scene.look()
    found = diagnose(scene.twin, seen, scene.powers, look_scores(scene.twin, seen, scene.powers))
    assert found.kind == "ports"
    assert found.share > 0.8


def test_many_elements_each_by_its_own() -> None:
    scene = Scene(seed=7)
    scene.move(0.2 * scene.normal(BANKS, PORTS**2))
    seen = scene.look()
    found = diagnose(scene.twin, seen, scene.powers, look_scores(scene.twin, seen, scene.powers))
    assert found.kind == "elements"


def test_scores_are_of_variance_one_and_of_no_size() -> None:
    """Elements off by any one size, and a rest: what all do together raises no score."""
    scene = Scene(seed=8)
    moved = sensitivities(scene.twin, scene.powers)
    size = float(moved.flatten(2).square().sum(dim=1).mean().sqrt())
    found = []
    for _ in range(40):
        each = 0.05 * scene.normal(BANKS, PORTS**2)
        change = torch.einsum("ke,keno->kno", each, moved)
        change += 0.05 * size * scene.normal(BANKS, PORTS, PORTS)
        scores = element_scores(moved, change)
        torch.testing.assert_close(element_scores(moved, 7.0 * change), scores)
        found.append(scores)
    spread = torch.stack(found).square().mean().sqrt()
    assert float(spread) == pytest.approx(1.0, abs=0.1)
    assert float(torch.stack(found).abs().max()) < 5.0
    change[1] += moved[1, 17]
    scores = element_scores(moved, change).abs()
    assert divmod(int(scores.argmax()), PORTS**2) == (1, 17)
    assert float(scores[1, 17]) > 5.5
