"""The twin's parameters: what they are, where they start, and how they are written down.

They start from a calibration record (docs/calibration-record.md) and from nothing else. Powers
are counted in units of the bench's nominal p_pi, so that slopes are near pi and every number is
of a size that one optimiser step suits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from calibration.record import CalibrationRecord

TwinParameters = dict[str, Tensor]

#: name -> (shape in words, unit, meaning); the order of the effective-parameter file.
MEANING: dict[str, tuple[str, str, str]] = {
    "offset": ("(n_banks, N*N)", "rad", "phase of each element at zero level"),
    "slope": ("(n_banks, N*N)", "rad per p_pi", "phase per level, p_pi nominal"),
    "curvature": ("(n_banks, N*N)", "1 per p_pi", "phase = offset + slope p (1 + curvature p)"),
    "crosstalk": ("(n_banks, 2)", "1", "c1 at one pitch, cg everywhere, of the aggressor's phase"),
    "alpha": ("(n_banks, cells)", "rad", "error of the first splitter"),
    "beta": ("(n_banks, cells)", "rad", "error of the second splitter"),
    "loss_db": ("(n_banks, cells)", "dB", "insertion loss of a cell"),
    "leak": ("(n_banks, n_banks, 2)", "1", "field leak of bank j into k: real, imaginary"),
    "kappa": ("(N,)", "1", "modulator gain"),
    "bias": ("(N,)", "rad", "modulator bias"),
    "gain": ("(N,)", "1", "detector gain"),
    "zero": ("(N,)", "signal units", "detector offset"),
    "softness": ("()", "1 / signal units^2", "1 / y_sat^2 of the soft saturation"),
    "memory": ("()", "1", "share of the preceding sample's field"),
    "lo_phase": ("()", "rad", "common phase of the local oscillator"),
}

#: name -> (shape in words, unit, meaning), where a twin has such a residual.
NEURAL_MEANING: dict[str, tuple[str, str, str]] = {
    "hidden_weight": ("(hidden, N)", "1", "U of the neural residual V tanh(U s + b)"),
    "hidden_bias": ("(hidden,)", "1", "b of the neural residual"),
    "output_weight": ("(N, hidden)", "signal units", "V of the neural residual"),
}
#: The saturation's slope is flat at exactly zero softness: a start from which it can be learnt.
LEAST_SOFTNESS = 1e-4


def parameters_from_record(
    record: CalibrationRecord, p_pi: float, n_banks: int | None = None
) -> TwinParameters:
    """Start parameters (float64) of a twin of the first `n_banks` banks (default: of all).

    `p_pi` in W is the bench's nominal value.
    """
    banks = record.banks[:n_banks]
    n_banks = len(banks)

    def stack(name: str, scale: float = 1.0) -> Tensor:
        return torch.tensor(np.stack([np.asarray(b.array(name)) for b in banks]) * scale)

    def port(name: str) -> Tensor:
        return torch.tensor(record.port_array(name))

    saturation = record.saturation
    softness = LEAST_SOFTNESS if saturation is None else saturation**-2
    known = len(record.banks)
    leak = record.leak.reshape(known, known, 2)[:n_banks, :n_banks].copy()
    return {
        "offset": stack("phase_offset"),
        "slope": stack("slope", p_pi),
        "curvature": stack("curvature", p_pi),
        "crosstalk": torch.tensor(
            [[b.crosstalk_c1, b.crosstalk_cg] for b in banks], dtype=torch.float64
        ),
        "alpha": stack("splitter_a"),
        "beta": stack("splitter_b"),
        "loss_db": stack("cell_loss_db"),
        "leak": torch.tensor(leak),
        "kappa": port("modulator_gain"),
        "bias": port("modulator_bias"),
        "gain": port("detector_gain"),
        "zero": port("detector_offset"),
        "softness": torch.tensor(softness, dtype=torch.float64),
        "memory": torch.tensor(record.memory, dtype=torch.float64),
        "lo_phase": torch.tensor(record.lo_phase, dtype=torch.float64),
    }


#: The record's quantities whose uncertainties the twin's parameters have: name, of a bank or of the
#: ports, and whether relative to the value.
_SIGMAS: dict[str, tuple[str, bool, bool]] = {
    "offset": ("phase_offset", True, False),
    "slope": ("slope", True, True),
    "alpha": ("splitter_a", True, False),
    "beta": ("splitter_b", True, False),
    "loss_db": ("cell_loss_db", True, False),
    "kappa": ("modulator_gain", False, False),
    "bias": ("modulator_bias", False, False),
    "gain": ("detector_gain", False, False),
    "zero": ("detector_offset", False, False),
}


def sigmas_from_record(
    record: CalibrationRecord, p_pi: float, n_banks: int | None = None
) -> TwinParameters:
    """Standard uncertainties of a mesh's start parameters, by name, in their units and shapes.

    Only of those for which the record states some: a sigma of 0 throughout states none.
    """
    found: TwinParameters = {}
    for name, (quantity, of_bank, relative) in _SIGMAS.items():
        if of_bank:
            estimates = [bank.estimates[quantity] for bank in record.banks[:n_banks]]
            scale = p_pi if relative else 1.0
        else:
            estimates, scale = [record.port_estimates[quantity]], 1.0
        rows = [
            np.broadcast_to(e.sigma, e.value.shape) * (np.abs(e.value) * scale if relative else 1.0)
            for e in estimates
        ]
        sigma = torch.tensor(np.stack(rows) if of_bank else rows[0], dtype=torch.float64)
        if bool((sigma > 0.0).any()):
            found[name] = sigma
    return found


def copy_parameters(parameters: Mapping[str, Tensor]) -> TwinParameters:
    """A detached copy that shares no memory."""
    return {name: value.detach().clone() for name, value in parameters.items()}


def describe_parameters() -> dict[str, Any]:
    """Shapes, units and meaning, as written beside the effective parameters of a run."""
    return described(MEANING)


def described(meaning: Mapping[str, tuple[str, str, str]]) -> dict[str, Any]:
    """A table of (shape, unit, meaning) by name, as written beside parameters."""
    return {
        name: {"shape": shape, "unit": unit, "meaning": what}
        for name, (shape, unit, what) in meaning.items()
    }
