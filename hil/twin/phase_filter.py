"""An extended Kalman filter of the phases of each bank, with their covariance.

State: the phase offsets of a bank. Between batches they walk: by drift of the bench, each element
by its own and all together (temperature; local oscillator), and where levels move by what the
twin's laws do not know. A batch measures the slot matrix, of which the derivative with respect to
each phase is known in closed form. The filter works in information form on the moments of a batch,
so its cost does not grow with the number of samples.

Two sizes are not known beforehand. How far the phases walk is followed: it is scaled so that the
normalised innovation stays near 1 (Mehra, IEEE Trans. Autom. Control 15, 175 (1970)). How far the
slot matrices can be matched at all is the noise floor of the batch, times an excess for what the
twin has wrong beside phases: large in the first batches, while splitters and modulators are not
known, then settling. (To follow both by their residuals fails: each takes the other's share, and
the filter becomes sluggish.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hil.twin.machine import Twin
from hil.twin.moments import Moments
from hil.twin.sensitivity import PhaseFactors, phase_factors


@dataclass(frozen=True)
class FilterSettings:
    """Settings of the phase filter.

    Attributes
    ----------
    drift, tau : rad and s of the drift model that the walk begins with; its size is then followed.
    common : rad/sqrt(s), by which all phases, and by which all output phases, walk together.
    moved : rad of doubt per p_pi that a level moves.
    widest : rad, the doubt of a phase that nothing measures.
    noise : signal units, the least noise floor that is believed.
    excess : variance of what is taken for noise, in units of that of the noise floor.
    unknown : share of the first batch's error, squared, that is taken for noise as well.
    settling : of which a batch leaves this share.
    adapt : exponent of the normalised innovation in the followed size of the walk.
    reach : rad rms, the most that the phases of a bank may move in an update, since the filter is
        linear in them: a batch that asks for more is taken for noisier than it is.
    tries : halvings of a step that does not lessen the error.
    """

    drift: float = 0.05
    tau: float = 25.0
    common: float = 0.01
    moved: float = 0.1
    widest: float = 0.5
    noise: float = 0.003
    excess: float = 4.0
    unknown: float = 0.1
    settling: float = 0.95
    adapt: float = 0.2
    reach: float = 0.03
    tries: int = 3


#: Bounds of the followed size of the walk, as a factor of its variance. What more than the largest
#: walk would have to explain is taken for noise: errors of the twin beside phases, not drift.
LEAST_WALK, MOST_WALK = 0.01, 4.0
#: Most that a batch may raise what is taken for noise: one spoilt batch must not dull the filter.
MOST_RISE = 1.5
#: Further Gauss-Newton rounds of an update whose normalised innovation is above `CURVED`: phases
#: that have gone far are not found in one linear step.
ROUNDS, CURVED = 3, 4.0
#: Rounds at most in which an update that goes too far is taken for noisier.
DULLED = 5
#: Of a reach that is wider for a while, the share that an update leaves.
KEPT_REACH = 0.7
#: Variance, rad^2, that keeps a covariance positive in floating point.
_TINY = 1e-10


@dataclass(frozen=True)
class Innovation:
    """What a batch said against what had been expected.

    normalised : (n_banks,) mean square of the innovation in units of its expected variance.
    residual, floor : (n_banks,) signal units, rms one-slot error before the update, and of what no
    matrix could explain. shift : (n_banks, elements) rad, by which the offsets moved.
    """

    normalised: Tensor
    residual: Tensor
    floor: Tensor
    shift: Tensor


class PhaseFilter:
    """Follows the phase offsets of a twin (`twin.parameters["offset"]`).

    sigma : (n_banks, elements) rad, how far the offsets may be off at first.

    Attributes
    ----------
    covariance : (n_banks, elements, elements) rad^2, of what the offsets may be wrong by.
    walk : (n_banks,) variance of the walk in units of that of the settings' drift model.
    gone : rad rms, what a phase is thought to have walked from the last batch but one to the last.
    """

    def __init__(self, twin: Twin, sigma: Tensor, settings: FilterSettings) -> None:
        self.twin = twin
        self.settings = settings
        self.covariance = torch.diag_embed(sigma.to(torch.float64) ** 2)
        self.walk = torch.ones(twin.n_banks, dtype=torch.float64)
        self._noise2: Tensor | None = None
        self._reach = settings.reach
        self._dull = torch.ones_like(self.walk)
        self.gone = 0.0
        self._powers: Tensor | None = None
        self._time = 0.0
        cells = twin.ports * (twin.ports - 1) // 2
        together = torch.ones(2, twin.ports**2, dtype=torch.float64)
        together[1, : 2 * cells] = 0.0
        self._together = together.T @ together

    def doubt(self, sigma: float) -> None:
        """Let every phase have moved by sigma, rad, each by its own; it may go as far back."""
        self._reach = max(self._reach, sigma)
        self.covariance.diagonal(dim1=-2, dim2=-1).add_(sigma**2)

    def predict(self, powers: Tensor, time: float) -> None:
        """Let the phases walk until `time` (s), and until powers (n_banks, elements)."""
        if self._powers is not None:
            s, elapsed = self.settings, max(time - self._time, 0.0)
            grown = -(s.drift**2) * math.expm1(-2.0 * elapsed / s.tau)
            self.gone = math.sqrt(grown * float(self.walk.mean()))
            own = self.walk.unsqueeze(-1) * grown + (s.moved * (powers - self._powers)) ** 2
            self.covariance += s.common**2 * elapsed * self._together
            diagonal = self.covariance.diagonal(dim1=-2, dim2=-1)
            diagonal += own
            shrink = (s.widest / diagonal.sqrt()).clamp_max(1.0)
            self.covariance *= shrink.unsqueeze(-1) * shrink.unsqueeze(-2)
        self._powers, self._time = powers.detach().clone(), time

    @torch.no_grad()
    def update(self, powers: Tensor, moments: Moments, time: float) -> Innovation:
        """Move the twin's offsets to what a batch at powers (n_banks, elements) tells.

        A bank of which fewer samples than ports are usable is left as it is, its doubt grown.
        """
        twin, entries = self.twin, float(self.twin.ports**2)
        self.predict(powers, time)
        start = twin.parameters["offset"]
        unit = _TINY * torch.eye(start.shape[1], dtype=torch.float64)
        before = torch.cholesky_inverse(torch.linalg.cholesky(self.covariance + unit))
        told = (moments.count > twin.ports).to(torch.float64)
        factors = phase_factors(twin, powers)
        squares = moments.squares(factors.matrices)
        explained = moments.explained(factors.matrices)
        free = ((moments.count - twin.ports) * twin.ports).clamp_min(1.0)
        floor2 = ((squares - explained) / free).clamp_min(self.settings.noise**2)
        noise2 = self._noise(floor2, explained, told)
        self._reach = max(self.settings.reach, KEPT_REACH * self._reach)
        sure = (told / noise2)[:, None, None]
        root, known = self._solvable(factors, moments, before, sure)
        shift = torch.cholesky_solve(known, root)
        for _ in range(DULLED):
            far = shift.square().mean(dim=(-1, -2)).sqrt() / self._reach
            if bool((far <= 1.0).all()):
                break
            noise2 = noise2 * (far**2).clamp(1.0, 16.0)
            sure = (told / noise2)[:, None, None]
            root, known = self._solvable(factors, moments, before, sure)
            shift = torch.cholesky_solve(known, root)
        normalised = (explained / noise2 - (known * shift).sum(dim=(-1, -2))) / entries
        self._shorten(powers, moments, shift.squeeze(-1), squares)
        for _ in range(ROUNDS if float((told * normalised).max()) > CURVED else 0):
            factors = phase_factors(twin, powers)
            root, known = self._solvable(factors, moments, before, sure)
            gone = (twin.parameters["offset"] - start).unsqueeze(-1)
            shift = torch.cholesky_solve(known - before @ gone, root).squeeze(-1)
            self._shorten(powers, moments, shift, moments.squares(factors.matrices))
        self.covariance = torch.cholesky_inverse(root)
        self._follow(normalised, told)
        count = (moments.count * twin.ports).clamp_min(1.0)
        return Innovation(
            normalised,
            (squares / count).clamp_min(0.0).sqrt(),
            floor2.sqrt(),
            twin.parameters["offset"] - start,
        )

    @staticmethod
    def _solvable(
        factors: PhaseFactors, moments: Moments, before: Tensor, sure: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Root of the information after a batch, and what the batch says, weighed alike."""
        information = sure * factors.gram(moments.aa)
        known = sure * factors.along(moments.misfit(factors.matrices)).unsqueeze(-1)
        return torch.linalg.cholesky(before + information), known

    def _follow(self, normalised: Tensor, told: Tensor) -> None:
        """Scale walk, and beyond the largest one noise, by what the innovation was."""
        factor = normalised.clamp(0.25, 4.0) ** (self.settings.adapt * told)
        size = self.walk * self._dull * factor
        self.walk = size.clamp(LEAST_WALK, MOST_WALK)
        self._dull = (size / MOST_WALK).clamp_min(1.0)

    def _noise(self, floor2: Tensor, explained: Tensor, told: Tensor) -> Tensor:
        """What is to be taken for noise in a batch, variance (n_banks,)."""
        s, here = self.settings, self.settings.excess * self._dull * floor2
        if self._noise2 is None:
            usual = here + s.unknown * explained / self.twin.ports**2
        else:
            followed = s.settling * self._noise2 + (1.0 - s.settling) * here
            usual = torch.minimum(followed, MOST_RISE * self._noise2)
        if bool(told.all()):
            self._noise2 = usual
        return torch.maximum(usual, here)

    def _shorten(self, powers: Tensor, moments: Moments, shift: Tensor, squares: Tensor) -> None:
        """Take a step (n_banks, elements), or its half, ….

        Banks whose error no step lessens keep their offsets.
        """
        twin, offset = self.twin, self.twin.parameters["offset"]
        factor = torch.ones(twin.n_banks, 1, dtype=torch.float64)
        for attempt in range(self.settings.tries + 1):
            twin.parameters["offset"] = offset + factor * shift
            matrices = twin.matrices(powers)
            worse = (moments.squares(matrices) > squares).unsqueeze(-1)
            if not bool(worse.any()):
                break
            smaller = 0.5 * factor if attempt < self.settings.tries else torch.zeros_like(factor)
            factor = torch.where(worse, smaller, factor)
        twin.parameters["offset"] = offset + factor * shift
