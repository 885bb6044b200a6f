"""One phase shifter alone: its fringe, and the law from power to phase.

    signal_c = A_c + B_c cos(phase_c),  phase_c = offset_c + slope p (1 + curvature p)

Many outputs see one heater: they share slope and curvature, and each has its own A, B and offset.
These three enter linearly (as A, B cos offset, -B sin offset), so they are projected out (Golub and
Pereyra, SIAM J. Numer. Anal. 10, 413 (1973)) and only slope and curvature are searched for.

The abscissa makes the law: levels with `Law.LINEAR` are the V^2 law, levels with `Law.QUADRATIC`
V^2 + V^4, powers measured as volts times amperes with `Law.QUADRATIC` the best of all, since the
heater's change of resistance is then out of the fit. What cannot be told from a fringe: the sign
of the whole phase. The slope is taken to be positive, and the offset goes with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.projected import Law, ProjectedFringe

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Least part of a period that a sweep must cover for its phase to mean something.
LEAST_PERIODS = 1.15
#: A sweep is refused where the phase is uncertain by more than this many tolerances.
REFUSED = 3.0
#: Fringe against noise: below this the cosine is one that noise alone would show.
_VISIBLE = 5.0
#: Share of a channel's points that may be missing.
_MISSING = 1.0 / 3.0


@dataclass(frozen=True, eq=False)
class FringeFit:
    """A fitted fringe of C channels; NaN throughout where `faults` say that there is none.

    slope : rad per unit of power, positive. curvature : per unit of power; 0 for `Law.LINEAR`.
    offset : (C,) rad in -pi..pi, phase at zero power. mean, swing : (C,) A and B >= 0.
    covariance : (C, 3, 3) of offset, slope, curvature. used : (C,) which channels were fitted.
    chi2 : reduced; where above 1 the covariance is enlarged by it. periods : turned by the sweep.
    phase_error : rad, rms over the sweep, expected of the best channel. faults : a line each.
    enough : whether phase_error is within the tolerance and nothing is wrong. points_wanted : how
    many points of this noise would make it so.
    """

    law: Law
    slope: float
    curvature: float
    offset: Floats
    mean: Floats
    swing: Floats
    covariance: Floats
    used: Bools
    chi2: float
    periods: float
    phase_error: float
    faults: tuple[str, ...]
    enough: bool
    points_wanted: int

    @property
    def best(self) -> int:
        """The channel whose offset is known best."""
        spread = np.where(self.used, self.covariance[:, 0, 0], np.inf)
        return int(np.argmin(spread))

    def phase(self, power: Floats, channel: int | None = None) -> Floats:
        """Phases in rad at powers, of a channel; by default the best one."""
        which = self.best if channel is None else channel
        return self.offset[which] + self.slope * power * (1.0 + self.curvature * power)

    def phase_sigma(self, power: Floats, channel: int | None = None) -> Floats:
        """Standard uncertainty of `phase`, rad."""
        which = self.best if channel is None else channel
        gradient = np.stack(
            [
                np.ones_like(power),
                power * (1.0 + self.curvature * power),
                self.slope * power**2,
            ],
            axis=-1,
        )
        variance = np.einsum("...i,ij,...j->...", gradient, self.covariance[which], gradient)
        return np.sqrt(np.maximum(variance, 0.0))


def fit_fringe(
    power: Floats,
    signals: Floats,
    sigma: float | Floats,
    *,
    law: Law = Law.QUADRATIC,
    clipped: Bools | None = None,
    slopes: tuple[float, float] | None = None,
    tolerance: float = 0.012,
) -> FringeFit:
    """Fit a sweep of one phase shifter.

    Parameters
    ----------
    power : (points,) levels or measured powers, >= 0, any unit.
    signals : (points, channels) real. sigma : rms noise of a point, one or (channels,).
    clipped : (points, channels), points that mean nothing.
    slopes : range searched, rad per unit of power; by default from a quarter of a turn over the
        sweep to what the points can resolve.
    tolerance : rad, rms error of the phase that is wanted.

    Raises
    ------
    ValueError
        When shapes do not fit, or a noise is not above zero.
    """
    power = np.asarray(power, dtype=np.float64)
    signals = np.asarray(signals, dtype=np.float64)
    if power.ndim != 1 or signals.ndim != 2 or len(signals) != len(power):
        raise ValueError(f"powers {power.shape} and signals {signals.shape} do not go together")
    noise = np.broadcast_to(np.asarray(sigma, dtype=np.float64), signals.shape[1:])
    if not (noise > 0.0).all():
        raise ValueError("the noise of a point must be above zero")
    usable, faults = _screen(power, signals, clipped)
    used: Bools = np.asarray(usable.any(axis=0))
    if not used.any():
        return _nothing(law, signals.shape[1], (*faults, "no channel is left to fit"))
    fit = ProjectedFringe(power, signals / noise, usable, law)
    if fit.span <= 0.0 or fit.distinct < fit.unknowns + 2:
        told = f"{fit.distinct} different powers; {fit.unknowns + 2} are needed"
        return _nothing(law, signals.shape[1], (*faults, told))
    fit.search(slopes)
    return _judged(fit, noise, used, faults, tolerance)


def _screen(power: Floats, signals: Floats, clipped: Bools | None) -> tuple[Bools, tuple[str, ...]]:
    """Which points of which channels can be used, and what is wrong with the others."""
    finite = np.isfinite(signals) & np.isfinite(power)[:, None]
    usable = finite if clipped is None else finite & ~clipped
    faults = []
    points = len(power)
    for channel in range(signals.shape[1]):
        bad = points - int(usable[:, channel].sum())
        if bad:
            lost = points - int(finite[:, channel].sum())
            kinds = [
                f"{count} {kind}"
                for count, kind in ((lost, "not a number"), (bad - lost, "clipped"))
                if count
            ]
            dropped = bad > _MISSING * points
            usable[:, channel] &= not dropped
            verdict = "left out" if dropped else "fitted to the rest"
            faults.append(f"channel {channel}: {', '.join(kinds)} of {points} points; {verdict}")
    return usable, tuple(faults)


def _judged(
    fit: ProjectedFringe, noise: Floats, used: Bools, faults: tuple[str, ...], tolerance: float
) -> FringeFit:
    """Values, covariances and verdict of a fit that was searched for."""
    channels = len(noise)
    if not np.isfinite(fit.cost) or fit.strength() < _VISIBLE:
        told = "no fringe: the signals do not follow any cosine of the power"
        return _nothing(fit.law, channels, (*faults, told))
    free = len(fit.q)
    chi2 = 2.0 * fit.cost / fit.freedom()
    inner = np.linalg.pinv(fit.jacobian.T @ fit.jacobian) * max(chi2, 1.0)
    curvature = float(fit.q[1]) if free > 1 else 0.0
    # From scaled power to power: slope and curvature are per unit.
    units = np.array([1.0, 1.0 / fit.scale, 1.0 / fit.scale])
    offset, mean, swing = (np.full(channels, np.nan) for _ in range(3))
    covariance = np.full((channels, 3, 3), np.nan)
    turn = fit.turn(fit.q)
    by_slope = fit.x * (1.0 + curvature * fit.x)
    by_curvature = fit.q[0] * fit.x**2
    for mask, members, _ in fit.groups:
        basis = fit.basis(fit.q, mask)
        inverse = np.linalg.inv(basis.T @ basis)
        found = inverse @ (basis.T @ fit.data[np.ix_(mask, members)])
        for column, channel in enumerate(members):
            level, cosine, sine = found[:, column]
            size = float(np.hypot(cosine, sine))
            slide = -cosine * np.sin(turn[mask]) + sine * np.cos(turn[mask])
            moving = np.stack([slide * by_slope[mask], slide * by_curvature[mask]], axis=1)
            # Offsets move with slope and curvature: more of these takes some of that.
            moved = -inverse @ (basis.T @ moving[:, :free])
            lean = np.array([0.0, sine, -cosine]) / max(size, 1e-12) ** 2
            along = lean @ moved
            matrix = np.zeros((3, 3))
            matrix[0, 0] = lean @ inverse @ lean * max(chi2, 1.0) + along @ inner @ along
            matrix[0, 1 : 1 + free] = matrix[1 : 1 + free, 0] = along @ inner
            matrix[1 : 1 + free, 1 : 1 + free] = inner
            covariance[channel] = matrix * np.outer(units, units)
            offset[channel] = np.arctan2(-sine, cosine)
            mean[channel], swing[channel] = level * noise[channel], size * noise[channel]
    ends = np.array([fit.low, fit.high])
    turned = float(np.diff(fit.q[0] * ends * (1.0 + curvature * ends))[0])
    periods = abs(turned) / (2.0 * np.pi)
    if periods < LEAST_PERIODS:
        faults = (*faults, f"the sweep covers {periods:.2f} periods; {LEAST_PERIODS} are needed")
    result = FringeFit(
        fit.law, float(fit.q[0]) / fit.scale, curvature / fit.scale, offset, mean, swing,
        covariance, used, chi2, periods, np.inf, faults, False, 0,
    )  # fmt: skip
    where = np.linspace(fit.low, fit.high, 65) * fit.scale
    error = float(np.sqrt(np.mean(result.phase_sigma(where) ** 2)))
    return _with_verdict(result, error, int(fit.usable.any(axis=1).sum()), tolerance)


def _with_verdict(fit: FringeFit, error: float, points: int, tolerance: float) -> FringeFit:
    faults = fit.faults
    if error > REFUSED * tolerance:
        faults = (*faults, f"phase uncertain by {error:.3f} rad; {tolerance:g} rad is wanted")
    wanted = points * max(1.0, (error / tolerance) ** 2)
    return FringeFit(
        fit.law, fit.slope, fit.curvature, fit.offset, fit.mean, fit.swing, fit.covariance,
        fit.used, fit.chi2, fit.periods, error, faults,
        error <= tolerance and fit.periods >= LEAST_PERIODS, int(np.ceil(min(wanted, 1e6))),
    )  # fmt: skip


def _nothing(law: Law, channels: int, faults: tuple[str, ...]) -> FringeFit:
    """No fit: NaN, and why."""
    none = np.full(channels, np.nan)
    return FringeFit(
        law, np.nan, np.nan, none, none.copy(), none.copy(), np.full((channels, 3, 3), np.nan),
        np.zeros(channels, bool), np.nan, 0.0, np.inf, faults, False, 0,
    )  # fmt: skip
