"""The neural residual: nothing at first, then what physics does not say, and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hil.control import Trace
from hil.twin.neural import NeuralResidual, NeuralSettings, jacobian
from hil.twin.refit import RefitSettings
from hil.twin.refitting import new_refit
from tests.hil.twin.walk import Walk

WITHOUT = RefitSettings()
WITH = RefitSettings(kind="layered-neural", neural=NeuralSettings(rate=0.01))


def _distorted(trace: Trace) -> Trace:
    """Ports that also see a square of what the modulators send: no twin's law has that."""
    light = np.sin(0.5 * np.pi * trace.sent)
    return replace(trace, measured=trace.measured + 0.1 * light[:, :, ::-1] ** 2)


def test_it_is_off_by_default(walk: Walk) -> None:
    twin = walk.twin()
    before = set(twin.parameters)
    new_refit(twin, WITHOUT, 0).observe(*walk.step())
    assert set(twin.parameters) == before == set(twin.describe())


def test_at_first_it_adds_nothing_and_is_described(walk: Walk) -> None:
    plain, twin = walk.twin(), walk.twin()
    NeuralResidual(twin, NeuralSettings(), 0)
    light = torch.rand(5, 4, dtype=torch.float64)
    matrix = plain.matrices(torch.ones(2, 16, dtype=torch.float64))[0]
    same = plain.detect(light, torch.zeros_like(light), matrix)
    assert torch.equal(twin.detect(light, torch.zeros_like(light), matrix), same)
    assert set(twin.describe()) == set(twin.parameters)
    assert set(twin.prior) == set(plain.prior)


def test_it_learns_what_the_law_cannot_say(walk: Walk) -> None:
    ends = []
    for settings in (WITHOUT, WITH):
        refit = new_refit(walk.twin(), settings, 0)
        seen = [walk.step() for _ in range(150)]
        residuals = [refit.observe(powers, _distorted(trace)) for powers, trace in seen]
        ends.append(np.mean(residuals[-20:]))
    assert ends[0] > 0.03
    assert ends[1] < 0.75 * ends[0]


def test_the_penalty_holds_its_jacobian_down(walk: Walk) -> None:
    sizes = []
    for penalty in (0.0, 1.0):
        twin = walk.twin()
        settings = replace(WITH, neural=NeuralSettings(rate=0.01, penalty=penalty))
        refit = new_refit(twin, settings, 0)
        for _ in range(60):
            powers, trace = walk.step()
            refit.observe(powers, _distorted(trace))
        light = torch.linspace(-1.0, 1.0, 40, dtype=torch.float64).reshape(10, 4)
        sizes.append(float(jacobian(twin.parameters, light).square().mean()))
    assert sizes[1] < 0.3 * sizes[0]


def test_jacobian_is_that_of_what_is_added(walk: Walk) -> None:
    twin = walk.twin()
    NeuralResidual(twin, NeuralSettings(hidden=3), 1)
    weights = twin.parameters
    weights["output_weight"] = torch.rand(4, 3, dtype=torch.float64)
    light = torch.rand(4, dtype=torch.float64)
    found = torch.func.jacrev(lambda x: twin.beyond(x, weights))(light)
    assert torch.allclose(jacobian(weights, light.unsqueeze(0))[0], found)


def test_bad_data_leaves_it_finite_and_too_many_weights_are_refused(walk: Walk) -> None:
    refit = new_refit(walk.twin(), WITH, 0)
    powers, trace = walk.step()
    for bad in (np.nan, 1e200):
        refit.observe(powers, replace(trace, measured=np.full_like(trace.measured, bad)))
    refit.observe(*walk.step())
    with pytest.raises(ValueError, match="fewer hidden units"):
        NeuralResidual(walk.twin(), NeuralSettings(hidden=300), 0)
