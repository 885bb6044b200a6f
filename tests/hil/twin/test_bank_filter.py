"""The bank filter on a synthetic bench: a twin whose phases drift by a known law."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hil.control import Trace
from hil.twin.bank_filter import MOST_WALK, BankFilter, FilterSettings, Innovation
from hil.twin.machine import Twin, samples_before
from hil.twin.moments import slot_moments
from sim_backends.plant import Plant
from tests.hil.twin.plants import document, exact_twin

PORTS, BANKS, STEP = 4, 2, 0.067
NOISE = 0.01
#: The filter's model holds here, so nothing beside read noise is to be allowed for.
EXACT = FilterSettings(drift=0.1, excess=1.0, unknown=0.0)


class Drifting:
    """Batches of a twin whose offsets do an Ornstein-Uhlenbeck walk of `rms` rad."""

    def __init__(self, rms: float, tau: float = 25.0, seed: int = 0) -> None:
        self.truth = exact_twin(Plant.from_document(document(PORTS, BANKS, seed=3)))
        self.still = self.truth.parameters["offset"].clone()
        self.time = 0.0
        self._rng = np.random.default_rng(seed)
        self._powers = self._rng.uniform(0.5, 1.5, self.still.shape)
        self._keep, self._rms = np.exp(-STEP / tau), rms
        self._moved = np.zeros(self.still.shape)

    def twin(self, off: float) -> Twin:
        """One that knows all but the phases, which are wrong by `off` rad rms."""
        start = exact_twin(Plant.from_document(document(PORTS, BANKS, seed=3))).parameters
        start["offset"] = self.still + off * torch.tensor(
            self._rng.standard_normal(self.still.shape)
        )
        return Twin(start, self.truth.p_pi, self.truth.decay)

    def batch(self, samples: int = 32) -> tuple[torch.Tensor, Trace]:
        """Powers and a trace there, one step later."""
        rng, shape = self._rng, self.still.shape
        self.time += STEP
        kick = self._rms * np.sqrt(1.0 - self._keep**2)
        self._moved = self._keep * self._moved + kick * rng.standard_normal(shape)
        self._powers = self._powers + rng.normal(0.0, 0.01, shape)
        self.truth.parameters["offset"] = self.still + torch.tensor(self._moved)
        powers = torch.tensor(self._powers)
        banks = (0, 1, 0, 1)
        sent = torch.tensor(rng.uniform(-1.0, 1.0, (len(banks), samples, PORTS)))
        dark = torch.arange(samples) == 0
        light = self.truth.modulate(sent)
        seen = self.truth.detect(
            light, samples_before(light, dark), self.truth.matrices(powers)[list(banks)]
        )
        measured = seen.movedim(0, 1).numpy() + rng.normal(0.0, NOISE, (samples, 4, PORTS))
        return powers, Trace(
            sent=sent.movedim(0, 1).numpy(),
            measured=measured,
            clipped=np.zeros(measured.shape, dtype=bool),
            state=measured[:, -1],
            after_dark=dark.numpy(),
            banks=banks,
            times=np.full(4, self.time),
        )


def _follow(
    bench: Drifting,
    off: float,
    batches: int,
    settings: FilterSettings,
    splitters: float = 0.0,
) -> tuple[Twin, BankFilter, list[Innovation]]:
    twin = bench.twin(off)
    spread = {"offset": off, "alpha": splitters, "beta": splitters}
    sigma = {name: torch.full_like(twin.parameters[name], rad) for name, rad in spread.items()}
    follower = BankFilter(twin, sigma, settings)
    said = []
    for _ in range(batches):
        powers, trace = bench.batch()
        said.append(follower.update(powers, slot_moments(twin, trace), bench.time))
    return twin, follower, said


def _tail(said: list[Innovation]) -> float:
    return float(torch.stack([one.normalised for one in said[-100:]]).mean())


@pytest.mark.parametrize("rms", [0.03, 0.2])
def test_drifting_phases_are_tracked_and_the_doubt_is_right(rms: float) -> None:
    bench = Drifting(rms)
    twin, follower, said = _follow(bench, 0.1, 200, EXACT)
    assert _tail(said) == pytest.approx(1.0, abs=0.25)
    wrong = twin.parameters["offset"] - bench.truth.parameters["offset"]
    doubt = follower.covariance.diagonal(dim1=-2, dim2=-1)[:, : PORTS**2]
    # In units of the filter's own doubt; all directions, also those that a setting hides.
    assert 0.3 < float((wrong**2 / doubt).mean()) < 3.0
    assert float(wrong.square().mean().sqrt()) < 0.4 * rms
    residual = float(torch.stack([one.residual for one in said[-50:]]).mean())
    assert residual < 1.7 * NOISE


def test_the_walk_is_followed_up_and_down() -> None:
    walks = []
    for rms in (0.01, 0.2):
        *_, follower, _ = _follow(Drifting(rms), 0.1, 150, EXACT)
        walks.append(float(follower.walk.mean().sqrt()) * EXACT.drift)
    assert walks[0] < 0.03
    assert walks[1] == pytest.approx(0.2, rel=0.5)


def test_wrong_parameters_beside_phases_do_not_break_it() -> None:
    bench = Drifting(0.05)
    bench.truth.parameters["alpha"] = bench.truth.parameters["alpha"] + 0.05
    _, _, said = _follow(bench, 0.1, 150, FilterSettings())
    assert _tail(said) < 2.0
    assert float(said[-1].residual.mean()) < 2.5 * NOISE


def test_a_batch_that_tells_nothing_moves_nothing_and_adds_doubt() -> None:
    bench = Drifting(0.05)
    twin, follower, _ = _follow(bench, 0.1, 20, EXACT)
    before, doubt = twin.parameters["offset"].clone(), follower.covariance.clone()
    powers, trace = bench.batch()
    for blind in (
        replace(trace, clipped=np.ones_like(trace.clipped)),
        replace(trace, measured=np.full_like(trace.measured, np.nan)),
        replace(trace, sent=np.full_like(trace.sent, np.inf)),
    ):
        bench.time += STEP
        said = follower.update(powers, slot_moments(twin, blind), bench.time)
        assert torch.equal(twin.parameters["offset"], before)
        assert bool(torch.isfinite(said.normalised).all())
    grown = follower.covariance.diagonal(dim1=-2, dim2=-1)
    assert bool((grown > doubt.diagonal(dim1=-2, dim2=-1)).all())


def test_one_spoilt_batch_is_got_over_at_once() -> None:
    bench = Drifting(0.05)
    twin, follower, said = _follow(bench, 0.1, 60, EXACT)
    usual = float(said[-1].residual.mean())
    powers, trace = bench.batch()
    garbage = np.random.default_rng(9).uniform(-1.0, 1.0, trace.measured.shape)
    follower.update(powers, slot_moments(twin, replace(trace, measured=garbage)), bench.time)
    for _ in range(10):
        powers, trace = bench.batch()
        last = follower.update(powers, slot_moments(twin, trace), bench.time)
    assert float(last.residual.mean()) < 1.5 * usual


def test_a_step_is_followed_at_once_by_a_filter_that_was_told_to_doubt() -> None:
    left = []
    for told in (False, True):
        bench = Drifting(0.01)
        twin, follower, _ = _follow(bench, 0.1, 100, EXACT)
        bench.still = bench.still + 0.2 * torch.randn(
            bench.still.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64
        )
        if told:
            follower.doubt(0.2)
        for _ in range(8):
            powers, trace = bench.batch()
            last = follower.update(powers, slot_moments(twin, trace), bench.time)
        left.append(float(last.residual.mean()))
    assert left[1] < 2.0 * NOISE
    assert left[1] < 0.8 * left[0]


def test_what_is_wrong_beside_phases_is_not_taken_for_ever_more_drift() -> None:
    """Else phases are thrown about until predictions at new levels are worth nothing."""
    bench = Drifting(0.03)
    for name in ("alpha", "beta"):
        wrong = 0.1 * torch.randn(
            bench.truth.parameters[name].shape, generator=torch.Generator().manual_seed(2)
        )
        bench.truth.parameters[name] = bench.truth.parameters[name] + wrong.to(torch.float64)
    _, follower, said = _follow(bench, 0.1, 150, FilterSettings())
    # Its splitters are not doubted here: the walk is what must not take their errors.
    assert float(follower.walk.max()) <= MOST_WALK
    assert float(torch.stack([one.residual for one in said[-50:]]).mean()) < 2.0 * NOISE


def _splitters_wrong(bench: Drifting, rad: float) -> dict[str, torch.Tensor]:
    """Give the bench other splitters; gives what they are then."""
    truth, draw = bench.truth.parameters, torch.Generator().manual_seed(5)
    for name in ("alpha", "beta"):
        wrong = torch.randn(truth[name].shape, generator=draw, dtype=torch.float64)
        truth[name] = truth[name] + rad * wrong
    return truth


def test_splitters_are_found_beside_phases_that_drift() -> None:
    """A filter of phases alone would move them by what the splitters have wrong."""
    settings = replace(EXACT, splitters=1.0)
    off = {}
    for believed in (0.0, 0.08):
        bench = Drifting(0.05)
        truth = _splitters_wrong(bench, 0.08)
        twin, follower, said = _follow(bench, 0.1, 200, settings, believed)
        assert _tail(said) == pytest.approx(1.0, abs=0.3)
        off[believed] = {
            name: float((twin.parameters[name] - truth[name]).square().mean().sqrt())
            for name in ("offset", "alpha", "beta")
        }
    for name in ("alpha", "beta"):
        assert off[0.0][name] == pytest.approx(0.08, rel=0.4)
        assert off[0.08][name] < 0.5 * off[0.0][name]
    assert off[0.08]["offset"] < 0.5 * off[0.0]["offset"]
    elements = PORTS**2
    wrong = torch.cat([twin.parameters[n] - truth[n] for n in ("alpha", "beta")], dim=1)
    doubt = follower.covariance.diagonal(dim1=-2, dim2=-1)[:, elements:]
    assert 0.3 < float((wrong**2 / doubt).mean()) < 3.0


def test_a_covariance_stays_one() -> None:
    _, follower, _ = _follow(Drifting(0.02), 0.3, 400, FilterSettings(), 0.05)
    assert torch.allclose(follower.covariance, follower.covariance.mT, atol=1e-12)
    assert float(torch.linalg.eigvalsh(follower.covariance).min()) > 0.0
