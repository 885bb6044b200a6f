"""Repairs put right in the twin what has changed on the bench, and leave the rest."""

from __future__ import annotations

import asyncio

import pytest
import torch

from hil.learn.diagnosis import diagnose
from hil.learn.reference import reference_inputs
from hil.learn.repairs import place_elements, rezero, square
from hil.learn.resweep import fit_place, resweep, swept_powers
from tests.hil.learn.benches import BANKS, NOISE, PORTS, Scene


def test_ports_are_zeroed_again() -> None:
    scene = Scene(seed=1, wrong=0.0)
    gain, zero = (scene.truth.parameters[name].clone() for name in ("gain", "zero"))
    gain[2] *= 0.7
    zero[5] += 0.1
    scene.change("gain", gain)
    scene.change("zero", zero)
    seen = scene.look()
    found = diagnose(scene.twin, seen, scene.powers)
    renewed = rezero(scene.twin, seen, scene.powers, found)
    assert float((renewed["gain"] / gain - 1.0).abs().max()) < 0.02
    assert float((renewed["zero"] - zero).abs().max()) < 0.01
    assert torch.equal(renewed["offset"], scene.twin.parameters["offset"])


def test_a_common_step_is_taken_back_by_one_number() -> None:
    scene = Scene(seed=2, wrong=0.0)
    scene.change("lo_phase", scene.truth.parameters["lo_phase"] + 0.3)
    seen = scene.look()
    renewed = rezero(scene.twin, seen, scene.powers, diagnose(scene.twin, seen, scene.powers))
    assert square(scene.twin, scene.look(), scene.powers, renewed) < (1.1 * NOISE) ** 2


def test_elements_are_placed_from_one_look() -> None:
    """What is predicted is a look that was not fitted to."""
    scene = Scene(seed=3, wrong=0.0)
    scene.move(0.2 * scene.normal(BANKS, PORTS**2))
    seen, before = scene.look(), dict(scene.twin.parameters)
    renewed = place_elements(scene.twin, seen, scene.powers, 0.2, NOISE)
    assert all(torch.equal(scene.twin.parameters[k], value) for k, value in before.items())
    fresh = scene.look()
    assert square(scene.twin, fresh, scene.powers, before) > (8 * NOISE) ** 2
    assert square(scene.twin, fresh, scene.powers, renewed) < (2 * NOISE) ** 2


def test_an_element_is_swept_and_the_levels_are_as_before() -> None:
    scene = Scene(seed=4, wrong=0.02)
    scene.move_one(1, 21, 1.1)
    scene.program()
    settings, looks = asyncio.run(
        resweep(
            scene.machine, reference_inputs(PORTS), scene.twin, scene.limits, scene.powers, 1, 21
        )
    )
    by, share = fit_place(scene.twin, settings, looks, 1, 21)
    assert by == pytest.approx(1.1, abs=0.1)
    assert share > 0.9
    levels = scene.powers.numpy() * scene.twin.p_pi
    assert (scene.machine.programmed[-1] == levels).all()


def test_a_sweep_asks_for_nothing_beyond_a_limit() -> None:
    scene = Scene(seed=5)
    powers = scene.powers.clone()
    powers[0, 7] = 2.3
    scene.limits = type(scene.limits)(
        scene.limits.smallest, scene.limits.largest, float(powers[0].sum()) + 0.3
    )
    swept = [float(one[0, 7]) for one in swept_powers(scene.limits, powers, 0, 7)]
    assert swept == pytest.approx([1.7, 1.9, 2.1, 2.5])


def test_a_sweep_that_fails_leaves_the_levels_as_before() -> None:
    scene = Scene(seed=6)

    def cut(_: object) -> None:
        raise asyncio.CancelledError

    scene.machine.broken = cut  # type: ignore[assignment]
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(
            resweep(
                scene.machine, reference_inputs(PORTS), scene.twin, scene.limits, scene.powers, 0, 3
            )
        )
    assert (scene.machine.programmed[-1] == scene.powers.numpy() * scene.twin.p_pi).all()
