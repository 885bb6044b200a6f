"""Seeing all weights of all banks in one frame, by drive patterns of both signs.

A microring bank's modulators are bright when not driven: light is 1 + s, and what is read is
g W (1 + s) / sqrt N. Orthogonal patterns of signs and their opposites drive all ports at once;
what undriven modulators read, W 1, is what all patterns have in common, and is taken out with the
detectors' offsets. So each entry of a row is a mean over all samples of a bank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.setup import Observation, Setup, Shot
from calibration.step import Array
from calibration.tomography import USUAL_NOISE, amplitudes, drives, linear, sign_patterns

Floats = NDArray[np.float64]

#: Modulated share of the light: large against noise; a modulator's sine is still well known there.
DEPTH = 0.85


@dataclass(frozen=True, eq=False)
class RingView:
    """What one frame shows.

    seen : (n_banks, N, N) detector gain times weight. sigma : (n_banks, N) noise rms of the
    entries of a row. clipped : (n_banks, N) share of a row's samples at the converter's end.
    pedestal : (n_banks, N) what undriven modulators read, signal units. time : bench s. raw : what
    it was solved from.
    """

    seen: Floats
    sigma: Floats
    clipped: Floats
    pedestal: Floats
    time: float
    raw: tuple[Observation, ...]


@dataclass(frozen=True, eq=False)
class Film:
    """Views at their levels, in order of time.

    times : (S,) bench s. levels : (S, n_banks, N^2) W. seen : (S, n_banks, N, N). sigma : (S,
    n_banks, N), as of `RingView`.
    """

    times: Floats
    levels: Floats
    seen: Floats
    sigma: Floats

    def __len__(self) -> int:
        return len(self.times)

    def first(self, count: int) -> Film:
        """The first `count` settings."""
        return Film(self.times[:count], self.levels[:count], self.seen[:count], self.sigma[:count])

    @staticmethod
    def of(levels: Floats, views: Sequence[RingView]) -> Film:
        """Views at their levels, put together."""
        return Film(
            np.array([view.time for view in views]),
            levels,
            np.array([view.seen for view in views]),
            np.array([view.sigma for view in views]),
        )

    @staticmethod
    def joined(parts: Sequence[Film]) -> Film:
        """Several, in order of time."""
        return Film(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("times", "levels", "seen", "sigma")
            )
        )


class RingViewer:
    """Looks at all banks of a bench at once.

    repeats : times that each pattern and its opposite are sent.
    """

    def __init__(self, setup: Setup, knowledge: Knowledge, repeats: int = 6) -> None:
        self._setup = setup
        self._knowledge = knowledge
        signs = sign_patterns(setup.ports)
        values = drives(knowledge, DEPTH * np.tile(np.concatenate([signs, -signs]), (repeats, 1)))
        self._shots = [Shot(bank, np.clip(values, -1.5, 1.5)) for bank in range(setup.n_banks)]
        usual = np.nanmedian(knowledge.noise) if np.isfinite(knowledge.noise).any() else USUAL_NOISE
        self._noise = np.where(np.isfinite(knowledge.noise), knowledge.noise, usual)

    def with_gain(self, gain: Floats) -> RingViewer:
        """The same with other detector gains (N,)."""
        other = copy(self)
        value = {**self._knowledge.value, "detector_gain": gain}
        other._knowledge = replace(self._knowledge, value=value)
        return other

    async def look(self) -> RingView:
        """One frame at the present levels."""
        return self.solved(await self._setup.observe(self._shots))

    def solved(self, observed: Sequence[Observation]) -> RingView:
        """What a frame shows by what is known now: of gains above all, which bend saturation."""
        rows = [self._solve(one) for one in observed]
        return RingView(
            seen=np.stack([one[0] for one in rows]),
            sigma=np.stack([one[1] for one in rows]),
            clipped=np.stack([one.clipped.mean(axis=0) for one in observed]),
            pedestal=np.stack([one[2] for one in rows]),
            time=observed[0].time,
            raw=tuple(observed),
        )

    def packed(self, views: Sequence[RingView]) -> dict[str, Array]:
        """Views as arrays (S, ...), to be kept: what was read, and what it showed."""

        def stacked(name: str) -> Array:
            return np.array([[getattr(one, name) for one in view.raw] for view in views])

        return {
            "times": np.array([view.time for view in views]),
            "seen": np.array([view.seen for view in views]).astype(np.float32),
            "sent": stacked("sent").astype(np.float32),
            "measured": stacked("measured").astype(np.float32),
            "clipped": stacked("clipped"),
        }

    def unpacked(self, arrays: Mapping[str, Array]) -> list[RingView]:
        """The views that arrays were packed from, solved by what is known now."""
        views = []
        for time, *read in zip(
            *(arrays[name] for name in ("times", "sent", "measured", "clipped")), strict=True
        ):
            raw = [
                Observation(sent.astype(np.float64), measured.astype(np.float64), clipped, time)
                for sent, measured, clipped in zip(*read, strict=True)
            ]
            views.append(self.solved(raw))
        return views

    async def at(self, levels: Floats) -> RingView:
        """Program levels (n_banks, N^2) in W and look."""
        await self._setup.program(levels)
        return await self.look()

    def _solve(self, one: Observation) -> tuple[Floats, Floats, Floats]:
        """Seen weights (N, N), their noise (N,), and the pedestal (N,)."""
        known = self._knowledge
        sent = amplitudes(known, one.sent)
        before = np.roll(sent, 1, axis=0)
        before[0] = np.sin(known.value["modulator_bias"])  # the lead sample: no drive
        driven = np.column_stack([np.ones(len(sent)), sent + known.memory * before])
        signal = linear(known, one.measured)
        solved = np.linalg.lstsq(driven, signal, rcond=None)[0]
        root = np.sqrt(known.ports)
        inverse = np.linalg.inv(driven.T @ driven)
        entry = np.sqrt(np.diag(inverse)[1:].mean()) * root
        return solved[1:].T * root, self._straightened(signal) * entry, solved[0]

    def _straightened(self, signal: Floats) -> Floats:
        """Noise rms (N,) of a sample once saturation is taken out of it."""
        known = self._knowledge
        if known.saturation is None:
            return self._noise
        bent = np.cosh(signal / (known.value["detector_gain"] * known.saturation)) ** 2
        return self._noise * np.sqrt((bent**2).mean(axis=0))
