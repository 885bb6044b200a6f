"""As-built knowledge of a simulated bench, as good as its class says, in the record's schema.

A foundry and a first survey leave a lab with such a file. What a class does not know is absorbed
as well as a survey at the usual powers could: the best straight line, and the mean crosstalk at
the reference bias. The survey finds each phase, and turns each law's slope, at that bias: there
all heaters are at the nominal p_pi.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from sim_backends.as_built_microring import GAUGE as MICRORING_GAUGE
from sim_backends.as_built_microring import microring_bank
from sim_backends.plant.microring import MicroringPlant
from sim_backends.plant.plant import Plant
from sim_backends.plant.signals import Floats

SCHEMA = "hil-calibration-record"
VERSION = 1
GAUGE = (
    "T = BS(pi/4 + splitter_b) diag(e^{i theta}, 1) BS(pi/4 + splitter_a) diag(e^{i phi}, 1) with "
    "BS(x) = [[cos x, i sin x], [i sin x, cos x]]; bare edge waveguides have phase 0; output "
    "phases last, with the static LO phase of each port in them; machine.lo_phase is common"
)

_STREAM = 201
#: The bias at which phases are surveyed, in units of the nominal p_pi.
_REFERENCE = 1.0
#: Powers, in units of the nominal p_pi, over which a straight or curved law is laid.
_SURVEY = np.linspace(0.4, 1.6, 13)


@dataclass(frozen=True)
class Quality:
    """How well a class knows a bench.

    Attributes
    ----------
    phase : rad rms error of every phase at the reference bias.
    slope : relative rms error of every slope, about the reference bias.
    curvature, crosstalk, splitters : whether these are known.
    """

    phase: float
    slope: float
    curvature: bool
    crosstalk: bool
    splitters: bool


QUALITIES: Mapping[str, Quality] = {
    "best": Quality(0.03, 0.005, True, True, True),
    "std": Quality(0.06, 0.01, True, False, False),
    "rough": Quality(0.10, 0.02, False, False, False),
    "poor": Quality(0.30, 0.05, False, False, False),
    "bad": Quality(0.80, 0.10, False, False, False),
}


def write_as_built(
    plant: Plant,
    quality: str,
    path: str | Path,
    *,
    created: str | None = None,
    code_version: str = "",
) -> None:
    """Write what a class knows of a plant as a calibration record, JSON.

    The same seed and class give the same numbers. `created` is the ISO time in the record, by
    default now.

    Raises
    ------
    ValueError
        When the class is unknown.
    """
    document = as_built_document(plant, quality, created=created, code_version=code_version)
    Path(path).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def as_built_document(
    plant: Plant, quality: str, *, created: str | None = None, code_version: str = ""
) -> dict[str, Any]:
    """The record as a table of JSON's types; see docs/calibration-record.md.

    Raises
    ------
    ValueError
        When the class is unknown.
    """
    if quality not in QUALITIES:
        raise ValueError(f"no as-built class {quality!r}; there are {', '.join(QUALITIES)}")
    spec, numbers = plant.spec, plant.spec.numbers
    # One stream for all classes: they differ in the size of their errors, not in their pattern.
    stream = np.random.default_rng(np.random.SeedSequence([spec.seed, _STREAM]))
    ones, zeros = np.ones(spec.ports), np.zeros(spec.ports)
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "kind": "as-built",
        "created": created or datetime.now(UTC).isoformat(timespec="seconds"),
        "bench": {
            "name": spec.name,
            "core": spec.core,
            "ports": spec.ports,
            "n_banks": spec.n_banks,
        },
        "method": f"as-built {quality}",
        "gauge": MICRORING_GAUGE if isinstance(plant, MicroringPlant) else GAUGE,
        "code_version": code_version,
        "serials": {name: serial for name, serial in spec.serials.items() if serial},
        "banks": [_bank(plant, QUALITIES[quality], k, stream) for k in range(spec.n_banks)],
        "ports": {
            "modulator_gain": _estimate(ones, numbers.modulator_gain_spread),
            "modulator_bias": _estimate(zeros, numbers.modulator_bias_rms),
            "detector_gain": _estimate(ones, numbers.detector_gain_spread),
            "detector_offset": _estimate(zeros, numbers.detector_offset_rms),
        },
        "machine": {
            "saturation": None,
            "memory": 0.0,
            "leak": [[0.0, 0.0]] * spec.n_banks**2,
            "lo_phase": 0.0,
        },
    }


def _bank(plant: Plant, quality: Quality, bank: int, stream: np.random.Generator) -> dict[str, Any]:
    if isinstance(plant, MicroringPlant):
        return microring_bank(plant, quality, bank, stream, _SURVEY, _REFERENCE)
    spec, numbers, devices = plant.spec, plant.spec.numbers, plant.devices
    phase_error, slope_error = stream.standard_normal((2, spec.elements))
    offset, slope, curvature = _own_law(plant, bank, curved=quality.curvature)
    if not quality.crosstalk:
        offset = offset + plant.crosstalk @ (_relative_powers(plant, bank, _REFERENCE) * np.pi)
    believed = slope * (1.0 + quality.slope * slope_error)
    offset = offset + quality.phase * phase_error - (believed - slope) * _REFERENCE * spec.p_pi
    offset_sigma = np.hypot(quality.phase, quality.slope * float(slope.mean()) * spec.p_pi)
    known = quality.splitters
    zeros = np.zeros(spec.cells)
    splitter_sigma = 0.0 if known else numbers.splitter_rms
    bend = 0.0 if quality.curvature else abs(numbers.curvature - numbers.resistance_rise)
    return {
        "phase_offset": _estimate(offset, float(offset_sigma)),
        "slope": _estimate(believed, quality.slope),
        "curvature": _estimate(curvature, bend / spec.p_pi),
        "crosstalk": {
            "c1": numbers.crosstalk_c1 if quality.crosstalk else 0.0,
            "d0": numbers.crosstalk_d0,
            "cg": numbers.crosstalk_cg if quality.crosstalk else 0.0,
            "known": quality.crosstalk,
        },
        "splitter_a": _estimate(devices.alpha[bank] if known else zeros, splitter_sigma),
        "splitter_b": _estimate(devices.beta[bank] if known else zeros, splitter_sigma),
        "cell_loss_db": _estimate(np.full(spec.cells, numbers.loss_db), numbers.loss_spread_db),
    }


def _relative_powers(plant: Plant, bank: int, level: float) -> Floats:
    """Powers in units of each heater's own P_pi with all at `level` nominal p_pi, (elements,)."""
    spec = plant.spec
    volts = np.sqrt(level * spec.p_pi * spec.r_nom[bank])
    return plant.settled_powers(bank, volts)


def _own_law(plant: Plant, bank: int, *, curved: bool) -> tuple[Floats, Floats, Floats]:
    """Best law of each heater's own phase over the survey: offset, slope and curvature.

    phase = offset + slope p (1 + curvature p), (elements,) in rad, rad/W and 1/W.
    """
    kappa = plant.spec.numbers.curvature
    x = np.array([_relative_powers(plant, bank, level) for level in _SURVEY])
    terms = np.polynomial.polynomial.polyfit(
        _SURVEY * plant.spec.p_pi, np.pi * x * (1.0 + kappa * x), 2 if curved else 1
    )
    bend = terms[2] / terms[1] if curved else np.zeros_like(terms[1])
    return plant.devices.phase[bank] + terms[0], terms[1], bend


def _estimate(value: Floats, sigma: float) -> dict[str, Any]:
    return {"value": value.tolist(), "sigma": float(sigma)}
