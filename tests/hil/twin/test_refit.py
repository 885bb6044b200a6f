"""The online refit: it finds the bench, the same way each time, and survives bad data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hil.control import Trace
from hil.twin.machine import Twin
from hil.twin.refit import OnlineRefit, RefitSettings
from tests.hil.twin.walk import Walk


def _all_finite(twin: Twin) -> bool:
    return all(bool(torch.isfinite(value).all()) for value in twin.parameters.values())


def _garbage(trace: Trace) -> Trace:
    rng = np.random.default_rng(99)
    return replace(trace, measured=rng.uniform(-1.0, 1.0, trace.measured.shape))


@pytest.mark.parametrize("seed", [1, 2])
def test_from_rough_the_residual_falls_and_phases_approach_the_truth(
    tmp_path: Path, seed: int
) -> None:
    walk = Walk(tmp_path, seed)
    with walk.bench:
        twin = walk.twin()
        refit = OnlineRefit(twin, RefitSettings(rate=0.01), seed=0)
        phases, matrices = walk.errors(twin)
        residuals = [refit.observe(*walk.step()) for _ in range(100)]
        now_phases, now_matrices = walk.errors(twin)
    # As measured: residual 0.05 to 0.015 (read noise is 0.01), the others to half.
    assert np.mean(residuals[-10:]) < 0.5 * np.mean(residuals[:5])
    assert np.mean(residuals[-10:]) < 0.025
    assert now_phases < 0.75 * phases
    assert now_matrices < 0.65 * matrices


def test_the_same_seed_gives_the_same_twin_and_another_seed_another(walk: Walk) -> None:
    seen = [walk.step() for _ in range(12)]

    def fitted(seed: int) -> dict[str, torch.Tensor]:
        twin = walk.twin()
        refit = OnlineRefit(twin, RefitSettings(replay=6), seed)
        for powers, trace in seen:
            refit.observe(powers, trace)
        return twin.parameters

    first, again, other = fitted(0), fitted(0), fitted(1)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["offset"], other["offset"])


def test_old_settings_stay_in_the_fit(walk: Walk) -> None:
    """At one held setting many twins fit; only the replay keeps what earlier ones taught."""
    seen = [walk.step() for _ in range(25)]
    held = [seen[-1]] * 60

    def error_at_old_settings(replayed: int) -> float:
        twin = walk.twin()
        refit = OnlineRefit(twin, RefitSettings(rate=0.01, settings=replayed), seed=0)
        for powers, trace in [*seen, *held]:
            refit.observe(powers, trace)
        old = torch.stack([powers for powers, _ in seen])
        return float((twin.matrices(old) - walk.truth.matrices(old)).pow(2).mean().sqrt())

    assert error_at_old_settings(4) < 0.9 * error_at_old_settings(1)


@pytest.mark.parametrize(("pull", "least", "most"), [(0.0, 1.0, 1.0), (1.0, 0.0, 0.5)])
def test_without_data_the_pull_alone_moves_toward_the_record(
    walk: Walk, pull: float, least: float, most: float
) -> None:
    twin = walk.twin()
    strayed = {"offset": 0.1, "slope": -0.1, "gain": 0.05, "zero": 0.03}
    for name, amount in strayed.items():
        twin.parameters[name] = twin.parameters[name] + amount
    powers, trace = walk.step()
    blind = replace(trace, clipped=np.ones_like(trace.clipped))
    refit = OnlineRefit(twin, RefitSettings(pull=pull, rate=0.01), seed=0)
    for _ in range(30):
        refit.observe(powers, blind)
    for name, amount in strayed.items():
        left = (twin.parameters[name] - twin.prior[name]) / amount
        assert bool((left.abs() >= least - 1e-12).all())
        assert bool((left.abs() <= most + 1e-12).all())


def test_clipped_points_are_left_out(walk: Walk) -> None:
    powers, trace = walk.step()
    clipped = np.random.default_rng(0).random(trace.clipped.shape) < 0.3
    marked = replace(trace, clipped=clipped)
    spoiled = replace(marked, measured=np.where(clipped, 0.97, trace.measured))
    unmarked = replace(spoiled, clipped=np.zeros_like(clipped))

    def fitted(shown: Trace) -> tuple[float, torch.Tensor]:
        twin = walk.twin()
        refit = OnlineRefit(twin, RefitSettings(), seed=0)
        residuals = [refit.observe(powers, shown) for _ in range(3)]
        return residuals[-1], twin.parameters["offset"]

    residual, offset = fitted(marked)
    same_residual, same_offset = fitted(spoiled)
    assert residual == same_residual
    assert torch.equal(offset, same_offset)
    assert fitted(unmarked)[0] > 3 * residual


def test_the_first_sample_follows_dark_and_others_their_predecessor(walk: Walk) -> None:
    """With the truth for a twin the residual is the read noise, whatever samples are chosen."""
    twin = walk.truth
    refit = OnlineRefit(twin, RefitSettings(rate=0.0), seed=0)
    residuals = [refit.observe(*walk.step()) for _ in range(20)]
    assert np.mean(residuals) == pytest.approx(0.01, rel=0.05)
    memory = twin.parameters["memory"].clone()
    twin.parameters["memory"] = memory + 0.05
    wrong = OnlineRefit(twin, RefitSettings(rate=0.0), seed=0)
    assert wrong.observe(*walk.step()) > 0.012


def test_after_a_corrupted_batch_the_gate_falls_back(walk: Walk) -> None:
    twin = walk.twin()
    refit = OnlineRefit(twin, RefitSettings(rate=0.02, steps=4), seed=0)
    before = [refit.observe(*walk.step()) for _ in range(30)][-1]
    clean = refit.fallbacks
    powers, trace = walk.step()
    good = walk.errors(twin)[1]
    refit.observe(powers, _garbage(trace))
    spoiled = walk.errors(twin)[1]
    assert spoiled > 1.5 * good
    assert refit.fallbacks == clean
    after = refit.observe(*walk.step())
    assert refit.fallbacks == clean + 1
    assert after < 1.5 * before
    assert walk.errors(twin)[1] < 0.5 * (good + spoiled)


def test_a_batch_that_tells_nothing_proves_nothing(walk: Walk) -> None:
    """The gate must not take a twin for good on a batch of clipped points alone."""
    twin = walk.twin()
    refit = OnlineRefit(twin, RefitSettings(rate=0.02, steps=4), seed=0)
    before = [refit.observe(*walk.step()) for _ in range(15)][-1]
    powers, trace = walk.step()
    refit.observe(powers, _garbage(trace))
    told = refit.residual
    blind = replace(trace, clipped=np.ones_like(trace.clipped))
    assert refit.observe(powers, blind) == told
    clean = refit.fallbacks
    assert refit.observe(*walk.step()) < 1.5 * before
    assert refit.fallbacks == clean + 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_never_does_a_twin_hold_what_is_not_finite(walk: Walk, bad: float) -> None:
    twin = walk.twin()
    refit = OnlineRefit(twin, RefitSettings(replay=4), seed=0)
    refit.observe(*walk.step())
    powers, trace = walk.step()
    for shape in (trace.measured, trace.sent):
        spoiled = shape.copy()
        spoiled[:, 1:, 2] = bad
        name = "measured" if shape is trace.measured else "sent"
        refit.observe(powers, replace(trace, **{name: spoiled}))
        assert _all_finite(twin)
    for _ in range(10):
        assert refit.observe(*walk.step()) < 0.15
        assert _all_finite(twin)


def test_batches_of_any_size_are_fitted_together(walk: Walk) -> None:
    """The last batch of an epoch may be shorter than what is kept of the others."""
    twin = walk.twin()
    refit = OnlineRefit(twin, RefitSettings(samples=24), seed=0)
    for batch in (32, 3, 32, 24, 1, 40, 7, 32):
        assert refit.observe(*walk.step(batch)) < 0.2
    assert _all_finite(twin)
    assert not torch.equal(twin.parameters["offset"], twin.prior["offset"])
