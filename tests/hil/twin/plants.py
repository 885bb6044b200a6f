"""Small simulated benches, and the twin that knows such a plant exactly."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import torch

from hil.bench.cores import MESH, Core
from hil.bench.writing import Start, starting_text
from hil.twin.machine import Twin
from hil.twin.microring import MicroringTwin
from sim_backends.plant import Plant
from sim_backends.plant.microring import MicroringPlant

#: What the twin's law does not hold: R(T) makes power quartic in the level, the rest is not of the
#: settled machine.
OUTSIDE_THE_LAW = (
    "resistance_temperature",
    "heater_dynamics",
    "thermal_tail",
    "noise",
    "drift",
    "drift_step",
    "lo_drift",
    "quantisation",
)


def document(
    ports: int,
    n_banks: int = 2,
    *,
    severity: str = "std",
    seed: int = 1,
    off: tuple[str, ...] = (),
    core: Core = MESH,
    **plant: Any,
) -> dict[str, Any]:
    """A decoded starting bench file; `plant` overrides numbers of its [plant] table."""
    start = Start(
        ports=ports,
        n_banks=n_banks,
        name=f"tiny-{ports}",
        severity=severity,
        seed=seed,
        core=core,
    )
    decoded = tomllib.loads(starting_text(start))
    decoded["plant"].update(switch_off=list(off), **plant)
    return decoded


def exact_twin(plant: Plant, at: float = 0.0) -> Twin:
    """The twin with the plant's own parameters; exact where `OUTSIDE_THE_LAW` is off."""
    spec, devices, numbers = plant.spec, plant.devices, plant.spec.numbers
    # Without R(T) the power in units of a heater's own P_pi is p r_nom / (r0 P_pi).
    share = spec.p_pi * spec.r_nom / (devices.r0 * devices.p_pi)
    leak = np.stack([devices.leak.real, devices.leak.imag], axis=-1)
    y_sat = numbers.saturation
    values: dict[str, Any] = {
        "offset": devices.phase,
        "slope": np.pi * share,
        "curvature": numbers.curvature * share,
        "crosstalk": np.tile([numbers.crosstalk_c1, numbers.crosstalk_cg], (spec.n_banks, 1)),
        "alpha": devices.alpha,
        "beta": devices.beta,
        "loss_db": devices.loss_db,
        "leak": leak,
        "kappa": devices.modulator_gain,
        "bias": devices.modulator_bias,
        "gain": devices.detector_gain,
        "zero": devices.detector_offset,
        "softness": 0.0 if y_sat is None else y_sat**-2,
        "memory": numbers.memory,
        "lo_phase": plant.lo_phase(at),
    }
    parameters = {
        name: torch.tensor(np.asarray(value, dtype=np.float64)) for name, value in values.items()
    }
    return Twin(parameters, spec.p_pi, [numbers.crosstalk_d0] * spec.n_banks)


def exact_ring_twin(plant: MicroringPlant) -> MicroringTwin:
    """The twin with the plant's own parameters; exact where `OUTSIDE_THE_LAW` is off."""
    spec, devices, numbers = plant.spec, plant.devices, plant.spec.numbers
    share = spec.p_pi * spec.r_nom / (devices.r0 * devices.p_pi)
    y_sat, spacing = numbers.saturation, numbers.ring_spacing
    values: dict[str, Any] = {
        "resonance": plant.rings.offset,
        "shift": numbers.ring_shift * share,
        "curvature": numbers.curvature * share,
        "crosstalk": np.tile([numbers.crosstalk_c1, numbers.crosstalk_cg], (spec.n_banks, 1)),
        "amplitude": plant.rings.amplitude,
        "leak": devices.leak.real,
        "kappa": devices.modulator_gain,
        "bias": devices.modulator_bias,
        "gain": devices.detector_gain,
        "zero": devices.detector_offset,
        "softness": 0.0 if y_sat is None else y_sat**-2,
        "memory": numbers.memory,
    }
    parameters = {
        name: torch.tensor(np.asarray(value, dtype=np.float64)) for name, value in values.items()
    }
    spaced = np.inf if spacing is None else spacing
    banks = spec.n_banks
    return MicroringTwin(parameters, spec.p_pi, [numbers.crosstalk_d0] * banks, [spaced] * banks)
