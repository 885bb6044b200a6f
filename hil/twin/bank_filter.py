"""An extended Kalman filter of the phases and splitters of each bank, with their covariance.

State: the phase offsets of a bank, and the errors of its splitters. Between batches phases walk: by
drift of the bench, each element by its own and all together (temperature; local oscillator), and
where levels move by what the twin's laws do not know. Splitters stay, but nobody has measured them
as well as a batch can: a filter of phases alone takes what they have wrong for phases, and where
that does not fit, for ever more drift. A batch measures the slot matrix, of which the derivatives
are known in closed form; the filter works on the moments of a batch, so its cost does not grow with
the number of samples.

Two sizes are not known beforehand. How far the phases walk is followed: it is scaled so that the
normalised innovation stays near 1 (Mehra, IEEE Trans. Autom. Control 15, 175 (1970)). How far the
slot matrices can be matched at all is the noise floor of the batch, times an excess for what the
twin has wrong beside its state: large in the first batches, then settling. (To follow both by their
residuals fails: each takes the other's share, and the filter becomes sluggish.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hil.twin.machine import Twin
from hil.twin.moments import Moments
from hil.twin.parameters import TwinParameters
from hil.twin.sensitivity import bank_sensitivity

#: What is filtered, in the order of the state.
STATE = ("offset", "alpha", "beta")


@dataclass(frozen=True)
class FilterSettings:
    """Settings of the bank filter.

    Attributes
    ----------
    drift, tau : rad and s of the drift model that the walk begins with; its size is then followed.
    common : rad/sqrt(s), by which all phases, and by which all output phases, walk together.
    moved : rad of doubt per p_pi that a level moves.
    widest : rad, the doubt of a phase that nothing measures.
    splitters : share of the record's uncertainty of splitters that the filter begins with. Errors
        of the laws come again at one setting after the other, unlike noise: with all of it, too
        much of them is taken for splitters.
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
    splitters: float = 0.3
    noise: float = 0.003
    excess: float = 4.0
    unknown: float = 0.1
    settling: float = 0.95
    adapt: float = 0.2
    reach: float = 0.03
    tries: int = 3


#: Bounds of the followed size of the walk, as a factor of its variance. What more than the largest
#: walk would have to explain is taken for noise: errors of the twin's laws, not drift.
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
#: Variance, rad^2 a batch, that keeps a covariance positive in floating point.
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


class BankFilter:
    """Follows the phase offsets and the splitters of a twin, in its `parameters`.

    sigma : rad, standard uncertainty of each of `STATE`, (n_banks, elements) or (n_banks, cells).

    Attributes
    ----------
    covariance : (n_banks, states, states) rad^2, of what the state may be wrong by.
    walk : (n_banks,) variance of the walk in units of that of the settings' drift model.
    gone : rad rms, what a phase is thought to have walked from the last batch but one to the last.
    """

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = (
        "covariance",
        "walk",
        "gone",
        "_noise2",
        "_reach",
        "_dull",
        "_powers",
        "_time",
    )
    HEAVY: ClassVar = ("covariance",)

    def __init__(self, twin: Twin, sigma: TwinParameters, settings: FilterSettings) -> None:
        self.twin = twin
        self.settings = settings
        begun = {**sigma, **{n: settings.splitters * sigma[n] for n in ("alpha", "beta")}}
        spread = torch.cat([begun[name].expand_as(twin.parameters[name]) for name in STATE], dim=1)
        self.covariance = torch.diag_embed(spread.to(torch.float64) ** 2)
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
        self._of_phases().diagonal(dim1=-2, dim2=-1).add_(sigma**2)

    def predict(self, powers: Tensor, time: float) -> None:
        """Let the phases walk until `time` (s), and until powers (n_banks, elements)."""
        if self._powers is not None:
            s, elapsed = self.settings, max(time - self._time, 0.0)
            grown = -(s.drift**2) * math.expm1(-2.0 * elapsed / s.tau)
            self.gone = math.sqrt(grown * float(self.walk.mean()))
            own = self.walk.unsqueeze(-1) * grown + (s.moved * (powers - self._powers)) ** 2
            phases = self._of_phases()
            phases += s.common**2 * elapsed * self._together
            diagonal = phases.diagonal(dim1=-2, dim2=-1)
            diagonal += own
            shrink = (s.widest / diagonal.sqrt()).clamp_max(1.0)
            if bool((shrink < 1.0).any()):
                splitters = self.covariance.shape[-1] - shrink.shape[-1]
                shrink = torch.cat([shrink, shrink.new_ones(len(shrink), splitters)], dim=1)
                self.covariance *= shrink.unsqueeze(-1) * shrink.unsqueeze(-2)
            self.covariance.diagonal(dim1=-2, dim2=-1).add_(_TINY)
        self._powers, self._time = powers.detach().clone(), time

    @torch.no_grad()
    def update(self, powers: Tensor, moments: Moments, time: float) -> Innovation:
        """Move the twin's state to what a batch at powers (n_banks, elements) tells.

        A bank of which fewer samples than ports are usable is left as it is, its doubt grown.
        """
        twin, entries, elements = self.twin, float(self.twin.ports**2), powers.shape[1]
        self.predict(powers, time)
        start = self._state()
        told = (moments.count > twin.ports).to(torch.float64)
        squares = moments.squares(twin.matrices(powers))
        moved, misfit = self._linearised(powers, moments)
        explained = misfit.square().sum(dim=(-1, -2))
        free = ((moments.count - twin.ports) * twin.ports).clamp_min(1.0)
        floor2 = ((squares - explained) / free).clamp_min(self.settings.noise**2)
        noise2 = self._noise(floor2, explained, told)
        self._reach = max(self.settings.reach, KEPT_REACH * self._reach)
        known = moved @ self.covariance
        root, shift = self._gained(moved, known, misfit, noise2)
        for _ in range(DULLED):
            far = shift[:, :elements].square().mean(dim=-1).sqrt() / self._reach
            if bool((far <= 1.0).all()):
                break
            noise2 = noise2 * (far**2).clamp(1.0, 16.0)
            root, shift = self._gained(moved, known, misfit, noise2)
        said = torch.linalg.solve_triangular(root, misfit, upper=False)
        normalised = said.square().sum(dim=(-1, -2)) / entries
        self._shorten(powers, moments, told.unsqueeze(-1) * shift, squares)
        for _ in range(ROUNDS if float((told * normalised).max()) > CURVED else 0):
            gone = self._state() - start
            moved, misfit = self._linearised(powers, moments)
            known = moved @ self.covariance
            root, shift = self._gained(moved, known, misfit + moved @ gone.unsqueeze(-1), noise2)
            now = moments.squares(twin.matrices(powers))
            self._shorten(powers, moments, told.unsqueeze(-1) * (shift - gone), now)
        # What is known now: P - P H^T (H P H^T + R)^-1 H P.
        learnt = told[:, None, None] * torch.linalg.solve_triangular(root, known, upper=False)
        self.covariance -= learnt.mT @ learnt
        self._follow(normalised, told)
        count = (moments.count * twin.ports).clamp_min(1.0)
        return Innovation(
            normalised,
            (squares / count).clamp_min(0.0).sqrt(),
            floor2.sqrt(),
            (self._state() - start)[:, :elements],
        )

    def _of_phases(self) -> Tensor:
        """The part of the covariance that is of phases, a view."""
        elements = self.twin.ports**2
        return self.covariance[:, :elements, :elements]

    def _state(self) -> Tensor:
        return torch.cat([self.twin.parameters[name] for name in STATE], dim=1)

    def _set_state(self, state: Tensor) -> None:
        sizes = [self.twin.parameters[name].shape[1] for name in STATE]
        for name, part in zip(STATE, state.split(sizes, dim=1), strict=True):
            self.twin.parameters[name] = part.clone()

    def _linearised(self, powers: Tensor, moments: Moments) -> tuple[Tensor, Tensor]:
        """How the state moves a batch's slot matrices, and their misfit, in units in which the
        noise of all entries is alike: (n_banks, N*N, states) and (n_banks, N*N, 1).
        """
        seen = bank_sensitivity(self.twin, powers)
        root = moments.root()
        moved = torch.cat([seen.phases, seen.splitters], dim=1)
        # One large product for each bank, which is faster than one for each entry of the state.
        in_units = (moved.flatten(1, 2) @ root).view(moved.shape).flatten(2)
        misfit = moments.whitened(self.twin.matrices(powers), root)
        return in_units.mT, misfit.flatten(1).unsqueeze(-1)

    @staticmethod
    def _gained(
        moved: Tensor, known: Tensor, misfit: Tensor, noise2: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Root of the misfit's covariance, and the shift (n_banks, states) that it asks for."""
        expected = known @ moved.mT
        expected.diagonal(dim1=-2, dim2=-1).add_(noise2.unsqueeze(-1))
        root = torch.linalg.cholesky(expected)
        return root, (known.mT @ torch.cholesky_solve(misfit, root)).squeeze(-1)

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
        """Take a step (n_banks, states), or its half, ….

        Banks whose error no step lessens keep their state.
        """
        state = self._state()
        factor = torch.ones(len(state), 1, dtype=torch.float64)
        for attempt in range(self.settings.tries + 1):
            self._set_state(state + factor * shift)
            worse = (moments.squares(self.twin.matrices(powers)) > squares).unsqueeze(-1)
            if not bool(worse.any()):
                break
            smaller = 0.5 * factor if attempt < self.settings.tries else torch.zeros_like(factor)
            factor = torch.where(worse, smaller, factor)
        self._set_state(state + factor * shift)
