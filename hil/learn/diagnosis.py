"""What a residual of the reference inputs looks like: one number for all, ports, or elements.

A change of laser power, local oscillator or temperature moves everything by one number each. A
detector or its cable moves one port. A heater moves one element, and drift of the chip moves all of
them, each by its own. Each of these leaves a pattern that the twin knows; the residual is projected
on the patterns, the simplest that explains most of it is named.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.func import jacrev

from hil.learn.cusum import Floats
from hil.learn.reference import Look
from hil.learn.scores import MOST_ELEMENTS, element_scores
from hil.twin.machine import Twin, samples_before
from hil.twin.parameters import TwinParameters
from hil.twin.protocol import SlotTwin
from hil.twin.sensitivity import phase_sensitivity

#: Share of a residual's square that a simple cause must explain to be named.
NAMED = 0.6
#: An element with such a score is named whatever it explains, if without it a look would be usual.
STANDS_OUT = 5.0
#: Mean square, over the expected one, of a usual look.
USUAL = 4.0
#: Share of a residual that counts as excess at least: below, nothing can be told apart.
LEAST_EXCESS = 0.3
#: Changes of the elements by temperature that are tried, to either side (rad, or half-widths).
TEMPERATURES = 0.3

COMMON = "common"
PORTS = "ports"
ELEMENT = "element"
ELEMENTS = "elements"


def element_parameter(twin: SlotTwin) -> str:
    """The parameter that stands for where an element is: a phase (rad), or a resonance."""
    return "offset" if "offset" in twin.parameters else "resonance"


@dataclass(frozen=True)
class Common:
    """The numbers that are one for all: how they have changed.

    light : factor of every signal; local_oscillator : rad; temperature : of every element alike, in
    its own unit (rad, or half-widths). share : of a residual's square that they explain.
    """

    light: float
    local_oscillator: float
    temperature: float
    share: float

    def applied(self, twin: SlotTwin) -> TwinParameters:
        """The twin's parameters, so changed."""
        q, own = twin.parameters, element_parameter(twin)
        changed = {**q, "gain": q["gain"] * self.light, own: q[own] + self.temperature}
        if "lo_phase" in q:
            changed["lo_phase"] = q["lo_phase"] + self.local_oscillator
        return changed


@torch.no_grad()
def common_change(twin: SlotTwin, look: Look, powers: Tensor) -> Common:
    """The change of light, local oscillator and temperature that explains most of a residual.

    Re(e^{-i psi} W) is linear in cos psi and sin psi, so light and oscillator are found by linear
    least squares, however far they went; the temperature by trying.
    """
    square = (look.residual(twin, powers) ** 2).sum().clamp_min(1e-30)
    best, reach, middle = Common(1.0, 0.0, 0.0, 0.0), TEMPERATURES, 0.0
    for _ in range(2):
        for temperature in torch.linspace(-reach, reach, 21).tolist():
            tried = _light_and_oscillator(twin, look, powers, middle + temperature, float(square))
            best = max(best, tried, key=lambda one: one.share)
        middle, reach = best.temperature, reach / 10
    return best


def _light_and_oscillator(
    twin: SlotTwin, look: Look, powers: Tensor, temperature: float, square: float
) -> Common:
    q, own = twin.parameters, element_parameter(twin)
    warm = {**q, own: q[own] + temperature}
    turned = [warm]
    if "lo_phase" in q:
        turned.append({**warm, "lo_phase": q["lo_phase"] + 0.5 * torch.pi})
    usable = look.usable.flatten()
    basis = torch.stack([look.believed(twin, powers, one) - q["zero"] for one in turned], dim=-1)
    basis = basis.flatten(0, -2)[usable]
    signal = (look.measured - q["zero"]).flatten()[usable]
    found = torch.linalg.lstsq(basis, signal.unsqueeze(1)).solution.squeeze(1)
    left = float(((signal - basis @ found) ** 2).sum())
    along = found.tolist()
    across = along[1] if len(along) > 1 else 0.0
    return Common(
        math.hypot(along[0], across), math.atan2(across, along[0]), temperature, 1.0 - left / square
    )


@torch.no_grad()
def port_numbers(
    twin: SlotTwin, look: Look, powers: Tensor, residual: Tensor
) -> tuple[Tensor, Tensor, float]:
    """Changes of detector gain (relative) and offset (signal units), (N,) each, and their share."""
    signal = look.believed(twin, powers) - twin.parameters["zero"]
    held = look.usable.to(signal.dtype)
    x, y = (held * signal).flatten(0, 1), residual.flatten(0, 1)
    count = held.flatten(0, 1).sum(dim=0).clamp_min(1.0)
    sx, sy = x.sum(dim=0), y.sum(dim=0)
    xx = (x * x).sum(dim=0) - sx * sx / count
    xy = (x * y).sum(dim=0) - sx * sy / count
    gain = xy / xx.clamp_min(1e-12)
    zero = (sy - gain * sx) / count
    left = y - held.flatten(0, 1) * (gain * x + zero)
    share = 1.0 - float((left**2).sum() / (y**2).sum().clamp_min(1e-30))
    return gain, zero, share


@torch.no_grad()
def matrix_residual(twin: SlotTwin, look: Look, residual: Tensor) -> Tensor:
    """The change of the slot matrices (n_banks, N, N) that would explain a residual."""
    amplitudes = twin.modulate(look.sent)
    before = samples_before(amplitudes, look.after_dark)
    seen = amplitudes + twin.parameters["memory"] * before
    scaled = residual / twin.parameters["gain"]
    # Reference patterns are as good as orthogonal: a little ridge is for clipped samples only.
    square = seen.mT @ seen
    ridge = 1e-6 * square.diagonal(dim1=-2, dim2=-1).mean() * torch.eye(twin.ports).to(square)
    return torch.linalg.solve(square + ridge, seen.mT @ scaled).mT


def sensitivities(twin: SlotTwin, powers: Tensor) -> Tensor:
    """Derivative (n_banks, elements, N, N) of each slot matrix with respect to its own elements."""
    if isinstance(twin, Twin):
        return phase_sensitivity(twin, powers)
    own, q = element_parameter(twin), twin.parameters

    def matrices(value: Tensor) -> Tensor:
        return twin.matrices(powers, {**q, own: value})

    whole: Any = jacrev(matrices, chunk_size=64)(q[own])
    return torch.stack([whole[k, :, :, k].permute(2, 0, 1) for k in range(twin.n_banks)]).detach()


@contextmanager
def believing(twin: SlotTwin, parameters: TwinParameters) -> Iterator[None]:
    """Inside, the twin believes these parameters."""
    own, twin.parameters = twin.parameters, parameters
    try:
        yield
    finally:
        twin.parameters = own


def look_scores(twin: SlotTwin, look: Look, powers: Tensor) -> Floats | None:
    """How far each element stands out in a look (n_banks, elements); None for too many of them."""
    if twin.ports**2 > MOST_ELEMENTS:
        return None
    change = matrix_residual(twin, look, look.residual(twin, powers))
    return element_scores(sensitivities(twin, powers), change).numpy()


@dataclass(frozen=True)
class Diagnosis:
    """The simplest cause that explains most of a residual.

    kind : `common`, `ports`, `element` or `elements`. share : that it explains, of what the
    residual's square exceeds the expected one by. common : the numbers that are one for all.
    worst : (bank, element) that stands out most. moved : by how much (rad, or half-widths) it would
    have moved by itself. score : how far it stands out (`scores`); NaN where there are none.
    """

    kind: str
    share: float
    common: Common
    worst: tuple[int, int]
    moved: float
    score: float

    def text(self) -> str:
        """In words."""
        bank, element = self.worst
        match self.kind:
            case "common":
                one = self.common
                what = (
                    f"one number for all (light x {one.light:.3f}, local oscillator "
                    f"{one.local_oscillator:+.3f}, temperature {one.temperature:+.3f})"
                )
            case "ports":
                what = "gains and offsets of single ports"
            case "element":
                what = f"bank {bank}, element {element} by {self.moved:+.3f}"
            case _:
                what = "many elements, each by its own"
        return f"{what}; explains {self.share:.0%}"


def diagnose(
    twin: SlotTwin,
    look: Look,
    powers: Tensor,
    scores: Floats | None = None,
    expected: float = 0.0,
) -> Diagnosis:
    """Name what explains the residual of a look at powers (n_banks, elements).

    scores : as `look_scores`. expected : mean square of the residual before anything happened.
    """
    residual = look.residual(twin, powers)
    whole = float(residual.square().sum())
    excess = max(whole - expected * float(look.usable.sum()), LEAST_EXCESS * whole, 1e-30) / whole
    common = common_change(twin, look, powers)
    *_, port_share = port_numbers(twin, look, powers, residual)
    change = matrix_residual(twin, look, residual).flatten(1).unsqueeze(-1)
    moved = sensitivities(twin, powers).flatten(2)
    along = (moved @ change).squeeze(-1)
    size = moved.square().sum(dim=-1).clamp_min(1e-12)
    explained = along**2 / size / change.square().sum().clamp_min(1e-30)
    standing_out = explained if scores is None else torch.from_numpy(scores).abs()
    bank, element = divmod(int(standing_out.argmax()), explained.shape[1])
    worst, by = (bank, element), float(along[bank, element] / size[bank, element])
    score = math.nan if scores is None else float(scores[worst])
    shares = {COMMON: common.share, PORTS: port_share, ELEMENT: float(explained[worst])}
    # What is left without the element would be nothing unusual.
    alone = (1.0 - shares[ELEMENT]) * whole <= USUAL * expected * float(look.usable.sum())
    for kind in (COMMON, PORTS, ELEMENT):
        share = min(shares[kind] / excess, 1.0)
        if share >= NAMED or (kind == ELEMENT and abs(score) >= STANDS_OUT and alone):
            return Diagnosis(kind, share, common, worst, by, score)
    left = 1.0 - min(max(shares.values()) / excess, 1.0)
    return Diagnosis(ELEMENTS, left, common, worst, by, score)
