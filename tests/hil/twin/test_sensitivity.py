"""Derivatives of the slot matrices against differences, and sums of a trace against samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hil.twin.machine import Twin, samples_before
from hil.twin.moments import slot_moments
from hil.twin.sensitivity import bank_sensitivity, phase_sensitivity
from sim_backends.plant import Plant
from tests.hil.twin.plants import document, exact_twin
from tests.hil.twin.walk import PORTS, Observation, Walk


def _powers(twin: Twin, seed: int = 0) -> torch.Tensor:
    shape = (twin.n_banks, twin.ports**2)
    return torch.tensor(np.random.default_rng(seed).uniform(0.4, 1.6, shape))


@pytest.mark.parametrize("ports", [2, 5, 8])
def test_derivatives_are_differences_of_the_matrix(ports: int) -> None:
    twin = exact_twin(Plant.from_document(document(ports, 2, severity="harsh")))
    twin.parameters["lo_phase"] = torch.tensor(0.4, dtype=torch.float64)
    twin.parameters["leak"] = torch.zeros_like(twin.parameters["leak"])
    powers, step = _powers(twin), 1e-5
    seen = bank_sensitivity(twin, powers)
    cells = ports * (ports - 1) // 2
    parts = {
        "offset": seen.phases,
        "alpha": seen.splitters[:, :cells],
        "beta": seen.splitters[:, cells:],
    }
    assert torch.equal(phase_sensitivity(twin, powers), seen.phases)
    for name, found in parts.items():
        for at in range(found.shape[1]):
            sides = []
            for sign in (1.0, -1.0):
                value = twin.parameters[name].clone()
                value[:, at] += sign * step
                sides.append(twin.matrices(powers, {**twin.parameters, name: value}))
            difference = (sides[0] - sides[1]) / (2.0 * step)
            assert torch.allclose(found[:, at], difference, atol=1e-9), (name, at)


def _seen(walk: Walk) -> tuple[Twin, Observation]:
    return walk.truth, walk.step(batch=40)


def test_moments_are_sums_over_samples(walk: Walk) -> None:
    twin, (_, trace) = _seen(walk)
    clipped = trace.clipped.copy()
    clipped[7, 1, 2] = True
    measured = trace.measured.copy()
    measured[9, 2, 0] = np.nan
    moments = slot_moments(twin, replace(trace, clipped=clipped, measured=measured))
    q = twin.parameters
    light = twin.modulate(torch.tensor(trace.sent)).movedim(1, 0)
    earlier = samples_before(light, torch.tensor(trace.after_dark))
    amplitude = (light + q["memory"] * earlier).movedim(0, 1)
    r = q["softness"].sqrt()
    signal = torch.atanh(r * (torch.tensor(trace.measured) - q["zero"]) / q["gain"]) / r
    for bank in range(twin.n_banks):
        count, aa, za, zz = 0, 0.0, 0.0, 0.0
        for sample in range(trace.batch):
            for slot, used in enumerate(trace.banks):
                if used != bank or (sample, slot) in ((7, 1), (9, 2)):
                    continue
                a, z = amplitude[sample, slot], signal[sample, slot]
                count += 1
                aa, za, zz = aa + torch.outer(a, a), za + torch.outer(z, a), zz + z @ z
        assert moments.count[bank] == count
        for found, summed in ((moments.aa, aa), (moments.za, za), (moments.zz, zz)):
            assert torch.allclose(found[bank], torch.as_tensor(summed), atol=1e-12)


def test_squares_and_what_matrices_can_explain_of_them(walk: Walk) -> None:
    twin, (powers, trace) = _seen(walk)
    moments = slot_moments(twin, trace)
    truth = twin.matrices(powers)
    wrong = truth + 0.1
    noise = moments.squares(truth) / (moments.count * PORTS)
    assert torch.allclose(noise.sqrt(), torch.full_like(noise, 0.01), rtol=0.15)
    added = moments.squares(wrong) - moments.squares(truth)
    assert bool((added > 10 * moments.squares(truth)).all())
    # What is left does not depend on where one comes from: the least-squares matrices' own error.
    left = [moments.squares(m) - moments.explained(m) for m in (truth, wrong)]
    assert torch.allclose(left[0], left[1], rtol=1e-3)
